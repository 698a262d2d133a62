using System.Text;
using System.Text.Json;
using Bundt.Linux;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Registry;

/// <summary>The logins of Docker's config.json ("auths"). Read at each pull, so that a new login counts at once.</summary>
internal sealed class DockerConfigFile
{
    private const string HubKey = "https://index.docker.io/v1/";
    private const int MaxBytes = 1 << 20;

    private readonly Dictionary<string, RegistryCredentials> _logins = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, string> _helpers = new(StringComparer.OrdinalIgnoreCase);
    private string? _store;

    private DockerConfigFile()
    {
    }

    /// <summary>Reads the file at a path, or where Docker has it: $DOCKER_CONFIG/config.json, else /root/.docker/config.json. No file means no logins.</summary>
    /// <exception cref="BundtException">The file cannot be read or understood.</exception>
    public static DockerConfigFile Read(string? path)
    {
        path ??= Path.Combine(Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } directory ? directory : "/root/.docker", "config.json");
        byte[] bytes;
        try
        {
            FileInfo file = new(path);
            if (!file.Exists)
            {
                return new DockerConfigFile();
            }

            if (file.Length > MaxBytes)
            {
                throw Malformed(path, $"it has {file.Length} bytes");
            }

            bytes = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.Internal, Phase.Pull, $"cannot read the Docker config file {path}", inner: error);
        }

        return Parse(bytes, path);
    }

    /// <summary>Parses the file's content; <paramref name="path"/> is for messages.</summary>
    public static DockerConfigFile Parse(ReadOnlyMemory<byte> bytes, string path)
    {
        DockerConfigFile config = new();
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            if (Member(root, "auths") is { } auths)
            {
                foreach (JsonProperty entry in auths.EnumerateObject())
                {
                    if (ReadLogin(entry.Value, path, entry.Name) is { } login)
                    {
                        config._logins[Normalize(entry.Name)] = login;
                    }
                }
            }

            if (Member(root, "credHelpers") is { } helpers)
            {
                foreach (JsonProperty entry in helpers.EnumerateObject())
                {
                    config._helpers[Normalize(entry.Name)] = entry.Value.GetString() ?? "";
                }
            }

            config._store = Member(root, "credsStore") is { } store ? store.GetString() : null;
            return config;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw Malformed(path, "it is not the JSON that Docker writes");
        }
    }

    /// <summary>The login for a registry (host and port), or null.</summary>
    public RegistryCredentials? For(string registry) => _logins.GetValueOrDefault(Normalize(registry));

    /// <summary>The helper program that the file names for a registry and that would know a login, or null.</summary>
    public string? HelperFor(string registry) =>
        _helpers.TryGetValue(Normalize(registry), out string? helper) ? helper : string.IsNullOrEmpty(_store) ? null : _store;

    /// <summary>"https://host/v1/" and "host" are the same key.</summary>
    private static string Normalize(string key)
    {
        if (key is HubKey or "index.docker.io" or "registry-1.docker.io")
        {
            return ImageReference.DefaultRegistry;
        }

        int scheme = key.IndexOf("://", StringComparison.Ordinal);
        string rest = scheme < 0 ? key : key[(scheme + 3)..];
        int slash = rest.IndexOf('/', StringComparison.Ordinal);
        string host = slash < 0 ? rest : rest[..slash];
        return host is "index.docker.io" or "registry-1.docker.io" ? ImageReference.DefaultRegistry : host;
    }

    private static RegistryCredentials? ReadLogin(JsonElement entry, string path, string registry)
    {
        string? user = Text(entry, "username");
        string? password = Text(entry, "password");
        string? token = Text(entry, "identitytoken");
        if (Text(entry, "auth") is { Length: > 0 } auth)
        {
            string pair;
            try
            {
                pair = Encoding.UTF8.GetString(Convert.FromBase64String(auth));
            }
            catch (FormatException)
            {
                throw Malformed(path, $"the \"auth\" of {registry} is not base64");
            }

            int colon = pair.IndexOf(':', StringComparison.Ordinal);
            if (colon <= 0)
            {
                throw Malformed(path, $"the \"auth\" of {registry} is not user:password");
            }

            user = pair[..colon];
            password = pair[(colon + 1)..].TrimEnd('\0');
        }

        return string.IsNullOrEmpty(user) && string.IsNullOrEmpty(token) ? null : new RegistryCredentials(user, password, string.IsNullOrEmpty(token) ? null : token);
    }

    private static JsonElement? Member(JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string? Text(JsonElement element, string name) => Member(element, name)?.GetString();

    private static BundtException Malformed(string path, string why) =>
        new(FailureKind.InvalidArgument, Phase.Pull, $"the Docker config file {path} is malformed: {why}", "Log in again with docker login, or mend the file");
}
