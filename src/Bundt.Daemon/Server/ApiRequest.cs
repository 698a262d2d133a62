using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Bundt.Daemon.Json;
using Bundt.Linux;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace Bundt.Daemon.Server;

/// <summary>One request and its answer.</summary>
internal sealed class ApiRequest : IDisposable
{
    /// <summary>A JSON body may carry a seccomp profile or many mounts, never more than this.</summary>
    private const int MaxJsonBytes = 16 << 20;

    private static readonly StringValues s_apiVersion = ApiVersion.Newest.ToString();
    private static readonly StringValues s_linux = "linux";
    private static readonly StringValues s_false = "false";
    private static readonly StringValues s_json = "application/json";

    private readonly CancellationToken _stopping;
    private readonly HttpContext _http;
    private CancellationTokenSource? _ended;

    public ApiRequest(HttpContext http, CancellationToken stopping)
    {
        _http = http;
        _stopping = stopping;
        Path = ApiPath.Parse(http.Request.Path.Value ?? "/");
        Method = http.Request.Method;
        IHeaderDictionary headers = http.Response.Headers;
        headers["Api-Version"] = s_apiVersion;
        headers["Docker-Experimental"] = s_false;
        headers["Ostype"] = s_linux;
        headers.Server = ServerHeader.Value;
    }

    /// <summary>"GET" …</summary>
    public string Method { get; }

    /// <summary>Version and segments.</summary>
    public ApiPath Path { get; }

    /// <summary>The API version the client speaks.</summary>
    public ApiVersion Version => Path.Version;

    /// <summary>The request's headers.</summary>
    public IHeaderDictionary Headers => _http.Request.Headers;

    /// <summary>The body as it comes.</summary>
    public Stream Body => _http.Request.Body;

    /// <summary>The answer's body. Set status and headers before the first write.</summary>
    public PipeWriter Output => _http.Response.BodyWriter;

    /// <summary>Whether anything of the answer has been sent.</summary>
    public bool HasStarted
    {
        get => field || _http.Response.HasStarted;
        private set;
    }

    /// <summary>Whether the connection has become a handler's own.</summary>
    public bool IsHijacked { get; private set; }

    /// <summary>Whether the client has gone.</summary>
    public bool IsClientGone => _http.RequestAborted.IsCancellationRequested;

    /// <summary>Fires when the client has gone: for work that is worth nothing without it but is short.</summary>
    public CancellationToken Aborted => _http.RequestAborted;

    /// <summary>Fires when the client has gone or the daemon ends: for what waits or follows.</summary>
    public CancellationToken Ended => (_ended ??= CancellationTokenSource.CreateLinkedTokenSource(_http.RequestAborted, _stopping)).Token;

    /// <summary>Whether the client asks to take over the connection.</summary>
    public bool WantsUpgrade => Headers.ContainsKey("Upgrade");

    public void Dispose() => _ended?.Dispose();

    /// <summary>A query parameter, "" when absent.</summary>
    public string Query(string name) => _http.Request.Query.TryGetValue(name, out StringValues values) && values.Count > 0 ? values[0] ?? "" : "";

    /// <summary>Every value of a query parameter.</summary>
    public IReadOnlyList<string> QueryAll(string name)
    {
        if (!_http.Request.Query.TryGetValue(name, out StringValues values))
        {
            return [];
        }

        var list = new List<string>(values.Count);
        foreach (string? value in values)
        {
            if (!string.IsNullOrEmpty(value))
            {
                list.Add(value);
            }
        }

        return list;
    }

    /// <summary>Whether a query parameter is there at all.</summary>
    public bool HasQuery(string name) => _http.Request.Query.ContainsKey(name);

    /// <summary>A boolean as moby reads it: everything but "", 0, no, false and none is true.</summary>
    public bool QueryFlag(string name) => Query(name).Trim().ToLowerInvariant() is not ("" or "0" or "no" or "false" or "none");

    /// <summary>A number, or null when absent.</summary>
    /// <exception cref="BundtException">InvalidArgument when it is no number.</exception>
    public int? QueryInt(string name)
    {
        string text = Query(name);
        if (text.Length == 0)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value)
            ? value
            : throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid value for {name}: \"{text}\" is not a number");
    }

    /// <summary>Reads a JSON body; the texts of its errors are moby's.</summary>
    /// <param name="type">What to read.</param>
    /// <param name="optional">An empty body gives null instead of an error.</param>
    public async Task<T?> ReadJsonAsync<T>(JsonTypeInfo<T> type, bool optional = false)
        where T : class
    {
        ReadOnlySequence<byte> bytes = await ReadBodyAsync();
        try
        {
            if (bytes.IsEmpty)
            {
                return optional ? null : throw Malformed("invalid JSON: got EOF while reading request body");
            }

            string contentType = Headers.ContentType.ToString();
            int parameters = contentType.IndexOf(';', StringComparison.Ordinal);
            ReadOnlySpan<char> mediaType = (parameters < 0 ? contentType : contentType.AsSpan(0, parameters)).Trim();
            if (!mediaType.IsEmpty && !mediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            {
                if (optional && mediaType.Equals("text/plain", StringComparison.OrdinalIgnoreCase))
                {
                    return null; // what old clients send where there is no body worth reading
                }

                throw Malformed($"unsupported Content-Type header ({contentType}): must be 'application/json'");
            }

            return JsonBody.Parse(bytes, type);
        }
        finally
        {
            _http.Request.BodyReader.AdvanceTo(bytes.End);
        }
    }

    /// <summary>Reads the body to its end and drops it, so that the connection can be taken over or used again.</summary>
    public async Task SkipBodyAsync()
    {
        ReadOnlySequence<byte> bytes = await ReadBodyAsync();
        _http.Request.BodyReader.AdvanceTo(bytes.End);
    }

    /// <summary>Answers without a body.</summary>
    public Task AnswerAsync(int status)
    {
        HasStarted = true;
        _http.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    /// <summary>Answers with JSON, in one write with its length.</summary>
    public Task AnswerJsonAsync<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, ApiJson.WriterOptions))
        {
            JsonSerializer.Serialize(writer, value, type);
        }

        buffer.Write("\n"u8); // Go's encoder ends with one
        return AnswerAsync(buffer.WrittenMemory, s_json, status);
    }

    /// <summary>Writes one JSON value and a line end into an answer that has begun. Not flushed.</summary>
    public static void WriteJsonLine<T>(PipeWriter output, T value, JsonTypeInfo<T> type)
    {
        using (var writer = new Utf8JsonWriter(output, ApiJson.WriterOptions))
        {
            JsonSerializer.Serialize(writer, value, type);
        }

        output.Write("\r\n"u8);
    }

    /// <summary>Answers with bytes.</summary>
    public async Task AnswerAsync(ReadOnlyMemory<byte> body, StringValues contentType, int status = StatusCodes.Status200OK)
    {
        HasStarted = true;
        HttpResponse response = _http.Response;
        response.StatusCode = status;
        response.Headers.ContentType = contentType;
        response.ContentLength = body.Length;
        if (Method != "HEAD")
        {
            await response.BodyWriter.WriteAsync(body, Aborted);
        }
    }

    /// <summary>Begins an answer of unknown length and sends its headers at once.</summary>
    public async Task<PipeWriter> BeginAsync(string contentType, int status = StatusCodes.Status200OK)
    {
        HasStarted = true;
        HttpResponse response = _http.Response;
        response.StatusCode = status;
        response.Headers.ContentType = contentType;
        await response.StartAsync(Aborted);
        await response.BodyWriter.FlushAsync(Aborted);
        return response.BodyWriter;
    }

    /// <summary>Lets as much wait in the socket as the kernel allows: an answer of hundreds of megabytes is held up less often.</summary>
    public void WidenSocket()
    {
        const int Most = 1 << 20; // cut to net.core.wmem_max
        if (_http.Features.Get<IConnectionSocketFeature>() is { } connection)
        {
            connection.Socket.SendBufferSize = Most;
        }
    }

    /// <summary>Sets a header of the answer.</summary>
    public void SetHeader(string name, string value) => _http.Response.Headers[name] = value;

    /// <summary>Takes over the connection: from now on only the hijacked stream reads and writes it. The body must have been read.</summary>
    public HijackedStream Hijack()
    {
        ApiConnection connection = _http.Features.Get<ApiConnection>()
            ?? throw new BundtException(FailureKind.Internal, Phase.Request, "the connection cannot be taken over");
        IsHijacked = true;
        HasStarted = true;
        connection.Hijack();
        return new HijackedStream(connection, _http, _stopping);
    }

    /// <summary>Cuts the connection: the only way to tell a client that an answer of unknown length is not complete.</summary>
    public void Abort() => _http.Abort();

    internal static BundtException Malformed(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);

    private async Task<ReadOnlySequence<byte>> ReadBodyAsync()
    {
        PipeReader reader = _http.Request.BodyReader;
        while (true)
        {
            ReadResult result = await reader.ReadAsync(Aborted);
            if (result.IsCompleted)
            {
                return result.Buffer;
            }

            if (result.Buffer.Length > MaxJsonBytes)
            {
                throw Malformed($"the request's body is larger than {MaxJsonBytes} bytes");
            }

            reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }
}
