namespace Bundt.Oci.Runtime;

/// <summary>CPU limits; null is unset.</summary>
public sealed record CpuResources
{
    /// <summary>Relative weight, 2 to 262144, 1024 is normal.</summary>
    public ulong? Shares { get; init; }

    /// <summary>Microseconds of CPU time in each period; -1: unlimited.</summary>
    public long? Quota { get; init; }

    /// <summary>Microseconds that may be saved up.</summary>
    public ulong? Burst { get; init; }

    /// <summary>Microseconds.</summary>
    public ulong? Period { get; init; }

    /// <summary>Microseconds of realtime (cgroup v1).</summary>
    public long? RealtimeRuntime { get; init; }

    /// <summary>Microseconds (cgroup v1).</summary>
    public ulong? RealtimePeriod { get; init; }

    /// <summary>CPUs as a list ("0-3,7"); null or "": all.</summary>
    public string? Cpus { get; init; }

    /// <summary>Memory nodes as a list; null or "": all.</summary>
    public string? Mems { get; init; }

    /// <summary>1: SCHED_IDLE for the whole cgroup.</summary>
    public long? Idle { get; init; }
}
