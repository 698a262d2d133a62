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

    /// <summary>
    /// A host directory that contains neither of them. Before Linux 6.7 the overlay is put together below it, in a mount namespace that
    /// exists for that alone; nothing is left there.
    /// </summary>
    public required string Scratch { get; init; }

    /// <summary>Mounts "volatile": no sync when the last reference goes (--rm).</summary>
    public bool Volatile { get; init; }

    /// <summary>Options of the mount. A layer's own redirect and metacopy xattrs must not lead anywhere.</summary>
    public IReadOnlyList<string> Options =>
        Volatile ? ["source=overlay", "redirect_dir=nofollow", "metacopy=off", "volatile"] : ["source=overlay", "redirect_dir=nofollow", "metacopy=off"];
}
