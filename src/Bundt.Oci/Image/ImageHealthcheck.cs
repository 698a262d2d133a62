namespace Bundt.Oci.Image;

/// <summary>An image's health check (Docker's "Healthcheck"). Times are nanoseconds, 0 means the engine's default.</summary>
public sealed record ImageHealthcheck
{
    /// <summary>["NONE"], ["CMD", args…], ["CMD-SHELL", command], or empty to inherit.</summary>
    public IReadOnlyList<string> Test { get; init; } = [];

    /// <summary>Time between two checks in nanoseconds.</summary>
    public long Interval { get; init; }

    /// <summary>Time that one check may take in nanoseconds.</summary>
    public long Timeout { get; init; }

    /// <summary>Time after the start in which failures do not count, in nanoseconds.</summary>
    public long StartPeriod { get; init; }

    /// <summary>Time between two checks within the start period in nanoseconds.</summary>
    public long StartInterval { get; init; }

    /// <summary>Failures in a row that make a container unhealthy.</summary>
    public long Retries { get; init; }

    internal static ImageHealthcheck Read(StrictJson json) => new()
    {
        Test = json.Texts("Test") ?? [],
        Interval = json.Number("Interval") ?? 0,
        Timeout = json.Number("Timeout") ?? 0,
        StartPeriod = json.Number("StartPeriod") ?? 0,
        StartInterval = json.Number("StartInterval") ?? 0,
        Retries = json.Number("Retries") ?? 0,
    };
}
