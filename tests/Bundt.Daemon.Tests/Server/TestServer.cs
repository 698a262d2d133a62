using System.Net.Sockets;
using System.Text;
using Bundt.Daemon.Server;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bundt.Daemon.Tests.Server;

/// <summary>A real server on a unix socket of its own, with a handler of the test's.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("bundtd-").FullName;
    private readonly ApiServer _server;

    private TestServer(Func<ApiRequest, Task> handler)
    {
        Path = System.IO.Path.Combine(_directory, "s");
        _server = new ApiServer(DaemonSocket.Open(Path), handler, NullLoggerFactory.Instance);
    }

    public string Path { get; }

    public static async Task<TestServer> StartAsync(Func<ApiRequest, Task> handler)
    {
        var server = new TestServer(handler);
        await server._server.StartAsync(CancellationToken.None);
        return server;
    }

    public Task StopAsync() => _server.StopAsync(TimeSpan.FromSeconds(5));

    public Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path));
        return socket;
    }

    public async Task<string> AskAsync(string request)
    {
        using Socket socket = Connect();
        await socket.SendAsync(Encoding.UTF8.GetBytes(request));
        return Encoding.UTF8.GetString(await socket.ReadToEndAsync());
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(TimeSpan.Zero);
        await _server.DisposeAsync();
        File.Delete(Path);
        Directory.Delete(_directory);
    }
}

internal static class SocketReading
{
    /// <summary>What does not come within twenty seconds does not come.</summary>
    public static Task Soon(this Task task) => task.WaitAsync(TimeSpan.FromSeconds(20));

    public static Task<T> Soon<T>(this Task<T> task) => task.WaitAsync(TimeSpan.FromSeconds(20));

    public static async Task<byte[]> ReadToEndAsync(this Socket socket)
    {
        using var all = new MemoryStream();
        var buffer = new byte[65536];
        int count;
        while ((count = await socket.ReceiveAsync(buffer).Soon()) > 0)
        {
            all.Write(buffer, 0, count);
        }

        return all.ToArray();
    }

    /// <summary>Reads up to and with the empty line that ends the head.</summary>
    public static async Task<string> ReadHeadAsync(this Socket socket)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            Assert.That(await socket.ReceiveAsync(one).Soon(), Is.EqualTo(1), () => "the connection ended in the head: " + head);
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    public static async Task<byte[]> ReadExactlyAsync(this Socket socket, int count)
    {
        var bytes = new byte[count];
        for (int got = 0; got < count;)
        {
            int now = await socket.ReceiveAsync(bytes.AsMemory(got)).AsTask().Soon();
            Assert.That(now, Is.GreaterThan(0), "the connection ended early");
            got += now;
        }

        return bytes;
    }
}
