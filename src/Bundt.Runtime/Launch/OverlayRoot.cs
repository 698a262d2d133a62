namespace Bundt.Runtime.Launch;

/// <summary>An overlay root: unpacked layers below a writable directory.</summary>
public sealed record OverlayRoot
{
    /// <summary>Host directories, topmost first; at most 127.</summary>
    public required IReadOnlyList<string> Lowers { get; init; }

    /// <summary>Host directory of the writable layer.</summary>
    public required string Upper { get; init; }

    /// <summary>Host directory overlayfs works in, on the same file system.</summary>
    public required string Work { get; init; }

    /// <summary>An empty host directory that overlay is mounted on, inside the container's own mount namespace.</summary>
    public required string MountPoint { get; init; }

    /// <summary>Mounts "volatile": no sync when the last reference goes (--rm).</summary>
    public bool Volatile { get; init; }
}
