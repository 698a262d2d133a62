using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Launch;

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
