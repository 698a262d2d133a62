using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Bundt.Oci.Distribution;

namespace Bundt.Oci.Image;

/// <summary>
/// What a registry or a layout has under an image's name: an <see cref="ImageManifest"/> or an <see cref="ImageIndex"/>.
/// The bytes as received, never these types written again, are what is hashed and stored.
/// </summary>
/// <param name="MediaType">One of the four types in <see cref="MediaTypes"/>.</param>
public abstract record ImageDocument(string MediaType)
{
    /// <summary>Longest manifest or index in bytes; registries have the same limit.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Annotations. Data of a stranger: never file names, never policy.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();

    /// <summary>
    /// Parses a manifest or an index. What it is follows from <paramref name="mediaType"/> (the Content-Type or the descriptor's type); where that says
    /// nothing, from the document's own mediaType, and last from its members. All that is said must agree: a document that could be read as both is refused (CVE-2021-41190).
    /// </summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static ImageDocument Parse(ReadOnlyMemory<byte> bytes, string? mediaType = null) =>
        StrictJson.Read(bytes, MaxBytes, "image manifest", json => Read(json, MediaTypes.Bare(mediaType)));

    private static ImageDocument Read(StrictJson json, string? announced)
    {
        if (json.Has("fsLayers") || json.Has("signatures") || json.Number("schemaVersion") == 1)
        {
            throw new FormatException("this is a Docker image of the old format (manifest version 2, schema 1), which is no longer supported: push it again with a current tool");
        }

        if (json.Number("schemaVersion") is var version && version != 2)
        {
            throw new FormatException(version is null ? "image manifest: \"schemaVersion\" is missing" : $"image manifest: schemaVersion {version} is not known");
        }

        bool hasManifests = json.Has("manifests");
        bool hasLayers = json.Has("layers") || json.Has("config");
        if (hasManifests && hasLayers)
        {
            throw new FormatException("image manifest: it has the members of a manifest and of an index, so it could mean two things");
        }

        string? own = json.Text("mediaType");
        if (own is { Length: 0 })
        {
            own = null;
        }

        string? says = announced is not null && (MediaTypes.IsManifest(announced) || MediaTypes.IsIndex(announced)) ? announced : null;
        if (says is null && announced is not (null or "application/json" or "application/octet-stream" or "text/plain"))
        {
            throw new FormatException($"\"{announced}\" is not the type of an image");
        }

        if (own is not null && says is not null && own != says)
        {
            throw new FormatException($"image manifest: it calls itself \"{own}\", but was announced as \"{says}\"");
        }

        string type = says ?? own ?? (hasManifests ? MediaTypes.OciIndex : MediaTypes.OciManifest);
        if (MediaTypes.IsIndex(type) && !hasLayers)
        {
            return ImageIndex.Read(json, type);
        }

        if (MediaTypes.IsManifest(type) && !hasManifests)
        {
            return ImageManifest.Read(json, type);
        }

        throw new FormatException(MediaTypes.IsIndex(type) || MediaTypes.IsManifest(type)
            ? $"image manifest: its members are not those of \"{type}\""
            : $"image manifest: media type \"{type}\" is not known");
    }

    internal static Descriptor ReadDescriptor(StrictJson json)
    {
        long size = json.Number("size") ?? throw new FormatException("a descriptor has no \"size\"");
        if (size < 0)
        {
            throw new FormatException($"a descriptor has the negative size {size}");
        }

        return new Descriptor(json.RequiredText("mediaType"), ContentDigest.Require(json.RequiredText("digest")), size)
        {
            Platform = json.Object("platform") is { } platform ? ReadPlatform(platform) : null,
            Urls = json.Texts("urls") ?? [],
            Annotations = json.Map("annotations") ?? [],
            ArtifactType = json.Text("artifactType"),
        };
    }

    private static Platform ReadPlatform(StrictJson json) =>
        new(json.RequiredText("os"), json.RequiredText("architecture"), json.Text("variant") is { Length: > 0 } variant ? variant : null);

    private protected static byte[] Write(Action<Utf8JsonWriter> members)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("schemaVersion", 2);
            members(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private protected void WriteAnnotations(Utf8JsonWriter writer) => WriteMap(writer, Annotations);

    private protected static void WriteDescriptor(Utf8JsonWriter writer, Descriptor descriptor)
    {
        writer.WriteStartObject();
        writer.WriteString("mediaType", descriptor.MediaType);
        writer.WriteString("digest", descriptor.Digest);
        writer.WriteNumber("size", descriptor.Size);
        if (descriptor.ArtifactType is not null)
        {
            writer.WriteString("artifactType", descriptor.ArtifactType);
        }

        if (descriptor.Urls.Count > 0)
        {
            writer.WriteStartArray("urls");
            foreach (string url in descriptor.Urls)
            {
                writer.WriteStringValue(url);
            }

            writer.WriteEndArray();
        }

        WriteMap(writer, descriptor.Annotations);
        if (descriptor.Platform is { } platform)
        {
            writer.WriteStartObject("platform");
            writer.WriteString("architecture", platform.Architecture);
            writer.WriteString("os", platform.Os);
            if (platform.Variant is not null)
            {
                writer.WriteString("variant", platform.Variant);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter writer, IReadOnlyDictionary<string, string> annotations)
    {
        if (annotations.Count == 0)
        {
            return;
        }

        writer.WriteStartObject("annotations");
        foreach ((string key, string value) in annotations.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            writer.WriteString(key, value);
        }

        writer.WriteEndObject();
    }
}
