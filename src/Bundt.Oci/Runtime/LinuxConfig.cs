namespace Bundt.Oci.Runtime;

/// <summary>The part of the config that only Linux has ("linux", config-linux.md).</summary>
public sealed record LinuxConfig
{
    /// <summary>Namespaces to make or to join; a kind that is not listed is the runtime's own.</summary>
    public IReadOnlyList<LinuxNamespace> Namespaces { get; init; } = [];

    /// <summary>User ids of the user namespace.</summary>
    public IReadOnlyList<IdMapping> UidMappings { get; init; } = [];

    /// <summary>Group ids of the user namespace.</summary>
    public IReadOnlyList<IdMapping> GidMappings { get; init; } = [];

    /// <summary>Clock offsets of the time namespace by clock ("monotonic", "boottime").</summary>
    public IReadOnlyDictionary<string, TimeOffset> TimeOffsets { get; init; } = new Dictionary<string, TimeOffset>();

    /// <summary>Device nodes beside the standard ones.</summary>
    public IReadOnlyList<LinuxDevice> Devices { get; init; } = [];

    /// <summary>Network devices moved into the container's network namespace, by their name on the host.</summary>
    public IReadOnlyDictionary<string, LinuxNetDevice> NetDevices { get; init; } = new Dictionary<string, LinuxNetDevice>();

    /// <summary>Cgroup: absolute from the mount point, or relative; null: the runtime's choice.</summary>
    public string? CgroupsPath { get; init; }

    /// <summary>Limits.</summary>
    public LinuxResources? Resources { get; init; }

    /// <summary>Intel Resource Director Technology.</summary>
    public LinuxIntelRdt? IntelRdt { get; init; }

    /// <summary>Kernel parameters by name ("net.ipv4.ip_forward").</summary>
    public IReadOnlyDictionary<string, string> Sysctl { get; init; } = new Dictionary<string, string>();

    /// <summary>System call filter; null: none.</summary>
    public LinuxSeccomp? Seccomp { get; init; }

    /// <summary>Propagation of the root mount: "shared", "slave", "private" or "unbindable"; null: slave.</summary>
    public string? RootfsPropagation { get; init; }

    /// <summary>Paths that cannot be read.</summary>
    public IReadOnlyList<string> MaskedPaths { get; init; } = [];

    /// <summary>Paths that cannot be written.</summary>
    public IReadOnlyList<string> ReadonlyPaths { get; init; } = [];

    /// <summary>SELinux label of the mounts.</summary>
    public string? MountLabel { get; init; }

    /// <summary>Execution domain; null: the caller's.</summary>
    public LinuxPersonality? Personality { get; init; }

    /// <summary>NUMA memory policy; null: the caller's.</summary>
    public LinuxMemoryPolicy? MemoryPolicy { get; init; }
}
