using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>The answer of GET /version.</summary>
internal sealed record VersionAnswer
{
    public required NamedItem Platform { get; init; }

    public required IReadOnlyList<VersionComponent> Components { get; init; }

    public required string Version { get; init; }

    public required string ApiVersion { get; init; }

    [JsonPropertyName("MinAPIVersion")]
    public required string MinApiVersion { get; init; }

    public string GitCommit { get; init; } = "";

    public string GoVersion { get; init; } = "";

    public string Os { get; init; } = "linux";

    public required string Arch { get; init; }

    public required string KernelVersion { get; init; }

    public string BuildTime { get; init; } = "";
}

/// <summary>A name.</summary>
internal sealed record NamedItem(string Name);

/// <summary>A part of the engine.</summary>
internal sealed record VersionComponent(string Name, string Version, IReadOnlyDictionary<string, string>? Details);

/// <summary>A line of GET /events.</summary>
internal sealed record EventLine
{
    [JsonPropertyName("status")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Status { get; init; }

    [JsonPropertyName("id")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; init; }

    [JsonPropertyName("from")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? From { get; init; }

    public required string Type { get; init; }

    public required string Action { get; init; }

    public required EventActor Actor { get; init; }

    [JsonPropertyName("scope")]
    public string Scope { get; init; } = "local";

    [JsonPropertyName("time")]
    public long Time { get; init; }

    [JsonPropertyName("timeNano")]
    public long TimeNano { get; init; }
}

/// <summary>Whom an event is about.</summary>
internal sealed record EventActor([property: JsonPropertyName("ID")] string Id, IReadOnlyDictionary<string, string> Attributes);

/// <summary>The answer of GET /system/df.</summary>
internal sealed record DiskUsage
{
    public long LayersSize { get; init; }

    public IReadOnlyList<ImageSummary>? Images { get; init; }

    public IReadOnlyList<ContainerSummary>? Containers { get; init; }

    public IReadOnlyList<VolumeInspect>? Volumes { get; init; }

    public IReadOnlyList<string> BuildCache { get; init; } = [];
}
