namespace Bundt.Oci.Runtime;

/// <summary>Network class and priorities (cgroup v1).</summary>
public sealed record NetworkResources
{
    /// <summary>Class of packets.</summary>
    public uint? ClassId { get; init; }

    /// <summary>Priorities by interface name.</summary>
    public IReadOnlyDictionary<string, uint> Priorities { get; init; } = new Dictionary<string, uint>();
}
