using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Bundt.Daemon.Server;
using Bundt.Daemon.Streams;
using Bundt.Daemon.Tests.Server;
using Bundt.Engine;

namespace Bundt.Daemon.Tests.Streams;

/// <summary>Sessions over a real server, with a process that is a pair of channels.</summary>
internal sealed class SessionTests
{
    private sealed class FakeProcess
    {
        public Channel<OutputFrame> Output { get; } = Channel.CreateUnbounded<OutputFrame>();

        public Channel<string> Input { get; } = Channel.CreateUnbounded<string>();

        public ProcessStreams Streams => new(
            async cancellation => await Output.Reader.WaitToReadAsync(cancellation) && Output.Reader.TryRead(out OutputFrame frame) ? frame : null,
            (bytes, _) =>
            {
                Input.Writer.TryWrite(Encoding.UTF8.GetString(bytes.Span));
                return ValueTask.CompletedTask;
            },
            _ =>
            {
                Input.Writer.TryWrite("<end>");
                return ValueTask.CompletedTask;
            });

        public void Say(byte stream, string text) => Output.Writer.TryWrite(new OutputFrame(stream, default, Encoding.UTF8.GetBytes(text)));
    }

    private static Task<TestServer> RawAsync(FakeProcess process, bool framed, bool closeStdin, DetachKeys? keys = null, TaskCompletionSource<bool>? detached = null) =>
        TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteDocker(client.Output, true, framed);
            await client.FlushAsync();
            var session = new RawSession(client, process.Streams) { Framed = framed, Stdin = true, CloseStdin = closeStdin, Keys = keys };
            await session.RunAsync();
            detached?.SetResult(session.Detached);
        });

    private static async Task<Socket> OpenAsync(TestServer server)
    {
        Socket socket = server.Connect();
        await socket.SendAsync("POST /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"u8.ToArray());
        await socket.ReadHeadAsync();
        return socket;
    }

    [Test]
    public async Task A_fin_closes_stdin_and_the_output_goes_on()
    {
        var process = new FakeProcess();
        await using TestServer server = await RawAsync(process, framed: true, closeStdin: true);
        using Socket socket = await OpenAsync(server);
        await socket.SendAsync("hello"u8.ToArray());
        Assert.That(await process.Input.Reader.ReadAsync().AsTask().Soon(), Is.EqualTo("hello"));
        socket.Shutdown(SocketShutdown.Send);
        Assert.That(await process.Input.Reader.ReadAsync().AsTask().Soon(), Is.EqualTo("<end>"));
        process.Say(1, "out");
        process.Say(2, "err");
        process.Output.Writer.Complete();
        Assert.That(Encoding.ASCII.GetString(await socket.ReadToEndAsync()), Is.EqualTo("\u0001\0\0\0\0\0\0\u0003out\u0002\0\0\0\0\0\0\u0003err"));
    }

    [Test]
    public async Task Without_stdin_once_a_fin_ends_the_attach_as_dockerd_does()
    {
        var process = new FakeProcess();
        await using TestServer server = await RawAsync(process, framed: false, closeStdin: false);
        using Socket socket = await OpenAsync(server);
        socket.Shutdown(SocketShutdown.Send);
        Assert.That(await socket.ReadToEndAsync(), Is.Empty);
        Assert.That(process.Input.Reader.TryRead(out _), Is.False);
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_client_that_vanishes_while_the_process_reads_no_stdin_is_not_attached_any_more(bool raw)
    {
        var process = new FakeProcess();
        var writing = new TaskCompletionSource();
        var left = new TaskCompletionSource();
        var over = new TaskCompletionSource();
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using HijackedStream client = request.Hijack();
            ProcessStreams streams = process.Streams with
            {
                Write = (_, _) =>
                {
                    writing.TrySetResult();
                    return new ValueTask(left.Task);
                },
                Leave = () => left.TrySetResult(),
            };
            await (raw
                ? new RawSession(client, streams) { Framed = true, Stdin = true, CloseStdin = true }.RunAsync()
                : new FrameSession(client, streams) { OnResize = static (_, _, _) => Task.CompletedTask, OnSignal = static (_, _) => Task.CompletedTask }
                    .RunAsync(static _ => Task.FromResult(0)));
            over.SetResult();
        });
        using (Socket socket = server.Connect())
        {
            await socket.SendAsync("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
            await socket.SendAsync(raw ? "typed"u8.ToArray() : Frame(33, "typed"));
            await writing.Task.Soon();
        }

        await over.Task.Soon();
    }

    [Test]
    public async Task The_detach_keys_end_the_attach_alone()
    {
        var process = new FakeProcess();
        var detached = new TaskCompletionSource<bool>();
        await using TestServer server = await RawAsync(process, framed: false, closeStdin: false, DetachKeys.Parse(""), detached);
        using Socket socket = await OpenAsync(server);
        await socket.SendAsync("ls\n\u0010\u0011"u8.ToArray());
        Assert.That(await socket.ReadToEndAsync(), Is.Empty);
        Assert.That(await detached.Task.Soon(), Is.True);
        Assert.That(await process.Input.Reader.ReadAsync().AsTask().Soon(), Is.EqualTo("ls\n"));
        Assert.That(process.Input.Reader.TryRead(out _), Is.False);
    }

    [Test]
    public async Task Frames_go_both_ways_and_the_exit_code_comes_last()
    {
        var process = new FakeProcess();
        var sizes = Channel.CreateUnbounded<string>();
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteFrames(client.Output, "cafe", ["a\r\nb"]);
            await client.FlushAsync();
            var session = new FrameSession(client, process.Streams)
            {
                OnResize = (rows, columns, _) =>
                {
                    sizes.Writer.TryWrite($"{rows}x{columns}");
                    return Task.CompletedTask;
                },
                OnSignal = (signal, _) =>
                {
                    sizes.Writer.TryWrite(signal);
                    return Task.CompletedTask;
                },
            };
            await session.RunAsync(_ => Task.FromResult(137));
        });
        using Socket socket = server.Connect();
        await socket.SendAsync("POST /bundt/v1/run HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        Assert.That(await socket.ReadHeadAsync(), Does.Contain("Upgrade: bundt\r\n").And.Contains("Bundt-Id: cafe\r\n").And.Contains("Bundt-Warning: a  b\r\n"));
        byte[] sent = [.. Frame(33, "in"), .. Frame(35, "\0\u0018\0\u0050"), .. Frame(37, "SIGINT"), .. Frame(99, "later"), .. Frame(34, "")];
        foreach (byte one in sent)
        {
            await socket.SendAsync(new[] { one }); // however it is cut
        }

        Assert.That(await process.Input.Reader.ReadAsync().AsTask().Soon(), Is.EqualTo("in"));
        Assert.That(await process.Input.Reader.ReadAsync().AsTask().Soon(), Is.EqualTo("<end>"));
        Assert.That(await sizes.Reader.ReadAsync().AsTask().Soon(), Is.EqualTo("24x80"));
        Assert.That(await sizes.Reader.ReadAsync().AsTask().Soon(), Is.EqualTo("SIGINT"));
        process.Say(1, "out");
        process.Output.Writer.Complete();
        Assert.That(await socket.ReadToEndAsync(), Is.EqualTo((byte[])[.. Frame(1, "out"), .. Frame(17, "137")]));
    }

    private static async Task<string> TextAsync(LocatedOutput output)
    {
        var parts = new List<string>();
        while (await output.ReadAsync(default) is { } frame)
        {
            parts.Add(frame.Stream == LocatedOutput.Position
                ? $"@{BinaryPrimitives.ReadInt64BigEndian(frame.Bytes.Span)},{BinaryPrimitives.ReadInt64BigEndian(frame.Bytes.Span[8..])}"
                : $"{frame.Stream}:{Encoding.UTF8.GetString(frame.Bytes.Span)}");
        }

        return string.Join('|', parts);
    }

    private static OutputFrame At(byte stream, string text, long stdout, long stderr) =>
        new(stream, 0, Encoding.UTF8.GetBytes(text)) { At = new OutputPosition(stdout, stderr) };

    [Test]
    public async Task A_client_is_told_the_position_where_counting_would_be_wrong()
    {
        static async IAsyncEnumerable<OutputFrame> Log()
        {
            await Task.Yield();
            yield return At(1, "abc", 10, 5);
            yield return At(2, "xyz", 13, 5);
            yield return At(3, "a note", 13, 8);
            yield return At(1, "def", 20, 8);
            yield return At(0, "", 23, 8);
        }

        await using (var fresh = LocatedOutput.Of(Log(), null, default))
        {
            Assert.That(await TextAsync(fresh), Is.EqualTo("@10,5|1:abc|2:xyz|3:a note|@20,8|1:def"));
        }

        await using (var resumed = LocatedOutput.Of(Log(), new OutputPosition(10, 5), default))
        {
            Assert.That(await TextAsync(resumed), Is.EqualTo("1:abc|2:xyz|3:a note|@20,8|1:def"));
        }
    }

    [Test]
    public async Task Without_a_log_a_client_is_told_how_much_it_missed()
    {
        var frames = new Queue<OutputFrame>([At(0, "", 10, 5), At(1, "abc", 10, 5)]);
        await using var output = new LocatedOutput(_ => ValueTask.FromResult(frames.TryDequeue(out OutputFrame frame) ? frame : (OutputFrame?)null), new OutputPosition(4, 1))
        {
            Unlogged = new AttachOptions(false, true, false),
        };
        Assert.That(await TextAsync(output), Does.Match(@"^3:bundt: 6 bytes of stdout are lost: [^|]*\n\|@10,5\|1:abc$"));
    }

    private static byte[] Frame(byte type, string payload)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(payload);
        var frame = new byte[8 + bytes.Length];
        frame[0] = type;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(4), bytes.Length);
        bytes.CopyTo(frame, 8);
        return frame;
    }
}
