using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Daemon.Streams;

namespace Bundt.Daemon.Tests.Server;

internal sealed class HijackTests
{
    private const string Attach = "POST /containers/x/attach HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n";

    [Test]
    public async Task Everything_sent_after_the_clients_fin_arrives()
    {
        const int total = 3_000_000;
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteDocker(client.Output, upgrade: true, multiplexed: false);
            await client.FlushAsync();
            long got = 0;
            while (true)
            {
                ReadResult read = await client.Input.ReadAsync();
                got += read.Buffer.Length;
                client.Input.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            Assert.That(got, Is.EqualTo(300_000));
            for (int sent = 0; sent < total; sent += 100_000)
            {
                HijackedStream.WriteBytes(client.Output, new byte[100_000]);
                await client.FlushAsync();
            }
        });
        using Socket socket = server.Connect();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Attach + "\r\n"));
        string head = await socket.ReadHeadAsync();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 UPGRADED\r\n"));
        Assert.That(head, Does.Contain("Content-Type: application/vnd.docker.raw-stream\r\n").And.Contains("Upgrade: tcp\r\n"));
        for (int sent = 0; sent < 300_000; sent += 100_000)
        {
            await socket.SendAsync(new byte[100_000]);
        }

        socket.Shutdown(SocketShutdown.Send);
        Assert.That(await socket.ReadToEndAsync(), Has.Length.EqualTo(total));
    }

    [Test]
    public async Task A_request_with_a_body_can_be_taken_over()
    {
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            ExecStartBody? body = await request.ReadJsonAsync(ApiJson.Wire.ExecStartBody, optional: true);
            Assert.That(body!.Tty, Is.True);
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteDocker(client.Output, request.WantsUpgrade, multiplexed: true);
            ReadResult read = await client.Input.ReadAsync();
            HijackedStream.WriteBytes(client.Output, read.Buffer.ToArray());
            client.Input.AdvanceTo(read.Buffer.End);
            await client.FlushAsync();
        });
        using Socket socket = server.Connect();
        await socket.SendAsync("POST /exec/x/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"Tty\":true}"u8.ToArray());
        await socket.SendAsync("echo"u8.ToArray());
        Assert.That(Encoding.ASCII.GetString(await socket.ReadToEndAsync()), Does.StartWith("HTTP/1.1 101 UPGRADED\r\n").And.EndWith("\r\n\r\necho"));
    }

    [Test]
    public async Task Old_clients_get_a_bare_200_and_raw_bytes()
    {
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteDocker(client.Output, request.WantsUpgrade, multiplexed: false);
            client.WriteFrame(2, "oops"u8);
            await client.FlushAsync();
        });
        string answer = await server.AskAsync("POST /containers/x/attach HTTP/1.1\r\nHost: x\r\n\r\n");
        Assert.That(answer, Does.StartWith("HTTP/1.1 200 OK\r\n").And.EndWith("\r\n\r\n\u0002\0\0\0\0\0\0\u0004oops"));
        Assert.That(answer, Does.Not.Contain("chunked").And.Not.Contains("Content-Length"));
    }

    [Test]
    public async Task A_client_that_has_gone_ends_the_stream_but_one_that_half_closed_does_not()
    {
        var ended = new TaskCompletionSource();
        var finSeen = new TaskCompletionSource();
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteDocker(client.Output, true, false);
            await client.FlushAsync();
            while (!(await client.Input.ReadAsync()).IsCompleted)
            {
            }

            finSeen.SetResult();
            Assert.That(client.Ended.IsCancellationRequested, Is.False);
            using CancellationTokenRegistration end = client.Ended.Register(ended.SetResult);
            await ended.Task.Soon();
        });
        Socket socket = server.Connect();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Attach + "\r\n"));
        await socket.ReadHeadAsync();
        socket.Shutdown(SocketShutdown.Send);
        await finSeen.Task.Soon();
        Assert.That(ended.Task.IsCompleted, Is.False);
        socket.Dispose();
        await ended.Task.Soon();
    }

    [Test]
    public async Task A_client_that_has_gone_behind_unread_bytes_is_noticed_while_stdin_blocks()
    {
        var ended = new TaskCompletionSource();
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using HijackedStream client = request.Hijack();
            SwitchAnswer.WriteDocker(client.Output, true, false);
            await client.FlushAsync();
            client.WatchForHangUp(); // as the pumps do when the process takes no more
            using CancellationTokenRegistration end = client.Ended.Register(ended.SetResult);
            await ended.Task.Soon();
        });
        Socket socket = server.Connect();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Attach + "\r\n"));
        await socket.ReadHeadAsync();
        socket.Blocking = false;
        try
        {
            while (true)
            {
                socket.Send(new byte[65536]);
            }
        }
        catch (SocketException)
        {
            // the buffers are full
        }

        socket.Dispose();
        await ended.Task.Soon();
    }

    [Test]
    public async Task A_slow_reader_loses_nothing_when_the_handler_is_done()
    {
        var done = new TaskCompletionSource();
        const int total = 200_000; // more than the socket holds, less than the pipe lets wait
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.SkipBodyAsync();
            await using (HijackedStream client = request.Hijack())
            {
                SwitchAnswer.WriteDocker(client.Output, true, false);
                HijackedStream.WriteBytes(client.Output, new byte[total]);
                await client.FlushAsync();
            }

            done.SetResult();
        });
        using Socket socket = server.Connect();
        await socket.SendAsync(Encoding.ASCII.GetBytes(Attach + "\r\n"));
        await done.Task.Soon();
        await socket.ReadHeadAsync();
        Assert.That(await socket.ReadToEndAsync(), Has.Length.EqualTo(total));
    }

    [Test]
    public async Task The_daemons_end_ends_streams_and_waits()
    {
        var waiting = new TaskCompletionSource();
        var over = new TaskCompletionSource();
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            waiting.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, request.Ended);
            }
            finally
            {
                over.SetResult();
            }
        });
        Task<string> asking = server.AskAsync("POST /containers/x/wait HTTP/1.1\r\nHost: x\r\n\r\n");
        await waiting.Task.Soon();
        await server.StopAsync();
        await over.Task.Soon();
        Assert.That(await asking, Is.Empty);
    }

    [Test]
    public async Task A_client_that_leaves_an_ordinary_request_cancels_it()
    {
        var waiting = new TaskCompletionSource();
        var over = new TaskCompletionSource();
        await using TestServer server = await TestServer.StartAsync(async request =>
        {
            await request.BeginAsync("application/json");
            waiting.SetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, request.Ended);
            }
            finally
            {
                over.SetResult();
            }
        });
        Socket socket = server.Connect();
        await socket.SendAsync("POST /containers/x/wait HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        Assert.That(await socket.ReadHeadAsync(), Does.StartWith("HTTP/1.1 200 OK\r\n"), "the head comes before the handler is done");
        await waiting.Task.Soon();
        socket.Dispose();
        await over.Task.Soon();
    }
}
