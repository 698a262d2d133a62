using System.Globalization;
using Bundt.Oci.Distribution;

namespace Bundt.Oci.Image;

/// <summary>
/// An image's configuration (OCI image-spec, config.md; Docker's image JSON). The bytes as received are kept by those who store it: its digest is the image's id.
/// </summary>
public sealed record ImageConfig
{
    /// <summary>Longest configuration in bytes.</summary>
    public const int MaxBytes = 8 * 1024 * 1024;

    private const int MaxHistory = 100_000;

    /// <summary>"amd64" …</summary>
    public string Architecture { get; init; } = "";

    /// <summary>"linux".</summary>
    public string Os { get; init; } = "";

    /// <summary>"v7" …, or null.</summary>
    public string? Variant { get; init; }

    /// <summary>Digests of the uncompressed layer tars, bottom first.</summary>
    public IReadOnlyList<string> DiffIds { get; init; } = [];

    /// <summary>Creation time, or null.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>The creation time exactly as written (Go has nine digits of a second, .NET seven), or null.</summary>
    public string? CreatedText { get; init; }

    /// <summary>Who made it, or "".</summary>
    public string Author { get; init; } = "";

    /// <summary>A comment, or "".</summary>
    public string Comment { get; init; } = "";

    /// <summary>The Docker version that made it, or "".</summary>
    public string DockerVersion { get; init; } = "";

    /// <summary>How each layer came to be, oldest first.</summary>
    public IReadOnlyList<ImageHistory> History { get; init; } = [];

    /// <summary>User, env, entrypoint, cmd …</summary>
    public ImageRunConfig Config { get; init; } = new();

    /// <summary>The platform it is made for.</summary>
    public Platform Platform => new Platform(Os, Architecture, Variant).Normalized();

    /// <summary>Parses a configuration.</summary>
    /// <exception cref="FormatException">One clear sentence.</exception>
    public static ImageConfig Parse(ReadOnlyMemory<byte> bytes) => StrictJson.Read(bytes, MaxBytes, "image configuration", Read);

    private static ImageConfig Read(StrictJson json)
    {
        StrictJson rootfs = json.RequiredObject("rootfs");
        if (rootfs.Text("type") is { } type && type != "layers")
        {
            throw new FormatException($"image configuration: rootfs type \"{type}\" is not known");
        }

        List<string> diffIds = rootfs.Texts("diff_ids") ?? [];
        if (diffIds.Count > ImageManifest.MaxLayers)
        {
            throw new FormatException($"image configuration: it has {diffIds.Count} layers, more than the limit of {ImageManifest.MaxLayers}");
        }

        diffIds.ForEach(diffId => ContentDigest.Require(diffId));
        string? created = json.Text("created") is { Length: > 0 } text ? text : null;
        return new ImageConfig
        {
            Architecture = json.Text("architecture") ?? "",
            Os = json.Text("os") ?? "",
            Variant = json.Text("variant") is { Length: > 0 } variant ? variant : null,
            DiffIds = diffIds,
            Created = ParseTime(created),
            CreatedText = created,
            Author = json.Text("author") ?? "",
            Comment = json.Text("comment") ?? "",
            DockerVersion = json.Text("docker_version") ?? "",
            History = json.Objects("history", MaxHistory, ReadHistory) ?? [],
            Config = json.Object("config") is { } config ? ImageRunConfig.Read(config) : new ImageRunConfig(),
        };
    }

    private static ImageHistory ReadHistory(StrictJson json) => new()
    {
        Created = ParseTime(json.Text("created")),
        CreatedBy = json.Text("created_by") ?? "",
        Author = json.Text("author") ?? "",
        Comment = json.Text("comment") ?? "",
        IsEmptyLayer = json.Flag("empty_layer"),
    };

    /// <summary>RFC 3339. A time that cannot be read is no reason to refuse an image.</summary>
    private static DateTimeOffset? ParseTime(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset time) ? time : null;
}
