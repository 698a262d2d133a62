using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Registry;

/// <summary>A manifest or index as a registry gave it, verified against its digest.</summary>
internal sealed record FetchedDocument(byte[] Bytes, string? MediaType, string Digest);

/// <summary>The body of a blob's answer. <paramref name="Offset"/> tells at which byte of the blob it begins, which need not be the one asked for.</summary>
internal sealed record BlobBody(HttpResponseMessage Response, Stream Content, long Offset) : IDisposable
{
    public void Dispose()
    {
        Content.Dispose();
        Response.Dispose();
    }
}

/// <summary>
/// The distribution API of one host (OCI distribution-spec 1.1): manifests, blobs, tags, catalogue. One instance serves one pull; it remembers
/// the scheme and the tokens. Everything it returns as a document is verified; a blob's bytes are its reader's to verify.
/// </summary>
internal sealed class RegistryClient(RegistryTransport transport, RegistryHost host, RegistryCredentials? credentials) : IDisposable
{
    private const int MaxRedirects = 5;
    private const int MaxListDocument = 16 * 1024 * 1024;
    private const int MaxPages = 1000;
    private const int MaxNames = 100_000;

    private readonly RegistryAuthorizer _authorizer = new(transport, host, credentials);
    private readonly SemaphoreSlim _choosing = new(1, 1);
    private Uri? _base;

    /// <summary>The host that it speaks to.</summary>
    public RegistryHost Host { get; } = host;

    /// <summary>Whether it has a login for this host.</summary>
    public bool HasCredentials => _authorizer.HasCredentials;

    /// <summary>The deadlines.</summary>
    public RegistryTimings Timings => transport.Timings;

    /// <summary>Asks for the digest of a tag without the document (HEAD).</summary>
    /// <returns>The digest, or null if the registry does not say it.</returns>
    public async Task<string?> ResolveDigestAsync(string repository, string tag, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await RepeatAsync(HttpMethod.Head, $"v2/{repository}/manifests/{tag}", PullScope(repository), AcceptManifests, cancellation).ConfigureAwait(false);
        return AnnouncedDigest(response);
    }

    /// <summary>Fetches a manifest or index by tag or digest and verifies it.</summary>
    public async Task<FetchedDocument> FetchManifestAsync(string repository, string tagOrDigest, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await RepeatAsync(HttpMethod.Get, $"v2/{repository}/manifests/{tagOrDigest}", PullScope(repository), AcceptManifests, cancellation).ConfigureAwait(false);
        byte[] bytes = await RegistryWire.ReadDocumentAsync(response, ImageDocument.MaxBytes, Timings, cancellation).ConfigureAwait(false);
        string digest = ContentDigest.Sha256(bytes);
        if (ContentDigest.IsValid(tagOrDigest))
        {
            Expect(tagOrDigest, bytes, "manifest");
            digest = tagOrDigest;
        }
        else if (AnnouncedDigest(response) is { } announced)
        {
            Expect(announced, bytes, "manifest");
            digest = announced;
        }

        return new FetchedDocument(bytes, response.Content.Headers.ContentType?.ToString(), digest);
    }

    /// <summary>Fetches a small blob (an image's configuration) and verifies it.</summary>
    public async Task<byte[]> FetchBlobAsync(string repository, Descriptor descriptor, int limit, CancellationToken cancellation)
    {
        if (descriptor.Size > limit)
        {
            throw new RegistryFailure(RegistryFailureKind.Protocol, $"blob {descriptor.Digest} has {descriptor.Size} bytes, more than the limit of {limit}");
        }

        using HttpResponseMessage response = await RepeatAsync(HttpMethod.Get, $"v2/{repository}/blobs/{descriptor.Digest}", PullScope(repository), AcceptBlobs, cancellation).ConfigureAwait(false);
        byte[] bytes = await RegistryWire.ReadDocumentAsync(response, limit, Timings, cancellation).ConfigureAwait(false);
        if (bytes.Length != descriptor.Size)
        {
            throw new RegistryFailure(RegistryFailureKind.Protocol, $"blob {descriptor.Digest} has {bytes.Length} bytes instead of {descriptor.Size}");
        }

        Expect(descriptor.Digest, bytes, "blob");
        return bytes;
    }

    /// <summary>Opens a blob from a byte on. One try: whoever reads it tries again, from where it got.</summary>
    public async Task<BlobBody> OpenBlobAsync(string repository, Descriptor descriptor, long offset, CancellationToken cancellation)
    {
        HttpResponseMessage response = await SendAsync(HttpMethod.Get, $"v2/{repository}/blobs/{descriptor.Digest}", PullScope(repository), headers =>
        {
            AcceptBlobs(headers);
            if (offset > 0)
            {
                headers.Range = new RangeHeaderValue(offset, null);
            }
        }, cancellation).ConfigureAwait(false);
        try
        {
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                throw new RegistryFailure(RegistryFailureKind.Protocol, $"{Host.Name} has fewer than the {descriptor.Size} bytes of blob {descriptor.Digest}");
            }

            if (!response.IsSuccessStatusCode)
            {
                throw await RegistryWire.FailureOfAsync(response, Timings, cancellation).ConfigureAwait(false);
            }

            long start = StartOf(response, descriptor);
            return new BlobBody(response, await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false), start);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>All tags of a repository.</summary>
    public Task<IReadOnlyList<string>> ListTagsAsync(string repository, CancellationToken cancellation) =>
        ListAsync($"v2/{repository}/tags/list?n=1000", PullScope(repository), "tags", MaxNames, _ => true, cancellation);

    /// <summary>Repositories of the catalogue that match, at most <paramref name="limit"/>.</summary>
    public Task<IReadOnlyList<string>> ListRepositoriesAsync(Predicate<string> matches, int limit, CancellationToken cancellation) =>
        ListAsync("v2/_catalog?n=1000", "registry:catalog:*", "repositories", limit, matches, cancellation);

    /// <summary>Fetches a small JSON document beside the distribution API.</summary>
    public async Task<byte[]> FetchDocumentAsync(string path, CancellationToken cancellation)
    {
        using HttpResponseMessage response = await RepeatAsync(HttpMethod.Get, path, "", static _ => { }, cancellation).ConfigureAwait(false);
        return await RegistryWire.ReadDocumentAsync(response, MaxListDocument, Timings, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _choosing.Dispose();

    private static string PullScope(string repository) => $"repository:{repository}:pull";

    private static void AcceptManifests(HttpRequestHeaders headers) => headers.TryAddWithoutValidation("Accept", MediaTypes.AcceptManifests);

    // A proxy that compresses on its own would break Range and lengths.
    private static void AcceptBlobs(HttpRequestHeaders headers) => headers.TryAddWithoutValidation("Accept-Encoding", "identity");

    private static void Expect(string digest, byte[] bytes, string what)
    {
        string actual = ContentDigest.ComputeLike(digest, bytes);
        if (actual != digest)
        {
            throw new RegistryFailure(RegistryFailureKind.Protocol, $"{what} verification failed for digest {digest}: the bytes have the digest {actual}",
                "The registry or a proxy before it changes content");
        }
    }

    private string? AnnouncedDigest(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Docker-Content-Digest", out IEnumerable<string>? values) || values.FirstOrDefault() is not { Length: > 0 } digest)
        {
            return null;
        }

        return ContentDigest.IsValid(digest)
            ? digest
            : throw new RegistryFailure(RegistryFailureKind.Protocol, $"{Host.Name} sent a Docker-Content-Digest that is not a digest");
    }

    /// <summary>At which byte the answer's body begins. A Content-Range that does not fit is a lie: then nothing of the answer is used.</summary>
    private long StartOf(HttpResponseMessage response, Descriptor descriptor)
    {
        long? length = response.Content.Headers.ContentLength;
        if (response.StatusCode != HttpStatusCode.PartialContent)
        {
            return length is null || length == descriptor.Size
                ? 0
                : throw new RegistryFailure(RegistryFailureKind.Protocol, $"{Host.Name} sends {length} bytes for blob {descriptor.Digest} instead of {descriptor.Size}");
        }

        return response.Content.Headers.ContentRange is { Unit: "bytes", From: { } from, To: { } to } range && to == descriptor.Size - 1
            && (range.Length is null || range.Length == descriptor.Size) && (length is null || length == to - from + 1)
            ? from
            : throw new RegistryFailure(RegistryFailureKind.Protocol, $"{Host.Name} sent a Content-Range that does not fit blob {descriptor.Digest}") { Code = WrongRange };
    }

    /// <summary>The code of the failure for a Content-Range that does not fit: without Range the blob may still be had.</summary>
    public const string WrongRange = "WRONG_CONTENT_RANGE";

    private async Task<IReadOnlyList<string>> ListAsync(string path, string scope, string member, int limit, Predicate<string> matches, CancellationToken cancellation)
    {
        List<string> names = [];
        HashSet<string> asked = [];
        string? next = path;
        while (next is not null && names.Count < limit && asked.Count < MaxPages && asked.Add(next))
        {
            using HttpResponseMessage response = await RepeatAsync(HttpMethod.Get, next, scope, static _ => { }, cancellation).ConfigureAwait(false);
            byte[] body = await RegistryWire.ReadDocumentAsync(response, MaxListDocument, Timings, cancellation).ConfigureAwait(false);
            names.AddRange(ParseList(body, member).Where(name => matches(name)).Take(limit - names.Count));
            next = NextPage(response);
        }

        return names;
    }

    private List<string> ParseList(byte[] body, string member)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            return document.RootElement.TryGetProperty(member, out JsonElement list) && list.ValueKind == JsonValueKind.Array
                ? [.. list.EnumerateArray().Select(element => element.GetString() ?? "").Where(name => name.Length > 0)]
                : [];
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new RegistryFailure(RegistryFailureKind.Protocol, $"{Host.Name} sent a list of {member} that is not JSON");
        }
    }

    /// <summary>The target of a Link header with rel="next" (RFC 8288), as a path below this registry; null if there is none.</summary>
    private string? NextPage(HttpResponseMessage response)
    {
        if (!response.Headers.TryGetValues("Link", out IEnumerable<string>? links))
        {
            return null;
        }

        foreach (string link in links)
        {
            int open = link.IndexOf('<', StringComparison.Ordinal);
            int close = link.IndexOf('>', StringComparison.Ordinal);
            if (open >= 0 && close > open && link.AsSpan(close).Contains("next", StringComparison.Ordinal)
                && Uri.TryCreate(response.RequestMessage!.RequestUri, link[(open + 1)..close], out Uri? target)
                && _base!.IsBaseOf(target))
            {
                return _base.MakeRelativeUri(target).ToString();
            }
        }

        return null;
    }

    /// <summary>Sends until there is a success, a failure that another try would not mend, or no try left.</summary>
    private async Task<HttpResponseMessage> RepeatAsync(HttpMethod method, string path, string scope, Action<HttpRequestHeaders> headers, CancellationToken cancellation)
    {
        for (int attempt = 1; ; attempt++)
        {
            RegistryFailure failure;
            try
            {
                HttpResponseMessage response = await SendAsync(method, path, scope, headers, cancellation).ConfigureAwait(false);
                if (response.IsSuccessStatusCode)
                {
                    return response;
                }

                using (response)
                {
                    failure = await RegistryWire.FailureOfAsync(response, Timings, cancellation).ConfigureAwait(false);
                }
            }
            catch (RegistryFailure error)
            {
                failure = error;
            }

            // A refused connection or an unknown name will not be better in a second, and a person waits.
            if (!failure.IsTransient || attempt >= 3 || (failure.Kind == RegistryFailureKind.Unreachable && attempt >= 2))
            {
                throw failure;
            }

            TimeSpan pause = failure.RetryAfter is { } asked && asked > TimeSpan.Zero ? asked : Timings.PauseBefore(attempt + 1);
            await Task.Delay(pause < Timings.LongestPause ? pause : Timings.LongestPause, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>One request with what it takes to be let in, following redirects by our own rules. Answers whatever status came last.</summary>
    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string scope, Action<HttpRequestHeaders> headers, CancellationToken cancellation)
    {
        Uri address = new(await BaseAsync(cancellation).ConfigureAwait(false), path);
        AuthenticationHeaderValue? authorization = _authorizer.For(scope);
        for (int round = 0; ; round++)
        {
            HttpResponseMessage response = await FollowAsync(method, address, authorization, headers, cancellation).ConfigureAwait(false);
            // Two rounds: a token that has just run out is answered by a new challenge.
            if (response.StatusCode != HttpStatusCode.Unauthorized || round == 2 || !response.Headers.TryGetValues("WWW-Authenticate", out IEnumerable<string>? challenges))
            {
                return response;
            }

            AuthenticationHeaderValue? answer;
            try
            {
                answer = await _authorizer.AnswerAsync(address, scope, challenges, authorization, cancellation).ConfigureAwait(false);
            }
            catch
            {
                response.Dispose();
                throw;
            }

            if (answer is null)
            {
                return response;
            }

            response.Dispose();
            authorization = answer;
        }
    }

    private async Task<HttpResponseMessage> FollowAsync(HttpMethod method, Uri address, AuthenticationHeaderValue? authorization, Action<HttpRequestHeaders> headers, CancellationToken cancellation)
    {
        for (int redirects = 0; ; redirects++)
        {
            using HttpRequestMessage request = new(method, address);
            headers(request.Headers);
            request.Headers.Authorization = authorization;
            bool isOwnHost = address.Authority.Equals(_base!.Authority, StringComparison.OrdinalIgnoreCase);
            HttpResponseMessage response = await RegistryWire.SendAsync(
                transport.For(address, Host.VerifiesCertificate || !isOwnHost), request, Timings, cancellation).ConfigureAwait(false);
            if (response.StatusCode is not (HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect) || response.Headers.Location is not { } location)
            {
                return response;
            }

            response.Dispose();
            if (redirects == MaxRedirects)
            {
                throw new RegistryFailure(RegistryFailureKind.Protocol, $"{Host.Name} redirects more than {MaxRedirects} times");
            }

            Uri target = new(address, location);
            if (!AddressPolicy.CheckRedirect(address, target))
            {
                authorization = null;
            }

            address = target;
        }
    }

    /// <summary>The address that answers: the only one, or for insecure registries https if there is TLS and http otherwise.</summary>
    private async Task<Uri> BaseAsync(CancellationToken cancellation)
    {
        if (_base is not null)
        {
            return _base;
        }

        await _choosing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            _base ??= await ChooseBaseAsync(cancellation).ConfigureAwait(false);
            return _base;
        }
        finally
        {
            _choosing.Release();
        }
    }

    private async Task<Uri> ChooseBaseAsync(CancellationToken cancellation)
    {
        foreach (Uri candidate in Host.Bases.SkipLast(1))
        {
            using HttpRequestMessage ping = new(HttpMethod.Get, new Uri(candidate, "v2/"));
            try
            {
                using HttpResponseMessage answer = await RegistryWire.SendAsync(transport.For(candidate, Host.VerifiesCertificate), ping, Timings, cancellation).ConfigureAwait(false);
                return candidate;
            }
            catch (RegistryFailure)
            {
                // Not here: the next scheme, whose failure counts.
            }
        }

        return Host.Bases[^1];
    }
}
