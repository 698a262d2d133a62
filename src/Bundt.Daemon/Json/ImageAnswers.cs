using System.Text.Json;
using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>The answer of GET /images/{name}/json.</summary>
internal sealed record ImageInspect
{
    public required string Id { get; init; }

    public required IReadOnlyList<string> RepoTags { get; init; }

    public required IReadOnlyList<string> RepoDigests { get; init; }

    public string Parent { get; init; } = "";

    public string Comment { get; init; } = "";

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Created { get; init; }

    public string DockerVersion { get; init; } = "";

    public string Author { get; init; } = "";

    /// <summary>The image config's own "config", every member as it was received.</summary>
    public JsonElement? Config { get; init; }

    public required string Architecture { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Variant { get; init; }

    public required string Os { get; init; }

    public long Size { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? VirtualSize { get; init; }

    public GraphDriver GraphDriver { get; init; } = new();

    [JsonPropertyName("RootFS")]
    public required RootFs RootFs { get; init; }

    public ImageMetadata Metadata { get; init; } = new();
}

/// <summary>An image's layers.</summary>
internal sealed record RootFs(string Type, IReadOnlyList<string> Layers);

/// <summary>What the daemon knows beside the image.</summary>
internal sealed record ImageMetadata
{
    public string LastTagTime { get; init; } = GoTime.Zero;
}

/// <summary>A line of GET /images/json.</summary>
internal sealed record ImageSummary
{
    public long Containers { get; init; } = -1;

    public long Created { get; init; }

    public required string Id { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    public string ParentId { get; init; } = "";

    public required IReadOnlyList<string> RepoDigests { get; init; }

    public required IReadOnlyList<string> RepoTags { get; init; }

    public long SharedSize { get; init; } = -1;

    public long Size { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? VirtualSize { get; init; }
}

/// <summary>A line of GET /images/{name}/history.</summary>
internal sealed record ImageHistory
{
    public required string Id { get; init; }

    public long Created { get; init; }

    public required string CreatedBy { get; init; }

    public IReadOnlyList<string>? Tags { get; init; }

    public long Size { get; init; }

    public required string Comment { get; init; }
}

/// <summary>One step of a removal.</summary>
internal sealed record ImageDelete
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Untagged { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Deleted { get; init; }
}

/// <summary>A line of GET /images/search.</summary>
internal sealed record ImageSearch
{
    [JsonPropertyName("star_count")]
    public int Stars { get; init; }

    [JsonPropertyName("is_official")]
    public bool Official { get; init; }

    [JsonPropertyName("name")]
    public required string Name { get; init; }

    [JsonPropertyName("is_automated")]
    public bool Automated { get; init; }

    [JsonPropertyName("description")]
    public required string Description { get; init; }
}

/// <summary>The answer of POST /images/prune.</summary>
internal sealed record ImagePrune(IReadOnlyList<ImageDelete>? ImagesDeleted, long SpaceReclaimed);

/// <summary>The answer of GET /distribution/{name}/json.</summary>
internal sealed record DistributionInspect
{
    public required DescriptorBody Descriptor { get; init; }

    public required IReadOnlyList<PlatformBody> Platforms { get; init; }
}

/// <summary>A descriptor of the OCI specification.</summary>
internal sealed record DescriptorBody(
    [property: JsonPropertyName("mediaType")] string MediaType,
    [property: JsonPropertyName("digest")] string Digest,
    [property: JsonPropertyName("size")] long Size);

/// <summary>A platform of the OCI specification.</summary>
internal sealed record PlatformBody(
    [property: JsonPropertyName("architecture")] string Architecture,
    [property: JsonPropertyName("os")] string Os);

/// <summary>One line of a progress stream.</summary>
internal sealed record ProgressLine
{
    [JsonPropertyName("stream")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Stream { get; init; }

    [JsonPropertyName("status")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }

    [JsonPropertyName("progressDetail")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProgressDetail? ProgressDetail { get; init; }

    [JsonPropertyName("progress")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Progress { get; init; }

    [JsonPropertyName("id")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; init; }

    [JsonPropertyName("errorDetail")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ProgressError? ErrorDetail { get; init; }

    [JsonPropertyName("error")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Error { get; init; }
}

/// <summary>How far a step is, in bytes.</summary>
internal sealed record ProgressDetail
{
    [JsonPropertyName("current")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Current { get; init; }

    [JsonPropertyName("total")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Total { get; init; }
}

/// <summary>A failure inside a progress stream.</summary>
internal sealed record ProgressError([property: JsonPropertyName("message")] string Message);
