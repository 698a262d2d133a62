using Bundt.Oci.Image;

namespace Bundt.Oci.Distribution;

/// <summary>A content descriptor (OCI image-spec, descriptor.md): what some content is, its digest and its exact length in bytes.</summary>
public sealed record Descriptor(string MediaType, string Digest, long Size)
{
    /// <summary>The platform, in an index; else null.</summary>
    public Platform? Platform { get; init; }

    /// <summary>Further addresses of the content ("urls", foreign layers). Hints of a stranger: never asked with credentials.</summary>
    public IReadOnlyList<string> Urls { get; init; } = [];

    /// <summary>Annotations. Data of a stranger: never file names, never policy.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = s_emptyAnnotations;

    /// <summary>The type of an artifact, or null.</summary>
    public string? ArtifactType { get; init; }

    private static readonly IReadOnlyDictionary<string, string> s_emptyAnnotations = new Dictionary<string, string>();
}
