namespace Bundt.Images.Registry;

/// <summary>How long the registry client waits for what, and how often it tries again. No wait is without an end.</summary>
internal sealed record RegistryTimings
{
    /// <summary>The values of the product.</summary>
    public static RegistryTimings Default { get; } = new();

    /// <summary>For a TCP connection and its TLS handshake.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>From a request to the headers of its answer. Registries in front of slow stores take seconds for a manifest.</summary>
    public TimeSpan Headers { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For the whole body of a small document (manifest, token, error).</summary>
    public TimeSpan Document { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>For the next bytes of a blob.</summary>
    public TimeSpan Read { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A blob must bring <see cref="MinimumProgress"/> bytes in each such span, so that a drip cannot hold a download for ever.</summary>
    public TimeSpan ProgressWindow { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes that count as progress: enough of them and a broken download may try as often again.</summary>
    public int MinimumProgress { get; init; } = 16 * 1024;

    /// <summary>Tries in a row without progress before giving up; dockerd's default as well.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>Pause before the second try; doubles with each.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Longest pause, also when a registry asks for a longer one (Retry-After).</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The pause before a try, the first being number 1. A fifth of it is random, so that clients that failed together do not return together.</summary>
    public TimeSpan PauseBefore(int attempt)
    {
        double pause = Math.Min(FirstPause.TotalMilliseconds * Math.Pow(2, attempt - 2), LongestPause.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(pause * (0.9 + (Random.Shared.NextDouble() / 5)));
    }
}
