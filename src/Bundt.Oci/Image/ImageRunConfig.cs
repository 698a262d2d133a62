namespace Bundt.Oci.Image;

/// <summary>The "config" member of an image's configuration: the only policy that image data may set.</summary>
public sealed record ImageRunConfig
{
    /// <summary>"user", "uid", "user:group", "uid:gid".</summary>
    public string User { get; init; } = "";

    /// <summary>"KEY=value" lines.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>Entrypoint, or null.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>Default command, or null.</summary>
    public IReadOnlyList<string>? Cmd { get; init; }

    /// <summary>Working directory, "" for /.</summary>
    public string WorkingDir { get; init; } = "";

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Paths of anonymous volumes.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>"80/tcp" …</summary>
    public IReadOnlyList<string> ExposedPorts { get; init; } = [];

    /// <summary>Stop signal, or null.</summary>
    public string? StopSignal { get; init; }

    /// <summary>Seconds between the stop signal and the kill, or null (Docker's "StopTimeout").</summary>
    public long? StopTimeout { get; init; }

    /// <summary>The health check, or null (Docker only).</summary>
    public ImageHealthcheck? Healthcheck { get; init; }

    /// <summary>The shell of later build steps (Docker only), or null.</summary>
    public IReadOnlyList<string>? Shell { get; init; }

    /// <summary>Build steps for images built upon this one (Docker only).</summary>
    public IReadOnlyList<string> OnBuild { get; init; } = [];

    /// <summary>Whether Cmd and Entrypoint are already escaped (Windows only); kept for inspect.</summary>
    public bool ArgsEscaped { get; init; }

    internal static ImageRunConfig Read(StrictJson json) => new()
    {
        User = json.Text("User") ?? "",
        Env = json.Texts("Env") ?? [],
        Entrypoint = json.Texts("Entrypoint"),
        Cmd = json.Texts("Cmd"),
        WorkingDir = json.Text("WorkingDir") ?? "",
        Labels = json.Map("Labels") ?? [],
        Volumes = json.Keys("Volumes") ?? [],
        ExposedPorts = json.Keys("ExposedPorts") ?? [],
        StopSignal = json.Text("StopSignal") is { Length: > 0 } signal ? signal : null,
        StopTimeout = json.Number("StopTimeout"),
        Healthcheck = json.Object("Healthcheck") is { } health ? ImageHealthcheck.Read(health) : null,
        Shell = json.Texts("Shell"),
        OnBuild = json.Texts("OnBuild") ?? [],
        ArgsEscaped = json.Flag("ArgsEscaped"),
    };
}
