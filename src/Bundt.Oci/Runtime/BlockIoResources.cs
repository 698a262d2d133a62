namespace Bundt.Oci.Runtime;

/// <summary>Limits of block devices; null is unset.</summary>
public sealed record BlockIoResources
{
    /// <summary>Relative weight, 10 to 1000.</summary>
    public int? Weight { get; init; }

    /// <summary>Weight against child cgroups (cgroup v1).</summary>
    public int? LeafWeight { get; init; }

    /// <summary>Weights of single devices.</summary>
    public IReadOnlyList<WeightDevice> WeightDevices { get; init; } = [];

    /// <summary>Bytes per second.</summary>
    public IReadOnlyList<ThrottleDevice> ThrottleReadBps { get; init; } = [];

    /// <summary>Bytes per second.</summary>
    public IReadOnlyList<ThrottleDevice> ThrottleWriteBps { get; init; } = [];

    /// <summary>Operations per second.</summary>
    public IReadOnlyList<ThrottleDevice> ThrottleReadIops { get; init; } = [];

    /// <summary>Operations per second.</summary>
    public IReadOnlyList<ThrottleDevice> ThrottleWriteIops { get; init; } = [];
}
