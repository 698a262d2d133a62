using System.Text;
using Bundt.Cli.Http;
using Bundt.Linux;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Tests;

[TestFixture]
public sealed class HttpConnectionTests
{
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", "hello")]
    [TestCase("HTTP/1.1 200 OK\r\n\r\nhello", "hello")]
    [TestCase("HTTP/1.1 204 No Content\r\n\r\n", "")]
    [TestCase("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "")]
    [TestCase("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok")]
    public async Task A_body_is_read_whole_however_it_is_packed_and_split(string wire, string body)
    {
        foreach (int pieces in (int[])[1, 3, wire.Length])
        {
            await using var daemon = new FakeDaemon(async (_, stream) =>
            {
                byte[] bytes = Encoding.UTF8.GetBytes(wire);
                foreach (byte[] piece in bytes.Chunk(Math.Max(1, (bytes.Length + pieces - 1) / pieces)))
                {
                    await stream.WriteAsync(piece);
                    await stream.FlushAsync();
                }
            });
            using HttpConnection connection = Connect(daemon);
            connection.Send("GET", "/x", default);
            _ = connection.Receive();
            Assert.That(Encoding.UTF8.GetString(connection.ReadAll()), Is.EqualTo(body));
        }
    }

    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Le")]
    [TestCase("")]
    public async Task A_daemon_that_goes_away_in_the_middle_is_noticed(string wire)
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(wire));
        using HttpConnection connection = Connect(daemon);
        connection.Send("GET", "/x", default);
        Assert.That(() =>
        {
            _ = connection.Receive();
            _ = connection.ReadAll();
        }, Throws.TypeOf<ConnectionLostException>());
    }

    [TestCase("hello\r\n\r\n")]
    [TestCase("HTTP/1.1 abc\r\n\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n")]
    [TestCase("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    public async Task Malformed_answers_are_refused(string wire)
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(wire));
        using HttpConnection connection = Connect(daemon);
        connection.Send("GET", "/x", default);
        Assert.That(() =>
        {
            _ = connection.Receive();
            _ = connection.ReadAll();
        }, Throws.TypeOf<BundtException>());
    }

    [Test]
    public async Task An_upload_goes_in_chunks_and_the_request_is_what_was_meant()
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(FakeDaemon.Json("{}")));
        using HttpConnection connection = Connect(daemon);
        connection.SendChunkedHead("POST", "/load", "application/x-tar");
        Assert.That(connection.SendChunk("hello "u8) && connection.SendChunk("world"u8) && connection.SendChunk(default));
        _ = connection.Receive();
        SeenRequest request = daemon.Requests.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(request.Body, Is.EqualTo("hello world"));
            Assert.That(request.Headers["Content-Type"], Is.EqualTo("application/x-tar"));
        }
    }

    [Test]
    public async Task Bytes_behind_a_switched_protocols_head_belong_to_the_stream()
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: bundt\r\nBundt-Id: abc\r\n\r\nearly"));
        using HttpConnection connection = Connect(daemon);
        connection.Send("POST", "/run", "{}"u8);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(connection.Receive(), Is.EqualTo(101));
            Assert.That(connection.Header("bundt-id"), Is.EqualTo("abc"));
            Assert.That(Encoding.UTF8.GetString(connection.TakeBuffered().Span), Is.EqualTo("early"));
        }
    }

    [Test]
    public void An_error_body_tells_message_hint_and_exit_code()
    {
        ApiException own = ApiException.Parse(400, """{"message":"exec /x: no such file","bundt":{"phase":"Exec","operation":"x","hint":"Install it","kind":"CommandNotFound"}}"""u8);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(own.Message, Is.EqualTo("exec /x: no such file"));
            Assert.That(own.Hint, Is.EqualTo("Install it"));
            Assert.That(own.StartExitCode, Is.EqualTo(127));
            Assert.That(ApiException.Parse(400, """{"message":"exec: \"x\": permission denied"}"""u8).StartExitCode, Is.EqualTo(126));
            Assert.That(ApiException.Parse(500, """{"message":"open /src: no such file or directory","bundt":{"kind":"Internal"}}"""u8).StartExitCode, Is.EqualTo(125));
            Assert.That(ApiException.Parse(404, """{"message":"No such image: x:latest"}"""u8).ImageIsMissing);
            Assert.That(ApiException.Parse(502, "<html>"u8).Message, Is.EqualTo("<html>"));
        }
    }

    [Test]
    public async Task A_socket_with_a_path_too_long_for_its_address_can_be_reached()
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(FakeDaemon.Json("{}")));
        string deep = Directory.CreateDirectory(Path.Combine(daemon.Directory, new string('d', 120))).FullName;
        string link = Path.Combine(deep, "s");
        File.CreateSymbolicLink(link, daemon.Path);
        using UnixSocket? socket = UnixSocket.TryConnect(link, out Errno errno);
        File.Delete(link);
        Directory.Delete(deep);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(errno, Is.EqualTo(Errno.None));
            Assert.That(socket?.PeerPid(), Is.EqualTo(Environment.ProcessId));
        }
    }

    [Test]
    public void A_socket_where_nobody_listens_says_so()
    {
        using UnixSocket? socket = UnixSocket.TryConnect("/nosuch/socket", out Errno errno);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(socket, Is.Null);
            Assert.That(errno, Is.EqualTo(Errno.ENOENT));
        }
    }

    private static HttpConnection Connect(FakeDaemon daemon) => new(UnixSocket.TryConnect(daemon.Path, out _)!);
}
