namespace Bundt.Oci.Distribution;

/// <summary>A name of an image as Docker reads it: registry, repository, tag and digest.</summary>
public sealed record ImageReference
{
    /// <summary>Parses "redis", "shop/web:1", "127.0.0.1:5000/web@sha256:…"; adds docker.io, library/ and latest.</summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static ImageReference Parse(string text) => throw new NotImplementedException();

    /// <summary>Registry host with port ("docker.io").</summary>
    public required string Registry { get; init; }

    /// <summary>Repository path ("library/redis").</summary>
    public required string Repository { get; init; }

    /// <summary>Tag, or null when only a digest is given.</summary>
    public string? Tag { get; init; }

    /// <summary>Digest "sha256:…", or null.</summary>
    public string? Digest { get; init; }

    /// <summary>As people write it: without docker.io and library/.</summary>
    public string Familiar => throw new NotImplementedException();
}

/// <summary>A content descriptor (OCI image-spec, descriptor.md).</summary>
public sealed record Descriptor(string MediaType, string Digest, long Size);
