namespace Bundt.Oci.Distribution;

/// <summary>The media types of images: OCI (image-spec, media-types.md) and Docker (distribution, manifest-v2-2.md).</summary>
public static class MediaTypes
{
    /// <summary>An OCI image manifest.</summary>
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json";

    /// <summary>An OCI image index.</summary>
    public const string OciIndex = "application/vnd.oci.image.index.v1+json";

    /// <summary>An OCI image configuration.</summary>
    public const string OciConfig = "application/vnd.oci.image.config.v1+json";

    /// <summary>An uncompressed layer.</summary>
    public const string OciLayer = "application/vnd.oci.image.layer.v1.tar";

    /// <summary>A layer compressed with gzip.</summary>
    public const string OciLayerGzip = "application/vnd.oci.image.layer.v1.tar+gzip";

    /// <summary>A layer compressed with zstd.</summary>
    public const string OciLayerZstd = "application/vnd.oci.image.layer.v1.tar+zstd";

    /// <summary>A Docker manifest, schema 2.</summary>
    public const string DockerManifest = "application/vnd.docker.distribution.manifest.v2+json";

    /// <summary>A Docker manifest list.</summary>
    public const string DockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json";

    /// <summary>A Docker image configuration.</summary>
    public const string DockerConfig = "application/vnd.docker.container.image.v1+json";

    /// <summary>A Docker layer, uncompressed.</summary>
    public const string DockerLayer = "application/vnd.docker.image.rootfs.diff.tar";

    /// <summary>A Docker layer compressed with gzip.</summary>
    public const string DockerLayerGzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";

    /// <summary>A Docker layer that lives elsewhere (Windows base layers).</summary>
    public const string DockerForeignLayer = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

    /// <summary>The value of an Accept header for manifests: all four types, in the order in which dockerd prefers them.</summary>
    public const string AcceptManifests = $"{OciIndex}, {OciManifest}, {DockerManifestList}, {DockerManifest}";

    /// <summary>Whether it is a manifest, OCI or Docker schema 2.</summary>
    public static bool IsManifest(string? mediaType) => mediaType is OciManifest or DockerManifest;

    /// <summary>Whether it is an index or a manifest list.</summary>
    public static bool IsIndex(string? mediaType) => mediaType is OciIndex or DockerManifestList;

    /// <summary>
    /// Whether it is the configuration of a runnable image. Old registries and clients wrote the general types, which dockerd accepts too;
    /// anything else (a Helm chart, a signature) is an artifact and not an image.
    /// </summary>
    public static bool IsImageConfig(string? mediaType) =>
        mediaType is OciConfig or DockerConfig or "application/octet-stream" or "application/json" or "text/html" or "";

    /// <summary>Whether it is a file system layer in any known form. The compression itself is recognised by the bytes.</summary>
    public static bool IsLayer(string? mediaType) =>
        mediaType is OciLayer or OciLayerGzip or OciLayerZstd or DockerLayer or DockerLayerGzip or "application/vnd.docker.image.rootfs.diff.tar.zstd"
        || IsForeignLayer(mediaType);

    /// <summary>Whether it is a layer that its image does not have to bring along.</summary>
    public static bool IsForeignLayer(string? mediaType) =>
        mediaType is DockerForeignLayer || (mediaType is not null && mediaType.StartsWith("application/vnd.oci.image.layer.nondistributable.v1.tar", StringComparison.Ordinal));

    /// <summary>A Content-Type without its parameters, in lower case; null if there is none.</summary>
    public static string? Bare(string? contentType)
    {
        if (string.IsNullOrWhiteSpace(contentType))
        {
            return null;
        }

        int semicolon = contentType.IndexOf(';', StringComparison.Ordinal);
        return (semicolon < 0 ? contentType : contentType[..semicolon]).Trim().ToLowerInvariant();
    }
}
