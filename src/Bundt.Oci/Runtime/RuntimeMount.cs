namespace Bundt.Oci.Runtime;

/// <summary>One entry of "mounts".</summary>
public sealed record RuntimeMount
{
    /// <summary>Absolute path in the container.</summary>
    public required string Destination { get; init; }

    /// <summary>File system type ("tmpfs", "proc", "bind"); null for a bind mount.</summary>
    public string? Type { get; init; }

    /// <summary>Host path of a bind mount (absolute, or relative to the bundle), else a device or label.</summary>
    public string? Source { get; init; }

    /// <summary>fstab-style options ("ro", "nosuid", "rbind", "size=64k").</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>Makes this an idmapped mount: user ids.</summary>
    public IReadOnlyList<IdMapping> UidMappings { get; init; } = [];

    /// <summary>Makes this an idmapped mount: group ids.</summary>
    public IReadOnlyList<IdMapping> GidMappings { get; init; } = [];
}
