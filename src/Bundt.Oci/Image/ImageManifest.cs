using Bundt.Oci.Distribution;

namespace Bundt.Oci.Image;

/// <summary>One image for one platform: its configuration and its layers, bottom first (OCI image-spec, manifest.md; Docker schema 2).</summary>
/// <param name="MediaType">OCI or Docker manifest.</param>
/// <param name="Config">The configuration's descriptor.</param>
/// <param name="Layers">The layers' descriptors, bottom first.</param>
public sealed record ImageManifest(string MediaType, Descriptor Config, IReadOnlyList<Descriptor> Layers) : ImageDocument(MediaType)
{
    /// <summary>Most layers in one manifest: no overlay takes more lower directories (fs/overlayfs, OVL_MAX_STACK).</summary>
    public const int MaxLayers = 500;

    /// <summary>What this manifest refers to ("subject"), or null.</summary>
    public Descriptor? Subject { get; init; }

    /// <summary>The type of an artifact, or null for an image.</summary>
    public string? ArtifactType { get; init; }

    /// <summary>Parses a manifest and refuses an index.</summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static new ImageManifest Parse(ReadOnlyMemory<byte> bytes, string? mediaType = null) => ImageDocument.Parse(bytes, mediaType) is ImageManifest manifest
        ? manifest
        : throw new FormatException("this is an image index where a manifest is expected");

    /// <summary>The manifest as JSON, for images that were not received as one (docker-archive). Members stand in the specification's order.</summary>
    public byte[] ToBytes() => Write(writer =>
    {
        writer.WriteString("mediaType", MediaType);
        if (ArtifactType is not null)
        {
            writer.WriteString("artifactType", ArtifactType);
        }

        writer.WritePropertyName("config");
        WriteDescriptor(writer, Config);
        writer.WriteStartArray("layers");
        foreach (Descriptor layer in Layers)
        {
            WriteDescriptor(writer, layer);
        }

        writer.WriteEndArray();
        if (Subject is not null)
        {
            writer.WritePropertyName("subject");
            WriteDescriptor(writer, Subject);
        }

        WriteAnnotations(writer);
    });

    internal static ImageManifest Read(StrictJson json, string type) =>
        new(type, ReadDescriptor(json.RequiredObject("config")), json.Objects("layers", MaxLayers, ReadDescriptor) ?? throw new FormatException("image manifest: \"layers\" is missing"))
        {
            Subject = json.Object("subject") is { } subject ? ReadDescriptor(subject) : null,
            ArtifactType = json.Text("artifactType"),
            Annotations = json.Map("annotations") ?? [],
        };
}
