namespace Bundt.Oci.Runtime;

/// <summary>Memory limits in bytes; -1 is unlimited, null unset.</summary>
public sealed record MemoryResources
{
    /// <summary>Hard limit.</summary>
    public long? Limit { get; init; }

    /// <summary>Soft limit.</summary>
    public long? Reservation { get; init; }

    /// <summary>Memory and swap together.</summary>
    public long? Swap { get; init; }

    /// <summary>Kernel memory (obsolete).</summary>
    public long? Kernel { get; init; }

    /// <summary>Kernel TCP buffers (cgroup v1).</summary>
    public long? KernelTcp { get; init; }

    /// <summary>0 to 100 (cgroup v1).</summary>
    public ulong? Swappiness { get; init; }

    /// <summary>No OOM killer (cgroup v1).</summary>
    public bool? DisableOomKiller { get; init; }

    /// <summary>Hierarchical accounting (cgroup v1; always so in v2).</summary>
    public bool? UseHierarchy { get; init; }

    /// <summary>Refuses an update below the current usage.</summary>
    public bool? CheckBeforeUpdate { get; init; }
}
