using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Bundt.Cli.Tests;

/// <summary>The whole client as a process, against a fake daemon.</summary>
[TestFixture]
[CancelAfter(60_000)]
public sealed class RunTests
{
    private const string Id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    private static readonly byte[] s_upgraded = Encoding.ASCII.GetBytes($"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: bundt\r\nBundt-Id: {Id}\r\nBundt-Warning: no network\r\n\r\n");

    [Test]
    public async Task Run_copies_both_streams_apart_and_ends_with_the_containers_exit_code()
    {
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(FakeDaemon.Frame(1, "out"));
            await stream.WriteAsync(FakeDaemon.Frame(2, "err"));
            await stream.WriteAsync(FakeDaemon.Frame(99, "a later daemon's word"));
            await stream.WriteAsync(FakeDaemon.Frame(1, "put"));
            await stream.WriteAsync(FakeDaemon.Frame(17, "42"));
        });
        (int code, string output, string error) = await BundtProcess.RunAsync(daemon, "", "run", "--rm", "--name", "a b", "busybox", "true");
        SeenRequest request = daemon.Requests.Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(42));
            Assert.That(output, Is.EqualTo("output"));
            Assert.That(error, Is.EqualTo("WARNING: no network\nerr"));
            Assert.That(request.Target, Is.EqualTo("/bundt/v1/run?name=a%20b&attach=stdout,stderr"));
            Assert.That(request.Headers["Upgrade"], Is.EqualTo("bundt"));
            Assert.That(JsonNode.Parse(request.Body)!["HostConfig"]!["AutoRemove"]!.GetValue<bool>());
        }
    }

    [Test]
    public async Task Run_detached_prints_the_id()
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(FakeDaemon.Json($$"""{"Id":"{{Id}}","Warnings":["careful"]}""", 201)));
        (int code, string output, string error) = await BundtProcess.RunAsync(daemon, "", "run", "-d", "busybox");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((code, output, error), Is.EqualTo((0, Id + "\n", "WARNING: careful\n")));
            Assert.That(daemon.Requests.Single().Target, Is.EqualTo("/bundt/v1/run"));
        }
    }

    [TestCase("CommandNotFound", 127)]
    [TestCase("CommandNotExecutable", 126)]
    [TestCase("InvalidArgument", 125)]
    public async Task A_failed_start_tells_why_and_what_to_do(string kind, int expected)
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(FakeDaemon.Json($$$"""{"message":"it cannot be","bundt":{"hint":"Try another","kind":"{{{kind}}}"}}""", 400)));
        (int code, string output, string error) = await BundtProcess.RunAsync(daemon, "", "run", "busybox");
        Assert.That((code, output, error), Is.EqualTo((expected, "", "bundt: it cannot be\nTry another\n")));
    }

    [Test]
    public async Task Stdin_arrives_whole_and_its_end_too()
    {
        string big = new('x', 300_000);
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            var seen = new StringBuilder();
            while (await FakeDaemon.ReadFrameAsync(stream) is (byte type, byte[] payload))
            {
                if (type == 34)
                {
                    break;
                }

                Assert.That(type, Is.EqualTo(33));
                seen.Append(Encoding.UTF8.GetString(payload));
            }

            await stream.WriteAsync(FakeDaemon.Frame(1, seen.Length.ToString(CultureInfo.InvariantCulture)));
            await stream.WriteAsync(FakeDaemon.Frame(17, "0"));
        });
        (int code, string output, _) = await BundtProcess.RunAsync(daemon, big, "run", "-i", "busybox", "wc", "-c");
        Assert.That((code, output), Is.EqualTo((0, "300000")));
    }

    [Test]
    public async Task A_lost_connection_is_picked_up_where_it_fell()
    {
        await using var daemon = new FakeDaemon(async (request, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            if (request.Target.StartsWith("/bundt/v1/run", StringComparison.Ordinal))
            {
                // Killed in the middle of a frame.
                await stream.WriteAsync(FakeDaemon.Frame(1, "hello world").AsMemory(0, 13));
            }
            else
            {
                await stream.WriteAsync(FakeDaemon.Frame(1, " world"));
                await stream.WriteAsync(FakeDaemon.Frame(17, "7"));
            }
        });
        (int code, string output, _) = await BundtProcess.RunAsync(daemon, "", "run", "busybox");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(7));
            Assert.That(daemon.Requests.Last().Target, Is.EqualTo($"/bundt/v1/containers/{Id}/resume?attach=stdout,stderr&stdout=5&stderr=0"));
            Assert.That(output, Is.EqualTo("hello world"));
        }
    }

    [Test]
    public async Task A_daemon_that_is_gone_for_a_while_is_waited_for()
    {
        string away = "";
        await using var daemon = new FakeDaemon(async (request, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            if (request.Target.StartsWith("/bundt/v1/run", StringComparison.Ordinal))
            {
                string path = away[..^".away".Length];
                File.Move(path, away);
                stream.Socket.Close();
                // The absence itself: long enough for the client to find nobody. Whether it does changes nothing in what must come out.
                await Task.Delay(300);
                File.Move(away, path);
            }
            else
            {
                await stream.WriteAsync(FakeDaemon.Frame(17, "6"));
            }
        });
        away = daemon.Path + ".away";
        (int code, _, string error) = await BundtProcess.RunAsync(daemon, "", "run", "busybox");
        Assert.That(code, Is.EqualTo(6), error);
    }

    [Test]
    public async Task A_missing_image_is_pulled_and_run_again()
    {
        bool pulled = false;
        await using var daemon = new FakeDaemon(async (request, stream) =>
        {
            if (request.Target.Contains("/images/create", StringComparison.Ordinal))
            {
                pulled = true;
                string[] lines =
                [
                    """{"status":"Pulling from library/busybox","id":"latest"}""", """{"status":"Downloading","id":"aaa","progressDetail":{"current":5,"total":10}}""",
                    """{"status":"Pull complete","id":"aaa","progressDetail":{}}""", """{"status":"Status: Downloaded newer image for busybox:latest"}""",
                ];
                await stream.WriteAsync(Encoding.UTF8.GetBytes("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + string.Join("\r\n", lines)));
            }
            else if (!pulled)
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(FakeDaemon.Json("""{"message":"No such image: busybox:latest"}""", 404)));
            }
            else
            {
                await stream.WriteAsync(s_upgraded);
                await stream.WriteAsync(FakeDaemon.Frame(17, "0"));
            }
        });
        (int code, _, string error) = await BundtProcess.RunAsync(daemon, "", "run", "busybox");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.Zero);
            Assert.That(error, Is.EqualTo("Unable to find image 'busybox:latest' locally\nlatest: Pulling from library/busybox\naaa: Pull complete\nStatus: Downloaded newer image for busybox:latest\nWARNING: no network\n"));
            Assert.That(daemon.Requests.ElementAt(1).Target, Is.EqualTo("/v1.47/images/create?fromImage=busybox&tag=latest"));
        }

        (code, _, error) = await BundtProcess.RunAsync(daemon, "", "run", "--pull=never", "busybox");
        Assert.That(code, Is.Zero, error);
    }

    [Test]
    public async Task A_pull_that_fails_in_its_stream_fails()
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"x\"}\r\n{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"manifest unknown\"}\r\n"));
        (int code, _, string error) = await BundtProcess.RunAsync(daemon, "", "pull", "busybox");
        Assert.That((code, error), Is.EqualTo((125, "bundt: manifest unknown\n")));
    }

    [Test]
    public async Task Signals_reach_the_container()
    {
        var ready = new TaskCompletionSource();
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(FakeDaemon.Frame(1, "ready\n"));
            (byte type, byte[] payload) = (await FakeDaemon.ReadFrameAsync(stream))!.Value;
            await stream.WriteAsync(FakeDaemon.Frame(1, $"{type} {Encoding.ASCII.GetString(payload)}"));
            await stream.WriteAsync(FakeDaemon.Frame(17, "143"));
        });
        using BundtProcess process = BundtProcess.Start(daemon, "run", "busybox");
        var output = new StreamReader(process.Output);
        Assert.That(await output.ReadLineAsync(), Is.EqualTo("ready"));
        process.Signal(15);
        Assert.That(await output.ReadToEndAsync(), Is.EqualTo("37 SIGTERM"));
        Assert.That(await process.WaitAsync(), Is.EqualTo(143));
    }

    [Test]
    public async Task A_signal_does_not_wait_behind_stdin_that_nobody_reads()
    {
        var killed = new TaskCompletionSource();
        await using var daemon = new FakeDaemon(async (request, stream) =>
        {
            if (request.Target.Contains("/kill", StringComparison.Ordinal))
            {
                await stream.WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
                killed.SetResult();
                return;
            }

            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(FakeDaemon.Frame(1, "ready\n"));
            await killed.Task;
            await stream.WriteAsync(FakeDaemon.Frame(17, "143"));
        });
        using BundtProcess process = BundtProcess.Start(daemon, "run", "-i", "busybox");
        Assert.That(await new StreamReader(process.Output).ReadLineAsync(), Is.EqualTo("ready"));
        Task writing = process.Input.WriteAsync(new byte[8 << 20]).AsTask();
        process.Signal(15);
        Assert.That(await process.WaitAsync(), Is.EqualTo(143));
        Assert.That(daemon.Requests.Last().Target, Is.EqualTo($"/v1.47/containers/{Id}/kill?signal=SIGTERM"));
        await writing.ContinueWith(static _ => { }, TaskScheduler.Default);
    }

    [Test]
    public async Task Who_insists_three_times_gets_out()
    {
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(FakeDaemon.Frame(1, "ready\n"));
            while (await FakeDaemon.ReadFrameAsync(stream) is not null)
            {
                await stream.WriteAsync(FakeDaemon.Frame(1, "no\n"));
            }
        });
        using BundtProcess process = BundtProcess.Start(daemon, "run", "busybox");
        var output = new StreamReader(process.Output);
        Assert.That(await output.ReadLineAsync(), Is.EqualTo("ready"));
        process.Signal(2);
        Assert.That(await output.ReadLineAsync(), Is.EqualTo("no"));
        process.Signal(2);
        Assert.That(await output.ReadLineAsync(), Is.EqualTo("no"));
        process.Signal(2);
        Assert.That(await process.WaitAsync(), Is.EqualTo(130));
    }

    [TestCase("start")]
    [TestCase("restart")]
    public async Task Containers_are_started_one_after_the_other(string command)
    {
        int under = 0;
        bool alone = true;
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            alone &= Interlocked.Increment(ref under) == 1;
            await Task.Delay(50);
            Interlocked.Decrement(ref under);
            await stream.WriteAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        });
        (int code, string output, _) = await BundtProcess.RunAsync(daemon, "", command, "a", "b", "c");
        Assert.That((code, output, alone), Is.EqualTo((0, "a\nb\nc\n", true)));
    }

    [Test]
    public async Task An_ambiguous_id_is_said_to_be_one()
    {
        await using var daemon = new FakeDaemon((request, stream) => FakeDaemon.Answer(request.Target.Contains("/containers/", StringComparison.Ordinal)
            ? FakeDaemon.Json("""{"message":"multiple IDs found with provided prefix: a"}""", 400)
            : FakeDaemon.Json("""{"message":"no such thing"}""", 404))(request, stream));
        (int code, _, string error) = await BundtProcess.RunAsync(daemon, "", "inspect", "a");
        Assert.That((code, error), Is.EqualTo((125, "bundt: multiple IDs found with provided prefix: a\n")));
    }

    [Test]
    public async Task Without_signal_proxy_a_signal_ends_the_client_alone()
    {
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(FakeDaemon.Frame(1, "ready\n"));
            Assert.That(await FakeDaemon.ReadFrameAsync(stream), Is.Null);
        });
        using BundtProcess process = BundtProcess.Start(daemon, "run", "--sig-proxy=false", "busybox");
        Assert.That(await new StreamReader(process.Output).ReadLineAsync(), Is.EqualTo("ready"));
        process.Signal(2);
        Assert.That(await process.WaitAsync(), Is.EqualTo(130));
    }

    [Test]
    public async Task Nobody_reading_the_output_ends_the_client_by_sigpipe()
    {
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            byte[] frame = FakeDaemon.Frame(1, new byte[60000]);
            while (true)
            {
                await stream.WriteAsync(frame);
            }
        });
        using BundtProcess process = BundtProcess.Start(daemon, "run", "busybox", "yes");
        process.Output.Close();
        Assert.That(await process.WaitAsync(), Is.EqualTo(128 + 13));
    }

    [Test]
    public async Task A_terminal_is_raw_while_it_runs_resizes_and_is_restored()
    {
        using var terminal = new PseudoTerminal(24, 80);
        (uint Local, uint Input) before = terminal.Modes;
        var sizes = new List<string>();
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(FakeDaemon.Frame(1, "ready\r\n"));
            while (await FakeDaemon.ReadFrameAsync(stream) is (byte type, byte[] payload))
            {
                if (type == 35)
                {
                    sizes.Add($"{(payload[0] << 8) | payload[1]}x{(payload[2] << 8) | payload[3]}");
                    await stream.WriteAsync(FakeDaemon.Frame(1, sizes.Count == 2 ? "resized\r\n" : ""));
                }
                else if (type == 33)
                {
                    await stream.WriteAsync(FakeDaemon.Frame(1, "typed " + Convert.ToHexString(payload) + "\r\n"));
                    if (payload.Contains((byte)'q'))
                    {
                        await stream.WriteAsync(FakeDaemon.Frame(17, "5"));
                    }
                }
            }
        });
        using BundtProcess process = BundtProcess.StartOn(terminal.Name, daemon, "run", "-it", "busybox", "sh");
        _ = await terminal.ReadUntilAsync("ready");
        Assert.That(terminal.Modes.Local & 0x804bu, Is.Zero, "canonical mode, echo and signals are off");
        terminal.Resize(30, 100);
        process.Signal(28);
        _ = await terminal.ReadUntilAsync("resized");
        await terminal.TypeAsync("\u0003");
        Assert.That(await terminal.ReadUntilAsync("typed"), Is.Not.Null);
        await terminal.TypeAsync("q");
        Assert.That(await process.WaitAsync(), Is.EqualTo(5));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(terminal.Modes, Is.EqualTo(before));
            Assert.That(sizes, Is.EqualTo((string[])["24x80", "30x100"]));
            Assert.That(JsonNode.Parse(daemon.Requests.Single().Body)!["HostConfig"]!["ConsoleSize"]!.ToJsonString(), Is.EqualTo("[24,80]"));
        }
    }

    [Test]
    public async Task The_detach_keys_leave_the_container_and_restore_the_terminal()
    {
        using var terminal = new PseudoTerminal(24, 80);
        (uint Local, uint Input) before = terminal.Modes;
        await using var daemon = new FakeDaemon(async (_, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(FakeDaemon.Frame(1, "ready\r\n"));
            while (await FakeDaemon.ReadFrameAsync(stream) is not null)
            {
            }
        });
        using BundtProcess process = BundtProcess.StartOn(terminal.Name, daemon, "run", "-it", "busybox", "sh");
        _ = await terminal.ReadUntilAsync("ready");
        await terminal.TypeAsync("\u0010\u0011");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await process.WaitAsync(), Is.Zero);
            Assert.That(terminal.Modes, Is.EqualTo(before));
        }
    }

    [Test]
    public async Task A_terminal_is_restored_when_the_daemon_breaks_the_protocol()
    {
        using var terminal = new PseudoTerminal(24, 80);
        (uint Local, uint Input) before = terminal.Modes;
        await using var daemon = new FakeDaemon(async (request, stream) =>
        {
            await stream.WriteAsync(request.Target.Contains("resume", StringComparison.Ordinal)
                ? Encoding.UTF8.GetBytes(FakeDaemon.Json("""{"message":"gone"}""", 404)) : s_upgraded);
        });
        using BundtProcess process = BundtProcess.StartOn(terminal.Name, daemon, "run", "-it", "busybox", "sh");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(await process.WaitAsync(), Is.EqualTo(125));
            Assert.That(terminal.Modes, Is.EqualTo(before));
        }
    }

    [Test]
    public async Task A_terminal_is_demanded_where_one_was_asked_for()
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(""));
        (int code, _, string error) = await BundtProcess.RunAsync(daemon, "x", "run", "-it", "busybox");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(125));
            Assert.That(error, Does.StartWith("bundt: the input device is not a TTY\n"));
            Assert.That(daemon.Requests, Is.Empty);
        }
    }

    private static byte[] Position(long stdout, long stderr)
    {
        byte[] payload = new byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(payload, stdout);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(8), stderr);
        return FakeDaemon.Frame(19, payload);
    }

    private static byte[] Time(long nanoseconds)
    {
        byte[] payload = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(payload, nanoseconds);
        return FakeDaemon.Frame(20, payload);
    }

    /// <summary>A daemon whose first answer breaks off behind the first body; the second one is whole.</summary>
    private static FakeDaemon KilledInTheMiddle(byte[] first, byte[] second)
    {
        int requests = 0;
        return new FakeDaemon(async (_, stream) =>
        {
            byte[] body = requests++ == 0 ? first : second;
            await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n")));
            await stream.WriteAsync(body);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(requests == 1 ? "\r\n" : "\r\n0\r\n\r\n"));
        });
    }

    [Test]
    public async Task Followed_logs_go_on_behind_the_last_byte_when_the_daemon_is_killed()
    {
        await using FakeDaemon daemon = KilledInTheMiddle(
            [.. Position(1000, 50), .. FakeDaemon.Frame(1, "one\n"), .. FakeDaemon.Frame(2, "two\n"), .. FakeDaemon.Frame(1, "thr")],
            [.. FakeDaemon.Frame(1, "ee\n"), .. FakeDaemon.Frame(3, "a note\n")]);
        (int code, string output, string error) = await BundtProcess.RunAsync(daemon, "", "logs", "-f", "--tail", "5", "web");
        using (Assert.EnterMultipleScope())
        {
            Assert.That((code, output, error), Is.EqualTo((0, "one\nthree\n", "two\na note\n")));
            Assert.That(daemon.Requests.Select(r => r.Target), Is.EqualTo((string[])["/bundt/v1/containers/web/logs?follow=1&tail=5", "/bundt/v1/containers/web/logs?follow=1&stdout=1007&stderr=54"]));
        }
    }

    [Test]
    public async Task Each_line_of_a_log_has_the_time_of_its_first_byte_through_whatever_daemon_it_comes()
    {
        await using FakeDaemon daemon = KilledInTheMiddle(
            [.. Position(0, 0), .. Time(1_767_225_601_000_000_001), .. FakeDaemon.Frame(1, "one\ntw")],
            [.. Time(1_767_225_602_120_000_000), .. FakeDaemon.Frame(1, "o\nthree\n")]);
        (int code, string output, _) = await BundtProcess.RunAsync(daemon, "", "logs", "-t", "web");
        Assert.That((code, output), Is.EqualTo((0, "2026-01-01T00:00:01.000000001Z one\n2026-01-01T00:00:01.000000001Z two\n2026-01-01T00:00:02.120000000Z three\n")));
    }

    [Test]
    public async Task Wait_asks_again_when_the_daemon_is_killed()
    {
        int requests = 0;
        await using var daemon = new FakeDaemon((_, stream) => stream.WriteAsync(Encoding.UTF8.GetBytes(
            requests++ == 0 ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n{\"StatusCode\":3}\n")).AsTask());
        (int code, string output, _) = await BundtProcess.RunAsync(daemon, "", "wait", "web");
        Assert.That((code, output), Is.EqualTo((0, "3\n")));
    }

    [Test]
    public async Task Several_names_are_answered_in_their_order_and_failures_are_told()
    {
        await using var daemon = new FakeDaemon((request, stream) => stream.WriteAsync(Encoding.UTF8.GetBytes(
            request.Target.Contains("/b/", StringComparison.Ordinal) ? FakeDaemon.Json("""{"message":"No such container: b"}""", 404) : "HTTP/1.1 204 No Content\r\n\r\n")).AsTask());
        (int code, string output, string error) = await BundtProcess.RunAsync(daemon, "", "stop", "a", "b", "c");
        Assert.That((code, output, error), Is.EqualTo((125, "a\nc\n", "bundt: No such container: b\n")));
    }

    [Test]
    public async Task Inspect_asks_for_containers_images_and_volumes_in_turn()
    {
        await using var daemon = new FakeDaemon((request, stream) => stream.WriteAsync(Encoding.UTF8.GetBytes(
            request.Target == "/v1.47/images/lib/x:1/json" ? FakeDaemon.Json("""{"Id":"sha256:1","RepoTags":["lib/x:1"]}""") : FakeDaemon.Json("""{"message":"no"}""", 404))).AsTask());
        (int code, string output, string error) = await BundtProcess.RunAsync(daemon, "", "inspect", "lib/x:1", "nosuch");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(code, Is.EqualTo(125));
            Assert.That(output, Is.EqualTo("[\n    {\n        \"Id\": \"sha256:1\",\n        \"RepoTags\": [\n            \"lib/x:1\"\n        ]\n    }\n]\n"));
            Assert.That(error, Is.EqualTo("bundt: No such object: nosuch\n"));
        }
    }

    [Test]
    public async Task Ps_and_images_print_dockers_tables()
    {
        await using var daemon = new FakeDaemon((request, stream) => stream.WriteAsync(Encoding.UTF8.GetBytes(FakeDaemon.Json(
            request.Target.Contains("containers", StringComparison.Ordinal)
                ? """[{"Id":"0123456789abcdef","Names":["/web"],"Image":"busybox","Command":"sleep 9","Created":1,"State":"running","Status":"Up 3 seconds","Ports":[]}]"""
                : """[{"Id":"sha256:0123456789abcdef","RepoTags":["busybox:latest","r:5000/x:1"],"RepoDigests":[],"Created":0,"Size":4261502},{"Id":"sha256:ff","RepoTags":null,"RepoDigests":null,"Created":0,"Size":1}]"""))).AsTask());
        (_, string ps, _) = await BundtProcess.RunAsync(daemon, "", "ps", "--filter", "name=web", "-a");
        (_, string images, _) = await BundtProcess.RunAsync(daemon, "", "images");
        (_, string table, _) = await BundtProcess.RunAsync(daemon, "", "container", "ls", "--format", "table {{.Names}}\\t{{.Status}}");
        (_, string json, _) = await BundtProcess.RunAsync(daemon, "", "ps", "-q");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(ps, Does.Match(@"^CONTAINER ID   IMAGE     COMMAND     CREATED        STATUS         PORTS     NAMES\n0123456789ab   busybox   ""sleep 9""   \d\d years ago   Up 3 seconds             web\n$"));
            Assert.That(images, Is.EqualTo("REPOSITORY   TAG       IMAGE ID       CREATED   SIZE\nbusybox      latest    0123456789ab   N/A       4.26MB\nr:5000/x     1         0123456789ab   N/A       4.26MB\n<none>       <none>    ff             N/A       1B\n"));
            Assert.That(table, Is.EqualTo("NAMES     STATUS\nweb       Up 3 seconds\n"));
            Assert.That(json, Is.EqualTo("0123456789ab\n"));
            Assert.That(daemon.Requests.First().Target, Is.EqualTo("/v1.47/containers/json?all=1&filters=%7B%22name%22%3A%5B%22web%22%5D%7D"));
        }
    }

    [Test]
    public async Task No_command_writes_control_sequences_to_a_terminal()
    {
        using var terminal = new PseudoTerminal(24, 80);
        await using var daemon = new FakeDaemon(FakeDaemon.Answer("HTTP/1.1 204 No Content\r\n\r\n"));
        using BundtProcess process = BundtProcess.StartOn(terminal.Name, daemon, "rm", "web");
        Assert.That(await terminal.ReadUntilAsync("web"), Is.EqualTo("web\r\n"));
        Assert.That(await process.WaitAsync(), Is.Zero);
    }

    [Test]
    public async Task Attach_sends_stdin_and_goes_on_from_the_position_that_it_was_told()
    {
        await using var daemon = new FakeDaemon(async (request, stream) =>
        {
            if (request.Target.EndsWith("/json", StringComparison.Ordinal))
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(FakeDaemon.Json($$$"""{"Id":"{{{Id}}}","State":{"Running":true},"Config":{"Tty":false,"OpenStdin":true},"HostConfig":{"AutoRemove":false}}""")));
                return;
            }

            await stream.WriteAsync(s_upgraded);
            if (request.Target.Contains("/attach", StringComparison.Ordinal))
            {
                await stream.WriteAsync(Position(5_000_000_000, 7));
                (byte Type, byte[] Payload)? typed = await FakeDaemon.ReadFrameAsync(stream);
                await stream.WriteAsync(FakeDaemon.Frame(1, "got " + Encoding.UTF8.GetString(typed!.Value.Payload)));
                _ = await FakeDaemon.ReadFrameAsync(stream);
            }
            else
            {
                await stream.WriteAsync(FakeDaemon.Frame(1, " and more"));
                await stream.WriteAsync(FakeDaemon.Frame(17, "9"));
            }
        });
        (int code, string output, _) = await BundtProcess.RunAsync(daemon, "typed", "attach", "web");
        Assert.That((code, output), Is.EqualTo((9, "got typed and more")));
        Assert.That(daemon.Requests.Skip(1).Select(r => r.Target), Is.EqualTo((string[])
        [
            $"/bundt/v1/containers/{Id}/attach?attach=stdin,stdout,stderr",
            $"/bundt/v1/containers/{Id}/resume?attach=stdin,stdout,stderr&stdout=5000000009&stderr=7",
        ]));
    }

    [Test]
    public async Task Exec_is_picked_up_where_it_fell()
    {
        await using var daemon = new FakeDaemon(async (request, stream) =>
        {
            await stream.WriteAsync(s_upgraded);
            await stream.WriteAsync(request.Target.Contains("resume", StringComparison.Ordinal)
                ? (byte[])[.. FakeDaemon.Frame(1, "two"), .. FakeDaemon.Frame(17, "3")]
                : FakeDaemon.Frame(1, "one "));
        });
        (int code, string output, _) = await BundtProcess.RunAsync(daemon, "", "exec", "web", "ls");
        Assert.That((code, output), Is.EqualTo((3, "one two")));
        Assert.That(daemon.Requests.Last().Target, Is.EqualTo($"/bundt/v1/exec/{Id}/resume?attach=stdout,stderr&stdout=4&stderr=0"));
    }

    [Test]
    public async Task Without_a_daemon_the_way_to_start_one_is_told()
    {
        await using var daemon = new FakeDaemon(FakeDaemon.Answer(""));
        (int code, _, string error) = await BundtProcess.RunAsync(daemon, "", "-H", "unix:///nosuch/bundt.sock", "ps");
        Assert.That((code, error), Is.EqualTo((125, "bundt: no daemon listens on /nosuch/bundt.sock\nStart one there with: bundt -H unix:///nosuch/bundt.sock --root DIRECTORY --run DIRECTORY daemon start\n")));
    }
}
