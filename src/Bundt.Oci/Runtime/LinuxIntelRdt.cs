namespace Bundt.Oci.Runtime;

/// <summary>Intel Resource Director Technology ("linux.intelRdt").</summary>
public sealed record LinuxIntelRdt
{
    /// <summary>Class of service; null: the container's id.</summary>
    public string? ClosId { get; init; }

    /// <summary>Lines of the schemata file, as they are.</summary>
    public IReadOnlyList<string> Schemata { get; init; } = [];

    /// <summary>L3 cache schema.</summary>
    public string? L3CacheSchema { get; init; }

    /// <summary>Memory bandwidth schema.</summary>
    public string? MemBwSchema { get; init; }

    /// <summary>Makes a monitoring group of its own.</summary>
    public bool EnableMonitoring { get; init; }
}
