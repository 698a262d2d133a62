using Bundt.Oci.Distribution;

namespace Bundt.Oci.Image;

/// <summary>Manifests for several platforms under one name, or the content of a layout (OCI image-spec, image-index.md; Docker manifest list).</summary>
/// <param name="MediaType">OCI index or Docker manifest list.</param>
/// <param name="Manifests">The manifests' descriptors in the document's order.</param>
public sealed record ImageIndex(string MediaType, IReadOnlyList<Descriptor> Manifests) : ImageDocument(MediaType)
{
    /// <summary>Most entries of one index. A layout's index.json has one per name, so this is generous.</summary>
    public const int MaxManifests = 20_000;

    /// <summary>What this index refers to ("subject"), or null.</summary>
    public Descriptor? Subject { get; init; }

    /// <summary>The type of an artifact, or null.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>Parses an index and refuses a manifest.</summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static new ImageIndex Parse(ReadOnlyMemory<byte> bytes, string? mediaType = null) => ImageDocument.Parse(bytes, mediaType) is ImageIndex index
        ? index
        : throw new FormatException("this is an image manifest where an index is expected");

    /// <summary>
    /// The entry that runs best on a platform; the first of equals. Entries without a platform match only if no other does (as in layouts made by skopeo),
    /// and attestations ("unknown/unknown") never.
    /// </summary>
    /// <returns>The entry, or null if none runs there.</returns>
    public Descriptor? Choose(Platform platform)
    {
        ArgumentNullException.ThrowIfNull(platform);
        Descriptor? best = null;
        int bestDistance = int.MaxValue;
        foreach (Descriptor entry in Manifests)
        {
            if (!MediaTypes.IsManifest(entry.MediaType) && !MediaTypes.IsIndex(entry.MediaType))
            {
                continue;
            }

            int? distance = entry.Platform is null ? int.MaxValue - 1 : platform.Distance(entry.Platform);
            if (distance < bestDistance)
            {
                best = entry;
                bestDistance = distance.Value;
            }
        }

        return best;
    }

    /// <summary>The platforms that it offers, for error messages; attestations left out.</summary>
    public IReadOnlyList<Platform> Platforms => [.. Manifests
        .Where(entry => entry.Platform is { Os: not "unknown" })
        .Select(entry => entry.Platform!.Normalized())
        .Distinct()];

    /// <summary>The index as JSON (for a layout's index.json). Members stand in the specification's order.</summary>
    public byte[] ToBytes() => Write(writer =>
    {
        writer.WriteString("mediaType", MediaType);
        if (ArtifactType is not null)
        {
            writer.WriteString("artifactType", ArtifactType);
        }

        writer.WriteStartArray("manifests");
        foreach (Descriptor manifest in Manifests)
        {
            WriteDescriptor(writer, manifest);
        }

        writer.WriteEndArray();
        if (Subject is not null)
        {
            writer.WritePropertyName("subject");
            WriteDescriptor(writer, Subject);
        }

        WriteAnnotations(writer);
    });

    internal static ImageIndex Read(StrictJson json, string type) =>
        new(type, json.Objects("manifests", MaxManifests, ReadDescriptor) ?? throw new FormatException("image index: \"manifests\" is missing"))
        {
            Subject = json.Object("subject") is { } subject ? ReadDescriptor(subject) : null,
            ArtifactType = json.Text("artifactType"),
            Annotations = json.Map("annotations") ?? [],
        };
}
