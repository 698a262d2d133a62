using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Bundt.Images.Registry;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Registry;

/// <summary>A request as it came over the wire.</summary>
internal sealed record FakeRequest(string Method, string Path, string Query, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string? this[string header] => Headers.GetValueOrDefault(header);
}

/// <summary>An answer, with the ways in which it can go wrong.</summary>
internal sealed record FakeResponse(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>Close the connection after so many bytes of the body.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Say this Content-Length instead of the true one.</summary>
    public long? DeclaredLength { get; init; }

    /// <summary>Send in chunks, without a length.</summary>
    public bool IsChunked { get; init; }

    /// <summary>Go on with zeros for ever.</summary>
    public bool IsEndless { get; init; }

    /// <summary>After these bytes say nothing more and keep the connection open until the client leaves.</summary>
    public int? StallAfter { get; init; }

    public static FakeResponse Text(int status, string body, params (string, string)[] headers) => new(status, Encoding.UTF8.GetBytes(body), headers);

    public static FakeResponse Error(int status, string code, string message, params (string, string)[] headers) =>
        Text(status, $$"""{"errors":[{"code":"{{code}}","message":"{{message}}"}]}""", headers);
}

/// <summary>
/// A small registry in this process, on 127.0.0.1: serves manifests and blobs with Range, logs what it was asked, and does whatever wrong a test wants.
/// It speaks plain HTTP and hangs up on TLS, or with a certificate TLS alone.
/// </summary>
internal sealed class FakeRegistry : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private int _disposed;

    private readonly X509Certificate2? _certificate;

    public FakeRegistry(X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Host => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Bodies by "name:tag", "name@digest" of manifests.</summary>
    public ConcurrentDictionary<string, (byte[] Bytes, string MediaType)> Manifests { get; } = new();

    /// <summary>Blobs by digest.</summary>
    public ConcurrentDictionary<string, byte[]> Blobs { get; } = new();

    /// <summary>What was asked, in order ("GET /v2/x/blobs/sha256:…").</summary>
    public ConcurrentQueue<FakeRequest> Log { get; } = new();

    /// <summary>Bytes of bodies that were sent.</summary>
    public long BytesSent;

    /// <summary>Answers instead of the registry where it does not answer null.</summary>
    public Func<FakeRequest, FakeResponse?> Intercept { get; set; } = _ => null;

    /// <summary>Changes the registry's own answers.</summary>
    public Func<FakeRequest, FakeResponse, FakeResponse> Distort { get; set; } = (_, response) => response;

    public Descriptor AddBlob(byte[] content, string mediaType = MediaTypes.OciLayer)
    {
        string digest = ContentDigest.Sha256(content);
        Blobs[digest] = content;
        return new Descriptor(mediaType, digest, content.Length);
    }

    public Descriptor AddManifest(string repository, string? tag, byte[] bytes, string mediaType)
    {
        string digest = ContentDigest.Sha256(bytes);
        Manifests[$"{repository}@{digest}"] = (bytes, mediaType);
        if (tag is not null)
        {
            Manifests[$"{repository}:{tag}"] = (bytes, mediaType);
        }

        return new Descriptor(mediaType, digest, bytes.Length);
    }

    public RegistryHost AsHost() => new(Host, [new Uri($"http://{Host}/")], IsMirror: false, VerifiesCertificate: false);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _stop.Cancel();
            _listener.Dispose();
            _stop.Dispose();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using Stream stream = _certificate is null ? client.GetStream() : new SslStream(client.GetStream());
                if (stream is SslStream tls)
                {
                    await tls.AuthenticateAsServerAsync(_certificate!);
                }

                while (await ReadRequestAsync(stream) is { } request)
                {
                    Log.Enqueue(request);
                    FakeResponse response = Intercept(request) ?? Distort(request, Answer(request));
                    if (!await WriteAsync(stream, request, response))
                    {
                        return;
                    }
                }
            }
            catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException or AuthenticationException)
            {
                // The client left, or the test is over.
            }
        }
    }

    private FakeResponse Answer(FakeRequest request)
    {
        string[] parts = request.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (request.Path == "/v2/")
        {
            return FakeResponse.Text(200, "{}");
        }

        if (parts.Length < 4 || parts[0] != "v2")
        {
            return FakeResponse.Text(404, "404 page not found");
        }

        string repository = string.Join('/', parts[1..^2]);
        if (parts[^2] == "manifests")
        {
            string key = repository + (parts[^1].Contains(':', StringComparison.Ordinal) ? "@" : ":") + parts[^1];
            return Manifests.TryGetValue(key, out var manifest)
                ? new FakeResponse(200, manifest.Bytes, ("Content-Type", manifest.MediaType), ("Docker-Content-Digest", ContentDigest.Sha256(manifest.Bytes)))
                : FakeResponse.Error(404, "MANIFEST_UNKNOWN", "manifest unknown");
        }

        if (parts[^2] == "blobs" && Blobs.TryGetValue(parts[^1], out byte[]? blob))
        {
            if (request["Range"] is { } range && long.TryParse(range["bytes=".Length..].TrimEnd('-'), out long from))
            {
                return from >= blob.Length
                    ? FakeResponse.Text(416, "")
                    : new FakeResponse(206, blob[(int)from..], ("Content-Range", $"bytes {from}-{blob.Length - 1}/{blob.Length}"));
            }

            return new FakeResponse(200, blob);
        }

        return FakeResponse.Error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    }

    private async Task<FakeRequest?> ReadRequestAsync(Stream stream)
    {
        List<byte> head = [];
        byte[] one = new byte[1];
        while (!(head.Count >= 4 && head[^4] == '\r' && head[^3] == '\n' && head[^2] == '\r' && head[^1] == '\n'))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0 || (head.Count == 0 && one[0] == 0x16))
            {
                return null;
            }

            head.Add(one[0]);
        }

        string[] lines = Encoding.ASCII.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] first = lines[0].Split(' ');
        Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
        foreach (string line in lines.Skip(1))
        {
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            headers[line[..colon]] = line[(colon + 1)..].Trim();
        }

        byte[] body = new byte[headers.TryGetValue("Content-Length", out string? length) ? int.Parse(length, System.Globalization.CultureInfo.InvariantCulture) : 0];
        await stream.ReadExactlyAsync(body, _stop.Token);
        int question = first[1].IndexOf('?', StringComparison.Ordinal);
        return new FakeRequest(first[0], question < 0 ? first[1] : first[1][..question], question < 0 ? "" : first[1][(question + 1)..], headers, body);
    }

    private async Task<bool> WriteAsync(Stream stream, FakeRequest request, FakeResponse response)
    {
        StringBuilder head = new($"HTTP/1.1 {response.Status} X\r\n");
        foreach ((string name, string value) in response.Headers)
        {
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        head.Append(response.IsChunked || response.IsEndless ? "Transfer-Encoding: chunked\r\n\r\n" : $"Content-Length: {response.DeclaredLength ?? response.Body.Length}\r\n\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head.ToString()), _stop.Token);
        if (request.Method == "HEAD")
        {
            return true;
        }

        int count = Math.Min(response.Body.Length, Math.Min(response.CutAfter ?? int.MaxValue, response.StallAfter ?? int.MaxValue));
        for (int at = 0; at < count;)
        {
            int size = Math.Min(16 * 1024, count - at);
            await WriteChunkAsync(stream, response.Body.AsMemory(at, size), response.IsChunked || response.IsEndless);
            at += size;
        }

        while (response.IsEndless)
        {
            await WriteChunkAsync(stream, new byte[16 * 1024], isChunked: true);
        }

        if (response.StallAfter is not null)
        {
            // Ends when the client closes its side.
            await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, _stop.Token);
            return false;
        }

        if (response.CutAfter is not null && response.CutAfter < response.Body.Length)
        {
            return false;
        }

        if (response.IsChunked)
        {
            await stream.WriteAsync("0\r\n\r\n"u8.ToArray(), _stop.Token);
        }

        return response.DeclaredLength is null;
    }

    private async Task WriteChunkAsync(Stream stream, ReadOnlyMemory<byte> data, bool isChunked)
    {
        if (isChunked)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"{data.Length:x}\r\n"), _stop.Token);
        }

        await stream.WriteAsync(data, _stop.Token);
        Interlocked.Add(ref BytesSent, data.Length);
        if (isChunked)
        {
            await stream.WriteAsync("\r\n"u8.ToArray(), _stop.Token);
        }
    }
}
