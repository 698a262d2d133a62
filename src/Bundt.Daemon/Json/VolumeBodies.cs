namespace Bundt.Daemon.Json;

/// <summary>The body of POST /volumes/create.</summary>
internal sealed record VolumeBody
{
    public string? Name { get; init; }

    public string? Driver { get; init; }

    public IReadOnlyDictionary<string, string?>? DriverOpts { get; init; }

    public IReadOnlyDictionary<string, string?>? Labels { get; init; }
}

/// <summary>A volume.</summary>
internal sealed record VolumeInspect
{
    public required string CreatedAt { get; init; }

    public string Driver { get; init; } = "local";

    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    public required string Mountpoint { get; init; }

    public required string Name { get; init; }

    public IReadOnlyDictionary<string, string>? Options { get; init; }

    public string Scope { get; init; } = "local";
}

/// <summary>The answer of GET /volumes.</summary>
internal sealed record VolumeList(IReadOnlyList<VolumeInspect> Volumes, IReadOnlyList<string>? Warnings);

/// <summary>The answer of POST /volumes/prune.</summary>
internal sealed record VolumePrune(IReadOnlyList<string> VolumesDeleted, long SpaceReclaimed);
