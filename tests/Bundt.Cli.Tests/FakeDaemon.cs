using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Bundt.Cli.Tests;

/// <summary>A request as the fake daemon saw it.</summary>
internal sealed record SeenRequest(string Method, string Target, Dictionary<string, string> Headers, string Body);

/// <summary>A daemon of the test's making on a unix socket: every connection goes to one handler, which writes bytes as they shall be on the wire.</summary>
internal sealed class FakeDaemon : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Func<SeenRequest, NetworkStream, Task> _handler;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepting;

    public FakeDaemon(Func<SeenRequest, NetworkStream, Task> handler)
    {
        _handler = handler;
        Directory = System.IO.Directory.CreateTempSubdirectory("bundt-cli-").FullName;
        Path = System.IO.Path.Combine(Directory, "d.sock");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen(64);
        _accepting = AcceptAsync();
    }

    public string Directory { get; }

    public string Path { get; }

    public ConcurrentQueue<SeenRequest> Requests { get; } = new();

    /// <summary>Handler that always answers the same.</summary>
    public static Func<SeenRequest, NetworkStream, Task> Answer(string wire) => (_, stream) => stream.WriteAsync(Encoding.UTF8.GetBytes(wire)).AsTask();

    public static string Json(string body, int status = 200) =>
        string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    public static byte[] Frame(byte type, ReadOnlySpan<byte> payload)
    {
        byte[] frame = new byte[8 + payload.Length];
        frame[0] = type;
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(4), (uint)payload.Length);
        payload.CopyTo(frame.AsSpan(8));
        return frame;
    }

    public static byte[] Frame(byte type, string payload) => Frame(type, Encoding.UTF8.GetBytes(payload));

    public static async Task<(byte Type, byte[] Payload)?> ReadFrameAsync(Stream stream)
    {
        byte[] header = new byte[8];
        if (await stream.ReadAtLeastAsync(header, 8, throwOnEndOfStream: false) < 8)
        {
            return null;
        }

        byte[] payload = new byte[System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4))];
        await stream.ReadExactlyAsync(payload);
        return (header[0], payload);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        System.IO.File.Delete(Path);
        foreach (string file in System.IO.Directory.GetFiles(Directory))
        {
            System.IO.File.Delete(file);
        }

        System.IO.Directory.Delete(Directory);
        _end.Dispose();
    }

    private static async Task<SeenRequest?> ReadRequestAsync(NetworkStream stream)
    {
        var head = new List<byte>();
        byte[] one = new byte[1];
        while (head.Count < 4 || !(head[^1] == '\n' && head[^3] == '\n'))
        {
            if (await stream.ReadAsync(one) == 0)
            {
                return null;
            }

            head.Add(one[0]);
        }

        string[] lines = Encoding.UTF8.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        string[] first = lines[0].Split(' ');
        Dictionary<string, string> headers = lines[1..].ToDictionary(l => l[..l.IndexOf(':', StringComparison.Ordinal)], l => l[(l.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim(), StringComparer.OrdinalIgnoreCase);
        var body = new StringBuilder();
        if (headers.TryGetValue("Content-Length", out string? length))
        {
            byte[] bytes = new byte[int.Parse(length, CultureInfo.InvariantCulture)];
            await stream.ReadExactlyAsync(bytes);
            body.Append(Encoding.UTF8.GetString(bytes));
        }
        else if (headers.ContainsKey("Transfer-Encoding"))
        {
            while (true)
            {
                var line = new StringBuilder();
                while (line.Length == 0 || line[^1] != '\n')
                {
                    await stream.ReadExactlyAsync(one);
                    line.Append((char)one[0]);
                }

                byte[] chunk = new byte[int.Parse(line.ToString().Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) + 2];
                await stream.ReadExactlyAsync(chunk);
                if (chunk.Length == 2)
                {
                    break;
                }

                body.Append(Encoding.UTF8.GetString(chunk, 0, chunk.Length - 2));
            }
        }

        return new SeenRequest(first[0], first[1], headers, body.ToString());
    }

    private async Task AcceptAsync()
    {
        List<Task> connections = [];
        while (!_end.IsCancellationRequested)
        {
            try
            {
                Socket socket = await _listener.AcceptAsync(_end.Token);
                connections.Add(ServeAsync(socket));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }
        }

        await Task.WhenAll(connections);
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (await ReadRequestAsync(stream) is SeenRequest request)
            {
                Requests.Enqueue(request);
                await _handler(request, stream);
            }
        }
        catch (IOException)
        {
            // The client has gone: its own affair.
        }
    }
}
