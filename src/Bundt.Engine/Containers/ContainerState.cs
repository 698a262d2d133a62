namespace Bundt.Engine;

/// <summary>A snapshot of where a container stands.</summary>
public sealed record ContainerState
{
    /// <summary>The state.</summary>
    public ContainerStatus Status { get; init; }

    /// <summary>Host pid of init, 0 when not running.</summary>
    public int Pid { get; init; }

    /// <summary>0 to 255; 128+n for a signal.</summary>
    public int ExitCode { get; init; }

    /// <summary>The memory limit killed something in it.</summary>
    public bool OomKilled { get; init; }

    /// <summary>Why the last start failed, or how the monitor was lost; "".</summary>
    public string Error { get; init; } = "";

    /// <summary>Last start, or null.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Last end, or null.</summary>
    public DateTimeOffset? FinishedAt { get; init; }
}
