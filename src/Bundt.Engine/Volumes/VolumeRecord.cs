namespace Bundt.Engine.Volumes;

/// <summary>`volume.json` beside a volume's `_data`.</summary>
internal sealed record VolumeRecord
{
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public required DateTimeOffset Created { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    public bool Anonymous { get; init; }

    /// <summary>The container that it was made for: if that one was never finished, the volume goes with it.</summary>
    public string? MadeFor { get; init; }
}
