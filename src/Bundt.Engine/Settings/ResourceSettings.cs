namespace Bundt.Engine;

/// <summary>Limits; 0 or "" is unset, as in Docker.</summary>
public sealed record ResourceSettings
{
    /// <summary>Bytes.</summary>
    public long Memory { get; init; }

    /// <summary>Bytes of memory and swap together, -1: unlimited.</summary>
    public long MemorySwap { get; init; }

    /// <summary>Bytes, soft.</summary>
    public long MemoryReservation { get; init; }

    /// <summary>Billionths of a CPU.</summary>
    public long NanoCpus { get; init; }

    /// <summary>Relative weight (1024 is normal).</summary>
    public long CpuShares { get; init; }

    /// <summary>Microseconds.</summary>
    public long CpuPeriod { get; init; }

    /// <summary>Microseconds.</summary>
    public long CpuQuota { get; init; }

    /// <summary>"0-3,7".</summary>
    public string CpusetCpus { get; init; } = "";

    /// <summary>"0".</summary>
    public string CpusetMems { get; init; } = "";

    /// <summary>Processes and threads; null: the default of 4096 where the controller is at hand; -1 or 0: unlimited.</summary>
    public long? PidsLimit { get; init; }

    /// <summary>10 to 1000.</summary>
    public int BlkioWeight { get; init; }
}
