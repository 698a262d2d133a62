namespace Bundt.Oci.Runtime;

/// <summary>
/// An OCI runtime config, the file config.json of a bundle (runtime-spec 1.3, config.md and config-linux.md), as far as it concerns Linux.
/// A null member was absent; an absent list or map is empty.
/// </summary>
public sealed record RuntimeConfig
{
    /// <summary>Version of the specification the config complies with ("1.2.0").</summary>
    public string OciVersion { get; init; } = "1.2.0";

    /// <summary>The container's process; null only for a container that is never started.</summary>
    public RuntimeProcess? Process { get; init; }

    /// <summary>The root filesystem.</summary>
    public RuntimeRoot? Root { get; init; }

    /// <summary>Host name in the container's own uts namespace; null: unchanged.</summary>
    public string? Hostname { get; init; }

    /// <summary>NIS domain name in the container's own uts namespace; null: unchanged.</summary>
    public string? Domainname { get; init; }

    /// <summary>Mounts beside the root, in the order in which they are made.</summary>
    public IReadOnlyList<RuntimeMount> Mounts { get; init; } = [];

    /// <summary>Programs run at points of the container's life.</summary>
    public RuntimeHooks? Hooks { get; init; }

    /// <summary>Arbitrary metadata.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>Namespaces, resources, devices, seccomp … of Linux.</summary>
    public LinuxConfig? Linux { get; init; }
}
