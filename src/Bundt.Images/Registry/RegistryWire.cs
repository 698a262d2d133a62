using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Bundt.Linux;

namespace Bundt.Images.Registry;

/// <summary>One HTTP exchange with deadlines, and what its failures mean. The framework's messages are resource keys in our programs, so they are never shown.</summary>
internal static class RegistryWire
{
    /// <summary>Longest token or error document in bytes that is read.</summary>
    public const int MaxSmallDocument = 256 * 1024;

    /// <summary>Sends a request and waits for the headers of the answer.</summary>
    /// <exception cref="RegistryFailure">Unreachable: no connection or no answer in time.</exception>
    public static async Task<HttpResponseMessage> SendAsync(HttpMessageInvoker invoker, HttpRequestMessage request, RegistryTimings timings, CancellationToken cancellation)
    {
        request.Headers.UserAgent.ParseAdd("bundt/0.1");
        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(timings.Connect + timings.Headers);
        try
        {
            return await invoker.SendAsync(request, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RegistryFailure(RegistryFailureKind.Unreachable, $"{request.RequestUri!.Authority} did not answer in time (ETIMEDOUT)", "Is the registry, or a proxy before it, overloaded?");
        }
        catch (HttpRequestException error)
        {
            throw Unreachable(request.RequestUri!, error);
        }
        catch (IOException error)
        {
            throw Unreachable(request.RequestUri!, error);
        }
    }

    /// <summary>Reads the whole body of a small document.</summary>
    /// <exception cref="RegistryFailure">Too long, too slow, or broken off.</exception>
    public static async Task<byte[]> ReadDocumentAsync(HttpResponseMessage response, int limit, RegistryTimings timings, CancellationToken cancellation)
    {
        string from = response.RequestMessage!.RequestUri!.Authority;
        if (response.Content.Headers.ContentLength > limit)
        {
            throw new RegistryFailure(RegistryFailureKind.Protocol, $"{from} sent a document of {response.Content.Headers.ContentLength} bytes, more than the limit of {limit}");
        }

        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(timings.Document);
        byte[] chunk = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            ArrayBufferWriter<byte> document = new();
            Stream body = await response.Content.ReadAsStreamAsync(deadline.Token).ConfigureAwait(false);
            await using (body.ConfigureAwait(false))
            {
                int read;
                while ((read = await body.ReadAsync(chunk, deadline.Token).ConfigureAwait(false)) > 0)
                {
                    if (document.WrittenCount + read > limit)
                    {
                        throw new RegistryFailure(RegistryFailureKind.Protocol, $"{from} sent a document longer than the limit of {limit} bytes");
                    }

                    document.Write(chunk.AsSpan(0, read));
                }
            }

            return document.WrittenSpan.ToArray();
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RegistryFailure(RegistryFailureKind.Unreachable, $"{from} sends too slowly (ETIMEDOUT)");
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            throw Unreachable(response.RequestMessage.RequestUri!, error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>What an answer that is not a success means, with the registry's own words (distribution spec, "Error Codes").</summary>
    public static async Task<RegistryFailure> FailureOfAsync(HttpResponseMessage response, RegistryTimings timings, CancellationToken cancellation)
    {
        (string? code, string? message) = (null, null);
        if (response.RequestMessage!.Method != HttpMethod.Head)
        {
            try
            {
                (code, message) = ParseErrors(await ReadDocumentAsync(response, MaxSmallDocument, timings, cancellation).ConfigureAwait(false));
            }
            catch (RegistryFailure)
            {
                // The status says enough.
            }
        }

        int status = (int)response.StatusCode;
        if (status == 401 && response.Headers.TryGetValues("WWW-Authenticate", out IEnumerable<string>? challenges)
            && challenges.SelectMany(AuthChallenge.Parse).Any(challenge => challenge["error"] == "insufficient_scope"))
        {
            // RFC 6750, 3.1: the token is good and does not reach this far; so Docker Hub says that a repository does not exist.
            (code, message) = ("DENIED", "requested access to the resource is denied");
        }

        RegistryFailureKind kind = response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => code is "DENIED" ? RegistryFailureKind.Denied : RegistryFailureKind.Unauthorized,
            HttpStatusCode.Forbidden => RegistryFailureKind.Denied,
            HttpStatusCode.NotFound => RegistryFailureKind.NotFound,
            HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout => RegistryFailureKind.Busy,
            _ when status >= 500 => RegistryFailureKind.Busy,
            _ => RegistryFailureKind.Protocol,
        };
        string? said = code is null ? null : code.ToLowerInvariant().Replace('_', ' ') + (message is null ? "" : ": " + message);
        string what = said is null ? $"{response.RequestMessage.RequestUri!.Authority} answered {status}" : $"{response.RequestMessage.RequestUri!.Authority} answered {status}: {said}";
        return new RegistryFailure(kind, what, status == 429 ? "You have reached a pull rate limit: wait, or log in" : null)
        {
            Code = code,
            Said = said,
            RetryAfter = response.Headers.RetryAfter is { } retry ? retry.Delta ?? (retry.Date - DateTimeOffset.UtcNow) : null,
        };
    }

    /// <summary>Turns a broken or refused connection into a failure that names the host and the kernel's error.</summary>
    public static RegistryFailure Unreachable(Uri address, Exception error)
    {
        for (Exception? cause = error; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData or SocketError.NoRecovery }:
                    return new RegistryFailure(RegistryFailureKind.Unreachable, $"lookup {address.Host}: no such host", "Check the name and this machine's DNS", error);
                case SocketException { SocketErrorCode: SocketError.TimedOut }:
                    return new RegistryFailure(RegistryFailureKind.Unreachable, Text(address, Errno.ETIMEDOUT), "Check the address, routes and firewalls", error);
                case SocketException socket:
                    Errno errno = (Errno)socket.NativeErrorCode;
                    return new RegistryFailure(RegistryFailureKind.Unreachable, Text(address, errno),
                        errno == Errno.ECONNREFUSED ? $"Is a registry running on {address.Authority}?" : null, error);
                case AuthenticationException or HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }:
                    // The framework does not tell the two apart but in words, which are not there in our programs.
                    return new RegistryFailure(RegistryFailureKind.Unreachable, $"TLS with {address.Authority} failed: its certificate is not trusted, or it speaks plain HTTP",
                        $"If that is intended, add \"{address.Authority}\" to \"insecure-registries\" in daemon.json", error)
                    { IsTls = true };
                case HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse }:
                    return new RegistryFailure(RegistryFailureKind.Unreachable, $"{address.Authority} does not answer in HTTP", null, error);
                case TimeoutException or TaskCanceledException:
                    return new RegistryFailure(RegistryFailureKind.Unreachable, Text(address, Errno.ETIMEDOUT), "Check the address, routes and firewalls", error);
                default:
                    break;
            }
        }

        return new RegistryFailure(RegistryFailureKind.Unreachable, $"the connection to {address.Authority} broke off", null, error);
    }

    private static string Text(Uri address, Errno errno) => $"connect to {address.Authority}: {errno.Describe()} ({errno.Name()})";

    private static (string? Code, string? Message) ParseErrors(byte[] body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("errors", out JsonElement errors)
                && errors.ValueKind == JsonValueKind.Array && errors.GetArrayLength() > 0 && errors[0] is { ValueKind: JsonValueKind.Object } first)
            {
                return (Text(first, "code"), Text(first, "message"));
            }

            // Token services that are not registries say {"details": "…"}.
            return (null, document.RootElement.ValueKind == JsonValueKind.Object ? Text(document.RootElement, "details") : null);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return (null, null);
        }
    }

    /// <summary>A stranger's words, short and on one line, so that they cannot draw on a terminal.</summary>
    private static string? Text(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out JsonElement value) || value.ValueKind != JsonValueKind.String || value.GetString() is not { Length: > 0 } text)
        {
            return null;
        }

        StringBuilder clean = new(Math.Min(text.Length, 200));
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, 200)))
        {
            clean.Append(char.IsControl(c) ? ' ' : c);
        }

        return clean.ToString();
    }
}
