using System.Text.Json;
using Bundt.Linux;

namespace Bundt.Images.Registry;

/// <summary>
/// What Docker's daemon.json says about registries: "registry-mirrors", "insecure-registries", "max-concurrent-downloads".
/// Other keys are reported in <see cref="OtherKeys"/>: whoever starts the daemon warns about those that nobody reads.
/// </summary>
public sealed record DaemonJson
{
    private const int MaxBytes = 1 << 20;

    /// <summary>Mirrors of docker.io, in order.</summary>
    public IReadOnlyList<Uri> Mirrors { get; init; } = [];

    /// <summary>"host:port" or CIDR blocks.</summary>
    public IReadOnlyList<string> Insecure { get; init; } = [];

    /// <summary>Layers at once, or null for the default.</summary>
    public int? MaxConcurrentDownloads { get; init; }

    /// <summary>Keys that mean nothing here.</summary>
    public IReadOnlyList<string> OtherKeys { get; init; } = [];

    /// <summary>Reads the file; one that does not exist is empty.</summary>
    /// <exception cref="BundtException">InvalidArgument: malformed, with the place; Internal: unreadable.</exception>
    public static DaemonJson Read(string path)
    {
        byte[] bytes;
        try
        {
            FileInfo file = new(path);
            if (!file.Exists)
            {
                return new DaemonJson();
            }

            if (file.Length > MaxBytes)
            {
                throw Malformed(path, $"it has {file.Length} bytes");
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.Internal, Phase.Request, $"cannot read the configuration file {path}", inner: error);
        }

        return Parse(bytes, path);
    }

    /// <summary>Parses the file's content; <paramref name="path"/> is for messages.</summary>
    /// <exception cref="BundtException">InvalidArgument: malformed.</exception>
    public static DaemonJson Parse(ReadOnlyMemory<byte> bytes, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw Malformed(path, "it is not a JSON object");
            }

            DaemonJson result = new();
            List<string> others = [];
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
            {
                switch (property.Name)
                {
                    case "registry-mirrors":
                        result = result with { Mirrors = Texts(property, path).ConvertAll(ParseMirror) };
                        break;
                    case "insecure-registries":
                        result = result with { Insecure = Texts(property, path).ConvertAll(ParseInsecure) };
                        break;
                    case "max-concurrent-downloads":
                        result = result with { MaxConcurrentDownloads = ParseCount(property, path) };
                        break;
                    default:
                        others.Add(property.Name);
                        break;
                }
            }

            return result with { OtherKeys = others };
        }
        catch (JsonException error)
        {
            throw Malformed(path, $"it is not valid JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine})");
        }
    }

    /// <summary>The options for the store, with what the command line adds.</summary>
    public RegistryOptions ToOptions(IEnumerable<Uri> moreMirrors, IEnumerable<string> moreInsecure) => new()
    {
        Mirrors = [.. Mirrors, .. moreMirrors],
        Insecure = [.. Insecure, .. moreInsecure],
        MaxConcurrentDownloads = MaxConcurrentDownloads ?? new RegistryOptions().MaxConcurrentDownloads,
    };

    /// <summary>Reads a mirror's address as it stands in daemon.json or behind --registry-mirror.</summary>
    /// <exception cref="BundtException">InvalidArgument, one sentence.</exception>
    public static Uri ParseMirror(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? mirror) && (mirror.Scheme == Uri.UriSchemeHttps || mirror.Scheme == Uri.UriSchemeHttp)
            && mirror.Host.Length > 0 && mirror.UserInfo.Length == 0 && mirror.Query.Length == 0 && mirror.Fragment.Length == 0
            ? mirror
            : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid mirror: \"{text}\" is not of the form https://host[:port] or http://host[:port]");

    /// <summary>Reads an insecure registry as it stands in daemon.json or behind --insecure-registry: host, host:port or a CIDR block.</summary>
    /// <exception cref="BundtException">InvalidArgument, one sentence.</exception>
    public static string ParseInsecure(string text)
    {
        if (text.Contains("://", StringComparison.Ordinal))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"insecure registry {text} should not contain '://'");
        }

        bool isCidr = System.Net.IPNetwork.TryParse(text, out _);
        return isCidr || Uri.TryCreate($"https://{text}/", UriKind.Absolute, out Uri? address) && address.AbsolutePath == "/" && address.UserInfo.Length == 0 && text.Length > 0
            ? text
            : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"insecure registry \"{text}\" is neither host[:port] nor a CIDR block");
    }

    private static List<string> Texts(JsonProperty property, string path)
    {
        if (property.Value.ValueKind == JsonValueKind.Array && property.Value.EnumerateArray().All(element => element.ValueKind == JsonValueKind.String))
        {
            return [.. property.Value.EnumerateArray().Select(element => element.GetString()!)];
        }

        throw Malformed(path, $"\"{property.Name}\" must be a list of strings");
    }

    private static int ParseCount(JsonProperty property, string path) =>
        property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt32(out int count) && count >= 1
            ? count
            : throw Malformed(path, $"\"{property.Name}\" must be a whole number of at least 1");

    private static BundtException Malformed(string path, string why) =>
        new(FailureKind.InvalidArgument, Phase.Request, $"unable to configure the daemon with file {path}: {why}");
}
