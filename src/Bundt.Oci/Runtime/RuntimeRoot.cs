namespace Bundt.Oci.Runtime;

/// <summary>The container's root filesystem ("root").</summary>
public sealed record RuntimeRoot
{
    /// <summary>Host path, absolute or relative to the bundle.</summary>
    public string Path { get; init; } = "rootfs";

    /// <summary>The root mount itself is read-only; mounts below it have options of their own.</summary>
    public bool Readonly { get; init; }
}
