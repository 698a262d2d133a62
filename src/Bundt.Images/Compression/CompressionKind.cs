namespace Bundt.Images.Compression;

/// <summary>How bytes are compressed, by their first bytes.</summary>
internal enum CompressionKind
{
    /// <summary>Not, or in a way that is not known.</summary>
    None,
    /// <summary>gzip (RFC 1952).</summary>
    Gzip,
    /// <summary>Zstandard (RFC 8878), skippable frames first too.</summary>
    Zstd,
    /// <summary>xz.</summary>
    Xz,
    /// <summary>bzip2.</summary>
    Bzip2,
}
