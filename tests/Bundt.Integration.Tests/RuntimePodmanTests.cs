using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>podman with bundt-runtime as its runtime. conmon is the subreaper here, and knows console sockets and pid files alone.</summary>
public sealed class RuntimePodmanTests : EngineTests
{
    private string _name = "";

    protected override string[] Programs => ["podman", "conmon"];

    [SetUp]
    public void Name() => _name = "c" + TestContext.CurrentContext.Test.ID;

    [TearDown]
    public void Remove() => Podman("rm", "-f", "-t", "0", "--all").Run().Ok();

    [Test]
    public void Output_and_exit_code_are_the_commands()
    {
        var result = Run("sh", "-c", "echo out; echo err >&2; exit 7").Run().Exits(7);
        Assert.That((result.Stdout, result.Stderr), Is.EqualTo(("out\n", "err\n")));
    }

    [TestCase("nosuch", 127, "executable file not found in $PATH")]
    [TestCase("/etc/passwd", 126, "permission denied")]
    public void A_command_that_cannot_run_has_the_code_that_podman_gives_it_by_our_words(string command, int code, string text)
    {
        Assert.That(Run(command).Run().Exits(code).Stderr, Does.Contain(text));
        Start(Waiter);
        Assert.That(Podman("exec", _name, command).Run().Exits(code).Stderr, Does.Contain(text));
    }

    [Test]
    public void A_container_lives_through_everything_that_podman_can_do_to_it()
    {
        Start(Waiter);
        Assert.That(Inspect("{{.State.Status}} {{.OCIRuntime}}"), Is.EqualTo("running " + Runtime));
        Eventually.True(() => Podman("logs", _name).Run().Ok() is { Stdout: "out\n", Stderr: "err\n" }, "the log lacks a line");
        Assert.That(Podman("top", _name, "pid", "args").Run().Ok().Lines[1], Does.Match("^1 +sh -c"));
        Podman("pause", _name).Run().Ok();
        Assert.That(Inspect("{{.State.Status}}"), Is.EqualTo("paused"));
        Podman("unpause", _name).Run().Ok();
        Assert.That(Podman("stats", "--no-stream", "--format", "{{.Name}}", _name).Run().Ok().Text, Is.EqualTo(_name));
        Podman("stop", _name).Run().Ok();
        Assert.That(Inspect("{{.State.Status}} {{.State.ExitCode}}"), Is.EqualTo("exited 5"));
        Podman("start", _name).Run().Ok();
        var before = Inspect("{{.State.Pid}}");
        Podman("restart", _name).Run().Ok();
        Assert.That(Inspect("{{.State.Pid}}"), Is.Not.EqualTo(before));
        Podman("kill", _name).Run().Ok();
        Assert.That(Podman("wait", _name).Run().Ok().Text, Is.EqualTo("137"));
        var events = Podman("events", "--stream=false", "--filter", "container=" + _name, "--format", "{{.Status}}").Run().Ok().Lines;
        Assert.That(events, Is.SupersetOf(new[] { "create", "init", "start", "pause", "unpause", "died", "restart", "kill" }));
        Podman("rm", _name).Run().Ok();
    }

    [Test]
    public void An_exec_has_its_user_directory_environment_input_and_exit_code()
    {
        Start(Waiter);
        Assert.That(Podman("exec", "-u", "alice", "-w", "/tmp", "-e", "CAKE=bundt", _name, "sh", "-c", "id -un; pwd; echo $CAKE; exit 9").Run().Exits(9).Lines, Is.EqualTo(new[] { "alice", "/tmp", "bundt" }));
        Assert.That(Podman("exec", "-i", _name, "cat").Input("dough").Run().Ok().Stdout, Is.EqualTo("dough"));
        Podman("exec", "-d", _name, "touch", "/made").Run().Ok();
        Eventually.True(() => Podman("exec", _name, "test", "-e", "/made").Run().ExitCode == 0, "the detached exec has made nothing");
    }

    [Test]
    public void Terminals_are_the_containers_and_the_execs_own()
    {
        string[] script = ["sh", "-c", Terminals];
        Assert.That(Terminal(["run", "--rm", "--network", "none", "-it", "busybox-one", .. script]), Does.Contain("/dev/pts/0\r\nall\r\n"));
        Start(Waiter);
        Assert.That(Terminal(["exec", "-it", _name, .. script]), Does.Contain("/dev/pts/0\r\nall\r\n"));
    }

    [Test]
    public void Attach_gives_and_takes_the_containers_streams()
    {
        Podman("create", "-i", "--name", _name, "--network", "none", "busybox-one", "sh", "-c", "read x; echo got $x; exit 3").Run().Ok();
        Assert.That(Podman("start", "-ai", _name).Input("eggs\n").Run().Exits(3).Stdout, Is.EqualTo("got eggs\n"));
    }

    [Test]
    public void What_confines_a_container_reaches_it()
    {
        var shown = Podman(
            "run", "--rm", "--network", "none", "--user", "alice", "--read-only", "--tmpfs", "/t:mode=1777", "-v", Host.Directory + ":/m:ro", "--cap-drop", "all",
            "--security-opt", "no-new-privileges", "--hostname", "cake", "--ulimit", "nofile=100:100", "--sysctl", "net.ipv4.ip_forward=1", "busybox-one", "sh", "-c",
            """
            id -un; hostname; ulimit -n; cat /proc/sys/net/ipv4/ip_forward; touch /t/x && ls /t
            touch /x 2>/dev/null || echo read-only; touch /m/x 2>/dev/null || echo bind read-only
            grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
            """).Run().Ok().Lines;
        Assert.That(shown, Is.EqualTo(new[]
        {
            "alice", "cake", "100", "1", "x", "read-only", "bind read-only",
            "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
        }));
    }

    [Test]
    public void A_container_joins_anothers_namespaces_and_has_a_user_namespace_of_its_own()
    {
        Start("exec sleep 1000");
        Assert.That(Run(["--pid", "container:" + _name], "ps").Run().Ok().Stdout, Does.Contain("sleep 1000"));
        Assert.That(Run(["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"], "cat", "/proc/self/uid_map").Run().Ok().Text, Does.Match("^ +0 +100000 +65536$"));
    }

    [Test]
    public void A_limit_holds_or_is_refused_and_never_dropped()
    {
        var result = Run(["--pids-limit", "77"], "cat", "/sys/fs/cgroup/pids.max").Run();
        if (Host.HasController("pids"))
        {
            Assert.That(result.Ok().Text, Is.EqualTo("77"));
        }
        else
        {
            Assert.That(result.Exits(126).Stderr, Does.Contain("has no pids controller"));
        }
    }

    [Test]
    public void A_health_check_is_an_exec()
    {
        Podman("run", "-d", "--name", _name, "--network", "none", "--health-cmd", "test -e /baked", "--health-interval", "disable", "busybox-one", "sleep", "1000").Run().Ok();
        Podman("healthcheck", "run", _name).Run().Exits(1);
        Podman("exec", _name, "touch", "/baked").Run().Ok();
        Podman("healthcheck", "run", _name).Run().Ok();
        Assert.That(Inspect("{{.State.Health.Status}}"), Is.EqualTo("healthy"));
    }

    [Test]
    public void A_container_that_fails_is_restarted()
    {
        Podman("run", "-d", "--name", _name, "--restart", "on-failure:2", "--network", "none", "busybox-one", "sh", "-c", "exit 3").Run().Ok();
        Eventually.True(() => Inspect("{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}") == "2 exited 3", () => Inspect("{{json .State}}"), 30);
    }

    protected override void Prepare()
    {
        // The default limit of pids would need a controller that a hybrid host does not have. A podman of one's own has its helpers beside it.
        var here = Path.GetDirectoryName(new Command("/bin/sh", "-c", "command -v podman").Run().Ok().Text);
        File.WriteAllText(Path.Combine(Host.Directory, "containers.conf"), $"""
            [containers]
            pids_limit = 0
            log_driver = "k8s-file"
            [engine]
            events_logger = "file"
            helper_binaries_dir = ["{here}", "/usr/libexec/podman", "/usr/lib/podman"]

            """);
        Podman("load", "-i", Image).Run().Ok();
    }

    protected override void Check() => Host.NothingIsLeft("bundt-runtime");

    private Command Podman(params IEnumerable<string> arguments) => Host.Command("podman", [.. Options(), .. arguments]).With("CONTAINERS_CONF", Path.Combine(Host.Directory, "containers.conf"));

    private string Terminal(IEnumerable<string> arguments) =>
        Host.Terminal("podman", [.. Options(), .. arguments]).With("CONTAINERS_CONF", Path.Combine(Host.Directory, "containers.conf")).Run().Ok().Stdout;

    private Command Run(params IEnumerable<string> command) => Run([], command);

    private Command Run(string[] options, params IEnumerable<string> command) =>
        Podman(["run", "--rm", "--network", "none", .. options, "busybox-one", .. command]);

    private void Start(string script) => Podman("run", "-d", "--name", _name, "--network", "none", "busybox-one", "sh", "-c", script).Run().Ok();

    private string Inspect(string format) => Podman("inspect", "-f", format, _name).Run().Ok().Text;

    private string[] Options() =>
    [
        "--root", Path.Combine(Host.Directory, "storage"), "--runroot", "/run/podman", "--tmpdir", "/run/libpod", "--storage-driver", "overlay",
        "--runtime", Runtime, "--cgroup-manager", "cgroupfs",
    ];
}
