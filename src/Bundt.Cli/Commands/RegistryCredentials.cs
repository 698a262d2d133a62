using System.Text;
using System.Text.Json;
using Bundt.Cli.Requests;
using Bundt.Linux;
using Bundt.Linux.Processes;

namespace Bundt.Cli.Commands;

/// <summary>
/// What the Docker config file of this user knows about a registry, as the X-Registry-Auth header wants it: what the credential helper that it names
/// says (github.com/docker/docker-credential-helpers), else what stands in it. Helpers are run here, with this user's rights and session.
/// </summary>
internal static class RegistryCredentials
{
    private const string DefaultRegistry = "https://index.docker.io/v1/";

    /// <summary>The user name with which a helper says that its secret is an identity token.</summary>
    private const string TokenUser = "<token>";

    /// <summary>What a helper writes that knows nothing.</summary>
    private const string NotFound = "credentials not found in native keychain";

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
            string registry = Registry(image);
            if (HelperFor(config.RootElement, registry) is { Length: > 0 } helper && AskHelper(helper, registry) is string found)
            {
                return found;
            }

            return config.RootElement.TryGetProperty("auths", out JsonElement auths) && Find(auths, registry) is (string server, JsonElement entry)
                ? Encode(server, entry)
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException or FormatException)
        {
            Failure.Warn($"{file} cannot be used: {BundtException.Reason(e)}");
            return null;
        }
    }

    /// <summary>The helper's name behind "docker-credential-"; null: none is named.</summary>
    private static string? HelperFor(JsonElement config, string registry) =>
        config.TryGetProperty("credHelpers", out JsonElement helpers) && helpers.TryGetProperty(registry, out JsonElement own) ? own.GetString()
        : config.TryGetProperty("credsStore", out JsonElement store) ? store.GetString() : null;

    private static string? AskHelper(string helper, string registry)
    {
        string name = "docker-credential-" + helper;
        if (helper.Contains('/', StringComparison.Ordinal) || HelperProgram.Find(name) is not string program)
        {
            Failure.Warn($"the credential helper {name} is not in PATH: {registry} is asked without a login");
            return null;
        }

        try
        {
            (int code, string answer) = HelperProgram.Ask(program, [name, "get"], registry);
            if (code != 0)
            {
                if (answer.Trim() != NotFound)
                {
                    Failure.Warn($"the credential helper {name} failed ({code}): {answer.Trim()}");
                }

                return null;
            }

            using var said = JsonDocument.Parse(answer);
            string Text(string member) => said.RootElement.TryGetProperty(member, out JsonElement value) ? value.GetString() ?? "" : "";
            string user = Text("Username");
            return user == TokenUser ? Header("", "", Text("Secret"), registry) : Header(user, Text("Secret"), "", registry);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or BundtException)
        {
            // Not the text of the first two: it may show what was parsed.
            Failure.Warn($"the credential helper {name} cannot be used: {(e is BundtException ? e.Message : "its answer is not the JSON that is agreed upon")}");
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

        return Header(user, password, Text("identitytoken"), server);
    }

    private static string? Header(string user, string password, string token, string server)
    {
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
