using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Http;

/// <summary>
/// One HTTP/1.1 exchange with the daemon on its unix socket, by hand: a request (with a sized or chunked body), a response (sized, chunked or until the
/// end), or a switch to a stream of another protocol.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private const int MaximumHead = 64 * 1024;
    private byte[] _buffer = new byte[16 * 1024];
    private int _start;
    private int _end;
    private BodyKind _kind;
    private long _left;
    private bool _headRequest;

    /// <summary>Takes over a connected socket.</summary>
    public HttpConnection(UnixSocket socket) => Socket = socket;

    private enum BodyKind
    {
        None,
        Sized,
        Chunked,
        UntilEnd,
    }

    /// <summary>The socket, for those who take over after 101.</summary>
    public UnixSocket Socket { get; }

    /// <summary>Status of the last response.</summary>
    public int Status { get; private set; }

    /// <summary>Header lines of the last response, in order.</summary>
    public List<KeyValuePair<string, string>> Headers { get; } = [];

    /// <summary>Sends a request with a body of known size.</summary>
    /// <param name="method">GET, POST …</param>
    /// <param name="target">Path and query.</param>
    /// <param name="body">The body; empty for none.</param>
    /// <param name="headers">Whole header lines, each with its CR LF.</param>
    /// <exception cref="ConnectionLostException">The daemon reads no more.</exception>
    public void Send(string method, string target, ReadOnlySpan<byte> body, string headers = "")
    {
        _headRequest = method == "HEAD";
        bool sized = body.Length > 0 || method is not ("GET" or "HEAD");
        string size = sized ? $"Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n" : "";
        string type = body.Length > 0 ? "Content-Type: application/json\r\n" : "";
        string head = $"{method} {target} HTTP/1.1\r\nHost: bundt\r\nUser-Agent: bundt\r\n{type}{size}{headers}\r\n";
        byte[] message = new byte[Encoding.UTF8.GetByteCount(head) + body.Length];
        int length = Encoding.UTF8.GetBytes(head, message);
        body.CopyTo(message.AsSpan(length));
        if (!Socket.Write(message) && !HasAnswer())
        {
            throw new ConnectionLostException();
        }
    }

    /// <summary>Sends the head of a request whose body follows in chunks.</summary>
    public void SendChunkedHead(string method, string target, string contentType)
    {
        string head = $"{method} {target} HTTP/1.1\r\nHost: bundt\r\nUser-Agent: bundt\r\nContent-Type: {contentType}\r\nTransfer-Encoding: chunked\r\n\r\n";
        if (!Socket.Write(Encoding.UTF8.GetBytes(head)))
        {
            throw new ConnectionLostException();
        }
    }

    /// <summary>Sends one chunk; an empty one ends the body.</summary>
    /// <returns>False when the daemon reads no more: its answer says why.</returns>
    public bool SendChunk(ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = stackalloc byte[16];
        _ = bytes.Length.TryFormat(head, out int n, "x", CultureInfo.InvariantCulture);
        head[n++] = (byte)'\r';
        head[n++] = (byte)'\n';
        return Socket.Write(head[..n]) && Socket.Write(bytes) && Socket.Write("\r\n"u8);
    }

    /// <summary>Whether an answer, or the end, is there already.</summary>
    public bool HasAnswer()
    {
        Span<PollEntry> entry = [new PollEntry(Socket.Descriptor, PollEntry.In)];
        return PollEntry.Wait(entry, 0) > 0;
    }

    /// <summary>Reads status line and headers.</summary>
    /// <exception cref="ConnectionLostException">The daemon went away.</exception>
    public int Receive()
    {
        do
        {
            Headers.Clear();
            Status = ParseStatus(ReadLine());
            while (true)
            {
                string line = ReadLine();
                if (line.Length == 0)
                {
                    break;
                }

                int colon = line.IndexOf(':', StringComparison.Ordinal);
                if (colon <= 0)
                {
                    throw Malformed("header line");
                }

                Headers.Add(new(line[..colon], line[(colon + 1)..].Trim()));
            }
        }
        while (Status is 100 or 102 or 103);
        ChooseBody();
        return Status;
    }

    /// <summary>A header's value, or null.</summary>
    public string? Header(string name)
    {
        foreach ((string key, string value) in Headers)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Reads some of the body; 0 at its end.</summary>
    /// <exception cref="ConnectionLostException">It ended too early.</exception>
    public int ReadBody(Span<byte> destination)
    {
        if (_kind == BodyKind.Chunked && _left == 0)
        {
            StartChunk();
        }

        if (_kind == BodyKind.None)
        {
            return 0;
        }

        if (_kind == BodyKind.UntilEnd)
        {
            return Take(destination);
        }

        int wanted = (int)Math.Min(destination.Length, _left);
        int n = Take(destination[..wanted]);
        if (n == 0)
        {
            throw new ConnectionLostException();
        }

        _left -= n;
        if (_left == 0)
        {
            if (_kind == BodyKind.Chunked)
            {
                _ = ReadLine();
            }
            else
            {
                _kind = BodyKind.None;
            }
        }

        return n;
    }

    /// <summary>Reads the whole rest of the body.</summary>
    public byte[] ReadAll()
    {
        byte[] all = new byte[_kind == BodyKind.Sized ? checked((int)_left) : 4096];
        int length = 0;
        while (true)
        {
            if (length == all.Length)
            {
                if (_kind == BodyKind.None)
                {
                    return all;
                }

                Array.Resize(ref all, Math.Max(256, all.Length * 2));
            }

            int n = ReadBody(all.AsSpan(length));
            if (n == 0)
            {
                return length == all.Length ? all : all[..length];
            }

            length += n;
        }
    }

    /// <summary>Bytes that came behind the head of a 101 response; they belong to the stream.</summary>
    public ReadOnlyMemory<byte> TakeBuffered()
    {
        ReadOnlyMemory<byte> rest = _buffer.AsMemory(_start, _end - _start);
        _start = _end;
        return rest;
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    private static int ParseStatus(string line) =>
        line.StartsWith("HTTP/1.", StringComparison.Ordinal) && line.Length >= 12 && int.TryParse(line.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out int status)
            ? status
            : throw Malformed("status line");

    private static BundtException Malformed(string what) =>
        new(FailureKind.Internal, Phase.Request, $"the daemon sent a malformed {what}", "Is it a Docker or bundt daemon that listens on this socket?");

    private void ChooseBody()
    {
        string? length = Header("Content-Length");
        if (_headRequest || Status is 101 or 204 or 304)
        {
            _kind = BodyKind.None;
        }
        else if (Header("Transfer-Encoding") is string coding && coding.Contains("chunked", StringComparison.OrdinalIgnoreCase))
        {
            _kind = BodyKind.Chunked;
            _left = 0;
        }
        else if (length is not null)
        {
            if (!long.TryParse(length, NumberStyles.None, CultureInfo.InvariantCulture, out _left))
            {
                throw Malformed("Content-Length");
            }

            _kind = _left == 0 ? BodyKind.None : BodyKind.Sized;
        }
        else
        {
            _kind = BodyKind.UntilEnd;
        }
    }

    private void StartChunk()
    {
        string line = ReadLine();
        int semicolon = line.IndexOf(';', StringComparison.Ordinal);
        ReadOnlySpan<char> size = semicolon < 0 ? line : line.AsSpan(0, semicolon);
        if (!long.TryParse(size.Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _left) || _left < 0)
        {
            throw Malformed("chunk size");
        }

        if (_left == 0)
        {
            // Trailers end with an empty line.
            while (ReadLine().Length > 0)
            {
            }

            _kind = BodyKind.None;
        }
    }

    private int Take(Span<byte> destination)
    {
        if (_start == _end)
        {
            if (destination.Length >= _buffer.Length)
            {
                return Socket.Read(destination);
            }

            _start = 0;
            _end = Socket.Read(_buffer);
        }

        int n = Math.Min(destination.Length, _end - _start);
        _buffer.AsSpan(_start, n).CopyTo(destination);
        _start += n;
        return n;
    }

    private string ReadLine()
    {
        while (true)
        {
            int newline = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                ReadOnlySpan<byte> line = _buffer.AsSpan(_start, newline);
                _start += newline + 1;
                return Encoding.UTF8.GetString(line.Length > 0 && line[^1] == '\r' ? line[..^1] : line);
            }

            if (_start > 0)
            {
                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                _end -= _start;
                _start = 0;
            }

            if (_end == _buffer.Length)
            {
                if (_end >= MaximumHead)
                {
                    throw Malformed("line: too long");
                }

                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            int n = Socket.Read(_buffer.AsSpan(_end));
            if (n == 0)
            {
                throw new ConnectionLostException();
            }

            _end += n;
        }
    }
}
