using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Bundt.Images.Registry;

/// <summary>
/// Answers one registry's challenges (distribution, auth/token.md and auth/oauth.md): bearer tokens per scope, or basic authentication.
/// Credentials are sent only where <see cref="AddressPolicy"/> allows, and appear in no message.
/// </summary>
internal sealed class RegistryAuthorizer(RegistryTransport transport, RegistryHost host, RegistryCredentials? credentials)
{
    /// <summary>A token without a lifetime lives this long (auth/token.md).</summary>
    private static readonly TimeSpan s_defaultLifetime = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<string, (AuthenticationHeaderValue Header, DateTimeOffset Until)> _answers = new();

    /// <summary>Whether there is a login for this registry.</summary>
    public bool HasCredentials => credentials is not null;

    /// <summary>What to send with a request for a scope, as far as it is known yet.</summary>
    public AuthenticationHeaderValue? For(string scope) =>
        _answers.TryGetValue(scope, out var answer) && answer.Until > DateTimeOffset.UtcNow ? answer.Header : null;

    /// <summary>Finds the answer to a 401.</summary>
    /// <param name="registry">The address that sent it.</param>
    /// <param name="scope">What the request needs ("repository:library/redis:pull"); "" when the registry must say.</param>
    /// <param name="headers">The values of WWW-Authenticate.</param>
    /// <param name="refused">What was sent with the request that got the 401; the same again is no answer.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>What to send, or null if there is nothing (more) to try.</returns>
    public async Task<AuthenticationHeaderValue?> AnswerAsync(
        Uri registry, string scope, IEnumerable<string> headers, AuthenticationHeaderValue? refused, CancellationToken cancellation)
    {
        List<AuthChallenge> challenges = [.. headers.Take(8).SelectMany(AuthChallenge.Parse)];
        if (challenges.Find(challenge => challenge.Scheme == "bearer") is { } bearer)
        {
            // Another request may have fetched a token meanwhile.
            if (For(scope) is { } current && current.Parameter != refused?.Parameter)
            {
                return current;
            }

            (string token, TimeSpan lifetime) = await FetchTokenAsync(registry, bearer, scope, cancellation).ConfigureAwait(false);
            return token == refused?.Parameter ? null : Keep(scope, new AuthenticationHeaderValue("Bearer", token), lifetime);
        }

        if (challenges.Exists(challenge => challenge.Scheme == "basic") && credentials is { Username: { Length: > 0 } user } && refused is null)
        {
            // The registry host itself was named by the user; over plain HTTP only where the user (or loopback) allows it.
            string pair = Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{credentials.Password}"));
            return Keep(scope, new AuthenticationHeaderValue("Basic", pair), TimeSpan.FromHours(1));
        }

        return null;
    }

    private AuthenticationHeaderValue Keep(string scope, AuthenticationHeaderValue header, TimeSpan lifetime)
    {
        _answers[scope] = (header, DateTimeOffset.UtcNow + lifetime);
        return header;
    }

    private async Task<(string Token, TimeSpan Lifetime)> FetchTokenAsync(Uri registry, AuthChallenge challenge, string wanted, CancellationToken cancellation)
    {
        bool isVerified = registry.Scheme == Uri.UriSchemeHttps && host.VerifiesCertificate;
        Uri realm = AddressPolicy.CheckRealm(challenge["realm"], registry, isVerified, HasCredentials);
        string? service = challenge["service"];
        string scope = challenge["scope"] is { Length: > 0 } said && wanted.Length == 0 ? said : wanted;

        using HttpRequestMessage request = credentials?.IdentityToken is { Length: > 0 } identity
            ? OauthRequest(realm, service, scope, identity)
            : PlainRequest(realm, service, scope);
        using HttpResponseMessage response = await RegistryWire.SendAsync(
            transport.For(realm, host.VerifiesCertificate || !realm.Host.Equals(registry.Host, StringComparison.OrdinalIgnoreCase)), request, transport.Timings, cancellation).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            RegistryFailure failure = await RegistryWire.FailureOfAsync(response, transport.Timings, cancellation).ConfigureAwait(false);
            throw failure.Kind is RegistryFailureKind.Unauthorized or RegistryFailureKind.Denied && HasCredentials
                ? new RegistryFailure(RegistryFailureKind.Unauthorized, $"the token service {realm.Authority} refused the login", "Log in again") { Code = failure.Code, Said = failure.Said ?? "incorrect username or password" }
                : failure;
        }

        byte[] body = await RegistryWire.ReadDocumentAsync(response, RegistryWire.MaxSmallDocument, transport.Timings, cancellation).ConfigureAwait(false);
        return ParseToken(body, realm);
    }

    private HttpRequestMessage PlainRequest(Uri realm, string? service, string scope)
    {
        StringBuilder query = new(realm.Query.TrimStart('?'));
        void Add(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                query.Append(query.Length == 0 ? "" : "&").Append(name).Append('=').Append(Uri.EscapeDataString(value));
            }
        }

        Add("service", service);
        foreach (string single in scope.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            Add("scope", single);
        }

        Add("account", credentials?.Username);
        HttpRequestMessage request = new(HttpMethod.Get, new UriBuilder(realm) { Query = query.ToString() }.Uri);
        if (credentials is { Username: { Length: > 0 } user })
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{credentials.Password}")));
        }

        return request;
    }

    private static HttpRequestMessage OauthRequest(Uri realm, string? service, string scope, string identityToken) => new(HttpMethod.Post, realm)
    {
        Content = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["refresh_token"] = identityToken,
            ["service"] = service ?? "",
            ["scope"] = scope,
            ["client_id"] = "bundt",
        }),
    };

    private static (string Token, TimeSpan Lifetime) ParseToken(byte[] body, Uri realm)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            string? token = Text(document.RootElement, "token") is { Length: > 0 } plain ? plain : Text(document.RootElement, "access_token");
            if (!string.IsNullOrEmpty(token) && !token.AsSpan().ContainsAnyExceptInRange('!', '~'))
            {
                double seconds = document.RootElement.TryGetProperty("expires_in", out JsonElement expires) && expires.ValueKind == JsonValueKind.Number ? expires.GetDouble() : 0;
                // A little less than promised: the request has to arrive in time.
                return (token, seconds > 60 ? TimeSpan.FromSeconds(Math.Min(seconds, 86400) * 0.9) : s_defaultLifetime);
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Said below.
        }

        throw new RegistryFailure(RegistryFailureKind.Protocol, $"the token service {realm.Authority} answered without a token");
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
