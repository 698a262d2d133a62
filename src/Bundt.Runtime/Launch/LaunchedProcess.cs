namespace Bundt.Runtime.Launch;

/// <summary>What runs after a launch.</summary>
public sealed class LaunchedProcess : IDisposable
{
    /// <summary>Host pid of init (or of the exec'd process).</summary>
    public required int Pid { get; init; }

    /// <summary>Field 22 of /proc/PID/stat.</summary>
    public required ulong StartTime { get; init; }

    /// <summary>Pid of the monitor.</summary>
    public required int MonitorPid { get; init; }

    /// <summary>Pidfd of the monitor, which is a child of this process.</summary>
    public required Microsoft.Win32.SafeHandles.SafeFileHandle MonitorPidFd { get; init; }

    /// <summary>
    /// When the launcher began, init was cloned, init ran, stood in its root, and executed the command: CLOCK_MONOTONIC in ns
    /// (a <see cref="System.Diagnostics.Stopwatch"/>'s time stamps). A container may write to the last three.
    /// </summary>
    public IReadOnlyList<ulong> Stamps { get; init; } = [];

    /// <summary>The pre-attached socket (monitor.h messages) when AttachFlags were given.</summary>
    public System.Net.Sockets.Socket? Attached { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        MonitorPidFd.Dispose();
        Attached?.Dispose();
    }
}
