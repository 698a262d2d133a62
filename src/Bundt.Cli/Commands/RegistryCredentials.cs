using System.Text;
using System.Text.Json;
using Bundt.Cli.Requests;
using Bundt.Linux;

namespace Bundt.Cli.Commands;

/// <summary>What the Docker config file of this user knows about a registry, as the X-Registry-Auth header wants it.</summary>
internal static class RegistryCredentials
{
    private const string DefaultRegistry = "https://index.docker.io/v1/";

    /// <summary>The header's value, or null when nothing is known.</summary>
    /// <param name="image">Name of an image.</param>
    public static string? HeaderFor(string image)
    {
        string directory = Environment.GetEnvironmentVariable("DOCKER_CONFIG") is { Length: > 0 } own ? own
            : Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "/root", ".docker");
        string file = Path.Combine(directory, "config.json");
        if (!File.Exists(file))
        {
            return null;
        }

        try
        {
            using var config = JsonDocument.Parse(File.ReadAllBytes(file));
            return config.RootElement.TryGetProperty("auths", out JsonElement auths) && Find(auths, Registry(image)) is (string server, JsonElement entry)
                ? Encode(server, entry)
                : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or FormatException)
        {
            Failure.Warn($"{file} cannot be used: {BundtException.Reason(e)}");
            return null;
        }
    }

    private static string Registry(string image)
    {
        int slash = image.IndexOf('/', StringComparison.Ordinal);
        string first = slash < 0 ? "" : image[..slash];
        return first.AsSpan().ContainsAny(".:") || first == "localhost" ? (first is "docker.io" or "index.docker.io" ? DefaultRegistry : first) : DefaultRegistry;
    }

    private static (string Server, JsonElement Entry)? Find(JsonElement auths, string registry)
    {
        foreach (JsonProperty entry in auths.EnumerateObject())
        {
            string host = entry.Name;
            if (host == registry || (registry != DefaultRegistry && host.Replace("https://", "", StringComparison.Ordinal).Replace("http://", "", StringComparison.Ordinal).Split('/')[0] == registry))
            {
                return (entry.Name, entry.Value);
            }
        }

        return null;
    }

    private static string? Encode(string server, JsonElement entry)
    {
        string Text(string name) => entry.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";
        string user = Text("username");
        string password = Text("password");
        if (Text("auth") is { Length: > 0 } auth)
        {
            string both = Encoding.UTF8.GetString(Convert.FromBase64String(auth)).TrimEnd('\0');
            int colon = both.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                user = both[..colon];
                password = both[(colon + 1)..];
            }
        }

        string token = Text("identitytoken");
        if (user.Length == 0 && token.Length == 0)
        {
            return null;
        }

        ReadOnlyMemory<byte> json = JsonBody.Write(writer =>
        {
            writer.Text("username", user);
            writer.Text("password", password);
            writer.Text("identitytoken", token);
            writer.WriteString("serveraddress", server);
        });
        return Convert.ToBase64String(json.Span).Replace('+', '-').Replace('/', '_');
    }
}
