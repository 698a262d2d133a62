using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>Every error: docker's one member, and ours for clients that know it.</summary>
internal sealed record ErrorBody([property: JsonPropertyName("message")] string Message)
{
    [JsonPropertyName("bundt")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ErrorDetail? Bundt { get; init; }
}

/// <summary>What failed, when and on what.</summary>
internal sealed record ErrorDetail
{
    [JsonPropertyName("phase")]
    public required string Phase { get; init; }

    [JsonPropertyName("operation")]
    public required string Operation { get; init; }

    [JsonPropertyName("path")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Path { get; init; }

    [JsonPropertyName("errno")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Errno { get; init; }

    [JsonPropertyName("hint")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Hint { get; init; }

    [JsonPropertyName("kind")]
    public required string Kind { get; init; }
}
