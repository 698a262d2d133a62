using System.Text.Json;
using System.Text.Json.Serialization;
using Bundt.Linux;

namespace Bundt.Images.Archives;

/// <summary>One image in the manifest.json of a docker-archive ("docker save").</summary>
internal sealed class DockerArchiveImage
{
    /// <summary>Path of the config in the archive.</summary>
    [JsonPropertyName("Config")]
    public string? Config { get; init; }

    /// <summary>Names with tags.</summary>
    [JsonPropertyName("RepoTags")]
    public IReadOnlyList<string>? RepoTags { get; init; }

    /// <summary>Paths of the layers in the archive, bottom first.</summary>
    [JsonPropertyName("Layers")]
    public IReadOnlyList<string>? Layers { get; init; }

    /// <summary>Reads a manifest.json.</summary>
    public static IReadOnlyList<DockerArchiveImage> Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            var images = JsonSerializer.Deserialize(json, ArchiveJson.Default.DockerArchiveImageArray) ?? [];
            return Array.TrueForAll(images, i => i is { Config: not null, Layers: not null }) && images.Length > 0
                ? images
                : throw new JsonException("an image without config or layers");
        }
        catch (JsonException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"the archive's manifest.json is invalid: {e.Message}", null, e);
        }
    }

    /// <summary>Writes a manifest.json.</summary>
    public static byte[] ToBytes(DockerArchiveImage[] images) => JsonSerializer.SerializeToUtf8Bytes(images, ArchiveJson.Default.DockerArchiveImageArray);
}

/// <summary>Generated (de)serialisation of archive manifests.</summary>
[JsonSerializable(typeof(DockerArchiveImage[]))]
[JsonSerializable(typeof(Dictionary<string, Dictionary<string, string>>))]
[JsonSourceGenerationOptions(AllowDuplicateProperties = false)]
internal sealed partial class ArchiveJson : JsonSerializerContext;
