namespace Bundt.Oci.Runtime;

/// <summary>Limits of the container's cgroup ("linux.resources"), in the words of cgroup v1; see cgroup-v2 notes of config-linux.md.</summary>
public sealed record LinuxResources
{
    /// <summary>Access to devices: rules in order, the last match decides.</summary>
    public IReadOnlyList<DeviceCgroupRule> Devices { get; init; } = [];

    /// <summary>Memory.</summary>
    public MemoryResources? Memory { get; init; }

    /// <summary>CPU.</summary>
    public CpuResources? Cpu { get; init; }

    /// <summary>Number of processes and threads: null unset, 0 or less unlimited ("pids.limit").</summary>
    public long? PidsLimit { get; init; }

    /// <summary>Block devices.</summary>
    public BlockIoResources? BlockIo { get; init; }

    /// <summary>Huge pages by size.</summary>
    public IReadOnlyList<HugepageLimit> HugepageLimits { get; init; } = [];

    /// <summary>Network class and priorities (cgroup v1 alone has them).</summary>
    public NetworkResources? Network { get; init; }

    /// <summary>RDMA by device.</summary>
    public IReadOnlyDictionary<string, RdmaLimit> Rdma { get; init; } = new Dictionary<string, RdmaLimit>();

    /// <summary>Files of the cgroup and what is written to them, last of all.</summary>
    public IReadOnlyDictionary<string, string> Unified { get; init; } = new Dictionary<string, string>();
}
