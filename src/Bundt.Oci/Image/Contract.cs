namespace Bundt.Oci.Image;

/// <summary>An operating system and architecture (OCI image-spec, image-index.md).</summary>
public sealed record Platform(string Os, string Architecture, string? Variant = null);

/// <summary>An image's configuration (OCI image-spec, config.md).</summary>
public sealed record ImageConfig
{
    /// <summary>"amd64" …</summary>
    public string Architecture { get; init; } = "";

    /// <summary>"linux".</summary>
    public string Os { get; init; } = "";

    /// <summary>Digests of the uncompressed layer tars, bottom first.</summary>
    public IReadOnlyList<string> DiffIds { get; init; } = [];

    /// <summary>Creation time, or null.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>User, env, entrypoint, cmd …</summary>
    public ImageRunConfig Config { get; init; } = new();
}

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
}
