using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>A login as clients send it (X-Registry-Auth, POST /auth). Never logged: ToString shows no secret.</summary>
internal sealed class RegistryAuth
{
    [JsonPropertyName("username")]
    public string? Username { get; init; }

    [JsonPropertyName("password")]
    public string? Password { get; init; }

    [JsonPropertyName("auth")]
    public string? Auth { get; init; }

    [JsonPropertyName("serveraddress")]
    public string? ServerAddress { get; init; }

    [JsonPropertyName("identitytoken")]
    public string? IdentityToken { get; init; }
}

/// <summary>The answer of POST /auth.</summary>
internal sealed record AuthAnswer(string Status, string IdentityToken);
