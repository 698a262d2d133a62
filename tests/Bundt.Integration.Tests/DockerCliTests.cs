using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>The unmodified docker client against bundtd: what its users type must do what they expect.</summary>
public sealed class DockerCliTests : DaemonTests
{
    [OneTimeSetUp]
    public void RequireClient()
    {
        var paths = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        if (Environment.GetEnvironmentVariable("DOCKER") is null && !paths.Any(p => File.Exists(Path.Combine(p, "docker"))))
        {
            Assert.Ignore("the docker client is not installed");
        }
    }

    private Result Docker(params IEnumerable<string> arguments) => Daemon.Docker(arguments).Run();

    /// <summary>A container that sleeps until its test's end.</summary>
    private Sleeper Sleeping(string name, params string[] options)
    {
        Docker(["run", "-d", "--name", name, "--network", "none", .. options, "busybox", "sleep", "100000"]).Ok();
        return new Sleeper(this, name);
    }

    /// <summary>docker under a terminal of 33 rows and 99 columns; what is typed comes once the prompt stands there ("" for at once).</summary>
    private Result Typing(string prompt, string typed, string arguments)
    {
        using Process process = new Command("script", "-qec", $"stty rows 33 cols 99; {Environment.GetEnvironmentVariable("DOCKER") ?? "docker"} {arguments}", "/dev/null")
            .With("DOCKER_HOST", $"unix://{Daemon.Socket}").With("HOME", Paths.Work).With("TERM", "xterm").Start();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var seen = new StringBuilder();
        var buffer = new char[4096];
        bool answered = false;
        while (true)
        {
            if (!answered && seen.ToString().Contains(prompt, StringComparison.Ordinal))
            {
                process.StandardInput.Write(typed);
                process.StandardInput.Flush();
                answered = true;
            }

            int count = process.StandardOutput.ReadAsync(buffer, limit.Token).AsTask().GetAwaiter().GetResult();
            if (count == 0)
            {
                break;
            }

            seen.Append(buffer, 0, count);
        }

        process.WaitForExit();
        return new Result($"docker {arguments}", process.ExitCode, seen.ToString(), "", default);
    }

    [Test]
    public void Version_and_info_are_answered()
    {
        Assert.That(Docker("version", "--format", "{{.Server.APIVersion}} {{.Server.MinAPIVersion}} {{.Server.Os}}").Ok().Text, Is.EqualTo("1.47 1.24 linux"));
        Assert.That(Docker("info", "--format", "{{.CgroupVersion}} {{.DockerRootDir}} {{.LiveRestoreEnabled}}").Ok().Text, Is.EqualTo($"2 {Daemon.Root} true"));
    }

    [Test]
    public void Run_keeps_the_streams_apart_and_returns_the_exit_code()
    {
        var result = Docker("run", "--rm", "--network", "none", "busybox", "sh", "-c", "echo out; echo err >&2; exit 3").Exits(3);
        Assert.That((result.Stdout, result.Stderr), Is.EqualTo(("out\n", "err\n")));
    }

    [Test]
    public void All_of_stdin_arrives_and_its_end_too()
    {
        var input = new byte[3_000_000];
        Random.Shared.NextBytes(input);
        Assert.That(Daemon.Docker("run", "-i", "--rm", "--network", "none", "busybox", "sha256sum").Input(input).Run().Ok().Text,
            Does.StartWith(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(input))));
    }

    [Test]
    public void Output_after_the_end_of_stdin_arrives() => Assert.That(
        Daemon.Docker("run", "-i", "--rm", "--network", "none", "busybox", "sh", "-c", "cat >/dev/null; head -c 2000000 /dev/zero").Input("x").Run().Ok().Stdout,
        Has.Length.EqualTo(2_000_000));

    [TestCase("nosuch", 127)]
    [TestCase("/etc/passwd", 126)]
    [TestCase("/tmp", 126)]
    public void A_command_that_cannot_run_has_dockers_exit_code(string command, int code) =>
        Docker("run", "--rm", "--network", "none", "busybox", command).Exits(code);

    [Test]
    public void An_unknown_image_is_pulled_and_not_found() =>
        Assert.That(Docker("run", "--rm", "127.0.0.1:1/nope/nope").Exits(125).Stderr, Does.Contain("127.0.0.1:1"));

    [Test]
    public void A_containers_life()
    {
        using Sleeper box = Sleeping("life", "--label", "k=v", "-p", "80:80");
        Assert.That(Docker("ps", "--filter", "label=k=v", "--format", "{{.Names}} {{.Image}} {{.Command}} {{.Status}}").Ok().Text, Does.StartWith("life busybox \"sleep 100000\" Up "));
        Assert.That(Docker("ps", "-q", "--filter", "name=^/li", "--filter", "status=paused").Ok().Text, Is.Empty);
        Docker("pause", "life").Ok();
        Assert.That(Docker("ps", "--filter", "name=life", "--format", "{{.Status}}").Ok().Text, Does.EndWith("(Paused)"));
        Docker("unpause", "life").Ok();
        Assert.That(Docker("top", "life").Ok().Lines, Has.Length.EqualTo(2).And.Some.EndsWith("sleep 100000"));
        Docker("rename", "life", "afterlife").Ok();
        Docker("restart", "-t", "0", "afterlife").Ok();
        Docker("rename", "afterlife", "life").Ok();
        Assert.That(Docker("start", "life").Ok().Text, Is.EqualTo("life"), "starting what runs is nothing to do");
        Docker("kill", "-s", "KILL", "life").Ok();
        Assert.That(Docker("wait", "life").Ok().Text, Is.EqualTo("137"));
        Docker("start", "life").Ok();
        Docker("stop", "-t", "0", "life").Ok();
        Assert.That(Docker("ps", "-a", "--filter", "exited=137", "--filter", "name=life", "--format", "{{.State}} {{.Status}}").Ok().Text, Does.StartWith("exited Exited (137) "));
        Assert.That(Docker("rm", "nosuch").Exits(1).Stderr, Does.Contain("No such container: nosuch"));
    }

    [Test]
    public void Inspect_shows_what_was_asked_for()
    {
        using Sleeper box = Sleeping("looked", "-e", "A=1", "-v", "/tmp:/x:ro", "--memory-reservation", "0", "--cap-add", "NET_ADMIN", "--stop-timeout", "7");
        using JsonDocument document = JsonDocument.Parse(Docker("inspect", "looked").Ok().Stdout);
        JsonElement container = document.RootElement[0];
        Assert.Multiple(() =>
        {
            Assert.That(container.GetProperty("Name").GetString(), Is.EqualTo("/looked"));
            Assert.That(container.GetProperty("State").GetProperty("Status").GetString(), Is.EqualTo("running"));
            Assert.That(container.GetProperty("Path").GetString(), Is.EqualTo("sleep"));
            Assert.That(container.GetProperty("Config").GetProperty("StopTimeout").GetInt32(), Is.EqualTo(7));
            Assert.That(container.GetProperty("Config").GetProperty("Env").EnumerateArray().Select(e => e.GetString()), Has.Some.EqualTo("A=1"));
            Assert.That(container.GetProperty("HostConfig").GetProperty("Binds")[0].GetString(), Is.EqualTo("/tmp:/x:ro"));
            Assert.That(container.GetProperty("HostConfig").GetProperty("NetworkMode").GetString(), Is.EqualTo("none"));
            Assert.That(container.GetProperty("Mounts")[0].GetProperty("RW").GetBoolean(), Is.False);
            Assert.That(container.GetProperty("NetworkSettings").GetProperty("Networks").TryGetProperty("none", out _));
        });
        Assert.That(Docker("inspect", "nosuch").Exits(1).Stderr, Does.Contain("No such object: nosuch"));
    }

    [Test]
    public void Logs_are_followed_to_the_containers_end()
    {
        Docker("run", "-d", "--name", "talk", "--network", "none", "busybox", "sh", "-c", "echo a; echo b >&2; sleep 0.3; echo c").Ok();
        var followed = Docker("logs", "-f", "talk").Ok();
        Assert.That((followed.Stdout, followed.Stderr), Is.EqualTo(("a\nc\n", "b\n")));
        Assert.That(Docker("logs", "--tail", "1", "talk").Ok().Stdout, Is.EqualTo("c\n"));
        Assert.That(Docker("logs", "-t", "--tail", "1", "talk").Ok().Stdout, Does.Match(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z c\n$"));
        Assert.That(Docker("logs", "--since", "1h", "--until", "30m", "talk").Ok().Stdout, Is.Empty);
        Docker("rm", "talk").Ok();
    }

    [Test]
    public void Exec_has_its_own_streams_and_exit_code()
    {
        using Sleeper box = Sleeping("worker");
        Assert.That(Daemon.Docker("exec", "-i", "worker", "cat").Input("through").Run().Ok().Stdout, Is.EqualTo("through"));
        Docker("exec", "worker", "sh", "-c", "exit 7").Exits(7);
        Assert.That(Docker("exec", "worker", "nosuch").Exits(127).Stdout, Does.Contain("executable file not found"));
        Docker("exec", "-d", "worker", "touch", "/tmp/detached").Ok();
        Eventually.True(() => Docker("exec", "worker", "test", "-f", "/tmp/detached").ExitCode == 0, "the detached exec did nothing");
        Assert.That(Typing("/ # ", "stty size; exit 5\n", "exec -it worker sh").Exits(5).Stdout, Does.Contain("33 99"));
    }

    [Test]
    public void A_terminal_has_its_size_and_ctrl_p_ctrl_q_leaves_the_container_running()
    {
        Assert.That(Typing("", "", "run --rm -it --network none busybox stty size").Ok().Stdout, Does.Contain("33 99"));
        Typing("/ # ", "\u0010\u0011", "run -it --name left --network none busybox sh");
        Assert.That(Docker("inspect", "-f", "{{.State.Running}} {{.Config.Tty}}", "left").Ok().Text, Is.EqualTo("true true"));
        Assert.That(Typing("", "echo $((40+2))\nexit 9\n", "attach left").Exits(9).Stdout, Does.Contain("42"));
        Docker("rm", "left").Ok();
    }

    [Test]
    public void A_container_without_stdin_once_survives_the_end_of_an_attach()
    {
        Docker("run", "-di", "--name", "fed", "--network", "none", "busybox", "sh", "-c", "read a; echo got $a; sleep 100000").Ok();
        using (Process attached = Daemon.Docker("attach", "fed").Start())
        {
            attached.StandardInput.Write("bread\n");
            attached.StandardInput.Close(); // the daemon ends the attach; the client goes on to wait for the container
            Eventually.True(() => Docker("logs", "fed").Ok().Stdout == "got bread\n", "what was typed has not arrived");
            attached.Kill();
        }

        Assert.That(Docker("inspect", "-f", "{{.State.Running}}", "fed").Ok().Text, Is.EqualTo("true"));
        Docker("rm", "-f", "fed").Ok();
    }

    [Test]
    public void Images_are_tagged_saved_removed_and_loaded()
    {
        string archive = Path.Combine(Paths.Work, "saved.tar");
        Docker("tag", "busybox", "shop/cake:1").Ok();
        Assert.That(Docker("images", "--filter", "reference=shop/*", "--format", "{{.Repository}}:{{.Tag}}").Ok().Text, Is.EqualTo("shop/cake:1"));
        Docker("save", "-o", archive, "shop/cake:1").Ok();
        Assert.That(Docker("rmi", "shop/cake:1").Ok().Text, Is.EqualTo("Untagged: shop/cake:1"));
        Assert.That(Docker("rmi", "shop/cake:1").Exits(1).Stderr, Does.Contain("No such image"));
        Assert.That(Docker("load", "-i", archive).Ok().Text, Is.EqualTo("Loaded image: shop/cake:1"));
        Assert.That(Docker("image", "inspect", "-f", "{{.Os}} {{.Id}}", "shop/cake:1").Ok().Text, Does.Match("^linux sha256:[0-9a-f]{64}$"));
        Assert.That(Docker("history", "-q", "shop/cake:1").Ok().Lines, Is.Not.Empty);
        Docker("rmi", "shop/cake:1").Ok();
    }

    [Test]
    public void Volumes_are_made_listed_and_removed()
    {
        Docker("volume", "create", "--label", "k=v", "pantry").Ok();
        Docker("run", "--rm", "--network", "none", "-v", "pantry:/p", "busybox", "touch", "/p/flour").Ok();
        Assert.That(Docker("run", "--rm", "--network", "none", "-v", "pantry:/p", "busybox", "ls", "/p").Ok().Text, Is.EqualTo("flour"));
        Assert.That(Docker("volume", "ls", "-q", "--filter", "label=k", "--filter", "dangling=true").Ok().Text, Is.EqualTo("pantry"));
        Assert.That(Docker("volume", "inspect", "-f", "{{.Driver}} {{.Scope}}", "pantry").Ok().Text, Is.EqualTo("local local"));
        Docker("volume", "rm", "pantry").Ok();
        Docker("volume", "inspect", "pantry").Exits(1);
    }

    [Test]
    public void The_networks_that_every_daemon_has_are_bridge_host_and_none()
    {
        Assert.That(Docker("network", "ls", "--format", "{{.Name}} {{.Driver}}").Ok().Lines, Is.EqualTo(new[] { "bridge bridge", "host host", "none null" }));
        Assert.That(Docker("network", "rm", "none").Exits(1).Stderr, Does.Contain("cannot be removed"));
        Assert.That(Docker("network", "rm", "bridge").Exits(1).Stderr, Does.Contain("cannot be removed"));
        Docker("create", "--name", "astray", "--network", "nosuch", "busybox").Exits(1);
    }

    [Test]
    public void Events_tell_a_life_in_order()
    {
        string since = DateTimeOffset.UtcNow.ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        Docker("run", "--rm", "--name", "mayfly", "--network", "none", "busybox", "true").Ok();
        Eventually.True(() => Docker("ps", "-aq", "--filter", "name=mayfly").Ok().Text.Length == 0, "it is not removed");
        string until = DateTimeOffset.UtcNow.AddSeconds(1).ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        Assert.That(
            Docker("events", "--since", since, "--until", until, "--filter", "container=mayfly", "--format", "{{.Action}}").Ok().Lines.Where(a => a is not ("attach" or "resize")),
            Is.EqualTo(new[] { "create", "start", "die", "destroy" }));
    }

    [TestCase("1.24")]
    [TestCase("1.30")]
    [TestCase("1.41")]
    public void Older_clients_are_understood(string version)
    {
        Assert.That(Daemon.Docker("run", "--rm", "--network", "none", "busybox", "echo", "old").With("DOCKER_API_VERSION", version).Run().Ok().Text, Is.EqualTo("old"));
        Daemon.Docker("ps", "-a").With("DOCKER_API_VERSION", version).Run().Ok();
        Daemon.Docker("images").With("DOCKER_API_VERSION", version).Run().Ok();
    }

    [Test]
    public void Clients_that_vanish_leave_nothing_open()
    {
        using Sleeper box = Sleeping("popular", "-i");
        int before = OpenFiles();
        string[][] commands = [["logs", "-f", "popular"], ["attach", "popular"], ["attach", "--no-stdin", "popular"], ["wait", "popular"], ["events"]];
        Process[] clients = [.. commands.Concat(commands).Select(c => Daemon.Docker(c).Start())];
        Eventually.True(() => OpenFiles() >= before + clients.Length, () => $"{OpenFiles()} descriptors");
        foreach (Process client in clients)
        {
            client.Kill();
            client.Dispose();
        }

        Eventually.True(() => OpenFiles() <= before, () => $"{before} descriptors before, {OpenFiles()} after");
    }

    [Test]
    public void What_is_not_offered_says_so() =>
        Assert.That(Docker("stats", "--no-stream", "x").Exits(1).Stderr, Does.Contain("not offered by Bundt").Or.Contain("No such container"));

    // Not the roots and network namespaces that are made ahead for the next containers, whenever the daemon comes to it.
    private int OpenFiles() => Leaks.Descriptors(Daemon).Where(d => d.Key is not ("/" or "net")).Sum(d => d.Value);

    private sealed class Sleeper(DockerCliTests tests, string name) : IDisposable
    {
        public void Dispose() => tests.Docker("rm", "-f", name).Ok();
    }
}
