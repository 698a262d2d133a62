using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Images;

namespace Bundt.Daemon.Routes;

/// <summary>Reads the logins that clients send.</summary>
internal static class RegistryLogin
{
    /// <summary>X-Registry-Auth: base64url (or base64) JSON, with or without padding; null for none, <c>{}</c> and <c>null</c>.</summary>
    /// <exception cref="Linux.BundtException">InvalidArgument when it is not readable. The text shows nothing of it.</exception>
    public static RegistryCredentials? OfHeader(ApiRequest request)
    {
        string header = request.Headers["X-Registry-Auth"].ToString();
        return header.Length == 0 ? null : Parse(header);
    }

    /// <summary>The header's text.</summary>
    public static RegistryCredentials? Parse(string header)
    {
        string text = header.Replace('+', '-').Replace('/', '_').TrimEnd('=');
        try
        {
            byte[] json = Base64Url.DecodeFromChars(text);
            if (json.AsSpan().Trim((byte)' ').SequenceEqual("null"u8))
            {
                return null;
            }

            RegistryAuth? auth = JsonSerializer.Deserialize(json, ApiJson.Wire.RegistryAuth);
            return auth is null ? null : ToCredentials(auth);
        }
        catch (Exception exception) when (exception is FormatException or JsonException)
        {
            throw ApiRequest.Malformed("invalid X-Registry-Auth header: it is not JSON in base64url");
        }
    }

    /// <summary>The engine's credentials; "auth" is user:password in base64. Null when there are none.</summary>
    public static RegistryCredentials? ToCredentials(RegistryAuth auth)
    {
        string? user = auth.Username;
        string? password = auth.Password;
        if (string.IsNullOrEmpty(user) && !string.IsNullOrEmpty(auth.Auth))
        {
            string pair = Encoding.UTF8.GetString(Convert.FromBase64String(auth.Auth));
            int colon = pair.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
            {
                user = pair[..colon];
                password = pair[(colon + 1)..];
            }
        }

        return string.IsNullOrEmpty(user) && string.IsNullOrEmpty(auth.IdentityToken)
            ? null
            : new RegistryCredentials(user, password, string.IsNullOrEmpty(auth.IdentityToken) ? null : auth.IdentityToken);
    }
}
