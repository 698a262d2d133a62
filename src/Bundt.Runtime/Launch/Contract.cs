using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Launch;

/// <summary>An overlay root: unpacked layers below a writable directory.</summary>
public sealed record OverlayRoot
{
    /// <summary>Host directories, topmost first; at most 127.</summary>
    public required IReadOnlyList<string> Lowers { get; init; }

    /// <summary>Host directory of the writable layer.</summary>
    public required string Upper { get; init; }

    /// <summary>Host directory overlayfs works in, on the same file system.</summary>
    public required string Work { get; init; }

    /// <summary>An empty host directory that overlay is mounted on, inside the container's own mount namespace.</summary>
    public required string MountPoint { get; init; }

    /// <summary>Mounts "volatile": no sync when the last reference goes (--rm).</summary>
    public bool Volatile { get; init; }
}

/// <summary>How the launcher becomes a monitor (monitor.h).</summary>
public sealed record MonitorSettings
{
    /// <summary>Host path of the state directory; must exist (files monitor, exit, stdio.log).</summary>
    public required string StateDirectory { get; init; }

    /// <summary>Host path of the directory that gets the socket "monitor.sock".</summary>
    public required string SocketDirectory { get; init; }

    /// <summary>Bytes per log file, 0: no log.</summary>
    public long LogSize { get; init; } = 20 << 20;

    /// <summary>Log files kept.</summary>
    public int LogFiles { get; init; } = 5;

    /// <summary>Stdin stays open while nobody is attached.</summary>
    public bool OpenStdin { get; init; }

    /// <summary>The first attached client that ends its stdin closes the container's.</summary>
    public bool StdinOnce { get; init; }

    /// <summary>--rm: the exit record is not fsynced.</summary>
    public bool Remove { get; init; }

    /// <summary>First terminal size, 0: leave.</summary>
    public int Rows { get; init; }

    /// <summary>First terminal size, 0: leave.</summary>
    public int Columns { get; init; }

    /// <summary>A socket pair's other end is handed to the monitor as an attached client: 1 stdin, 2 stdout, 4 stderr; 0: none.</summary>
    public int AttachFlags { get; init; }
}

/// <summary>A container to launch under a monitor.</summary>
public sealed record LaunchRequest
{
    /// <summary>The container's id (names the cgroup, the process).</summary>
    public required string Id { get; init; }

    /// <summary>The OCI runtime config. root.path is ignored when <see cref="Overlay"/> is given.</summary>
    public required RuntimeConfig Config { get; init; }

    /// <summary>An overlay root, or null: root.path of the config.</summary>
    public OverlayRoot? Overlay { get; init; }

    /// <summary>The monitor.</summary>
    public required MonitorSettings Monitor { get; init; }

    /// <summary>Run the command below a minimal init (--init).</summary>
    public bool InitProcess { get; init; }
}

/// <summary>A further process in a running container, under a monitor of its own.</summary>
public sealed record ExecRequest
{
    /// <summary>The container's id.</summary>
    public required string Id { get; init; }

    /// <summary>The exec's id.</summary>
    public required string ExecId { get; init; }

    /// <summary>The container's init, host pid.</summary>
    public required int InitPid { get; init; }

    /// <summary>Field 22 of its /proc/PID/stat, so that a reused pid is refused.</summary>
    public required ulong InitStart { get; init; }

    /// <summary>The container's config (namespaces, seccomp, capabilities).</summary>
    public required RuntimeConfig Config { get; init; }

    /// <summary>The process to run.</summary>
    public required RuntimeProcess Process { get; init; }

    /// <summary>The monitor.</summary>
    public required MonitorSettings Monitor { get; init; }
}

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

    /// <summary>The pre-attached socket (monitor.h messages) when AttachFlags were given.</summary>
    public System.Net.Sockets.Socket? Attached { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        MonitorPidFd.Dispose();
        Attached?.Dispose();
    }
}

/// <summary>From a config to a running process under a monitor.</summary>
public static class ContainerLauncher
{
    /// <summary>
    /// Makes the cgroup /bundt/ID with its limits, compiles the plan, spawns the launcher in /bundt/monitors and waits until the command is
    /// executed. A failure leaves no process, no cgroup and no mount, and names the operation.
    /// </summary>
    /// <exception cref="BundtException">CommandNotFound, CommandNotExecutable, InvalidArgument or Internal, with phase, operation, path and errno.</exception>
    public static LaunchedProcess Launch(LaunchRequest request) => throw new NotImplementedException();

    /// <summary>The same for an exec.</summary>
    public static LaunchedProcess Exec(ExecRequest request) => throw new NotImplementedException();
}

/// <summary>The container's cgroup, /bundt/ID.</summary>
public static class ContainerCgroup
{
    /// <summary>Freezes or thaws every process; returns once cgroup.events says so.</summary>
    public static void SetFrozen(string id, bool frozen) => throw new NotImplementedException();

    /// <summary>Kills every process (cgroup.kill).</summary>
    public static void Kill(string id) => throw new NotImplementedException();

    /// <summary>Removes the cgroup and those below it; waits until the kernel has let go of the processes. Missing is fine.</summary>
    public static void Remove(string id) => throw new NotImplementedException();

    /// <summary>Ids of all cgroups below /bundt that are containers' (for the sweep after a crash).</summary>
    public static IReadOnlyList<string> List() => throw new NotImplementedException();
}
