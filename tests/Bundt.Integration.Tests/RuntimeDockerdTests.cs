using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>dockerd with bundt-runtime as its default runtime.</summary>
public sealed class RuntimeDockerdTests : EngineTests
{
    private string _name = "";

    protected override string[] Programs => DockerEngine.Programs;

    [SetUp]
    public void Name() => _name = "c" + TestContext.CurrentContext.Test.ID;

    [TearDown]
    public void Remove() => Docker("rm", "-f", _name).Run();

    [Test]
    public void Output_and_exit_code_are_the_commands()
    {
        var result = Run([], "sh", "-c", "echo out; echo err >&2; exit 7").Exits(7);
        Assert.That((result.Stdout, result.Stderr), Is.EqualTo(("out\n", "err\n")));
    }

    [TestCase("nosuch", 127, "executable file not found in $PATH")]
    [TestCase("/etc/passwd", 126, "permission denied")]
    public void A_command_that_cannot_run_has_the_code_that_dockerd_gives_it_by_our_words(string command, int code, string text)
    {
        Assert.That(Run([], command).Exits(code).Stderr, Does.Contain(text));
        Start(Waiter);
        var exec = Docker("exec", _name, command).Run();
        Assert.That(exec.Stdout + exec.Stderr, Does.Contain(text));
        Assert.That(exec.ExitCode, Is.AnyOf(126, code), "dockerd 20.10 does not tell the two apart");
    }

    [Test]
    public void A_container_lives_through_everything_that_docker_can_do_to_it()
    {
        Start(Waiter);
        Assert.That(Inspect("{{.State.Status}} {{.HostConfig.Runtime}}"), Is.EqualTo("running bundt"));
        Eventually.True(() => Docker("logs", _name).Run().Ok() is { Stdout: "out\n", Stderr: "err\n" }, "the log lacks a line");
        Assert.That(Docker("top", _name, "-o", "pid,args").Run().Ok().Lines[1], Does.Match("^[0-9]+ +sh -c"));
        Docker("pause", _name).Run().Ok();
        Assert.That(Inspect("{{.State.Status}}"), Is.EqualTo("paused"));
        Docker("unpause", _name).Run().Ok();
        Assert.That(Docker("stats", "--no-stream", "--format", "{{.Name}}", _name).Run().Ok().Text, Is.EqualTo(_name));
        Docker("update", "--restart", "no", _name).Run().Ok();
        Docker("stop", _name).Run().Ok();
        Assert.That(Inspect("{{.State.Status}} {{.State.ExitCode}}"), Is.EqualTo("exited 5"));
        Docker("start", _name).Run().Ok();
        var before = Inspect("{{.State.Pid}}");
        Docker("restart", _name).Run().Ok();
        Assert.That(Inspect("{{.State.Pid}}"), Is.Not.EqualTo(before));
        Docker("kill", _name).Run().Ok();
        Assert.That(Docker("wait", _name).Run().Ok().Text, Is.EqualTo("137"));
        var events = Docker("events", "--since", "1h", "--until", $"{DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 1}", "--filter", "container=" + _name, "--format", "{{.Action}}").Run().Ok().Lines;
        Assert.That(events, Is.SupersetOf(new[] { "create", "start", "pause", "unpause", "update", "stop", "die", "restart", "kill" }));
        Docker("rm", _name).Run().Ok();
    }

    [Test]
    public void An_exec_has_its_user_directory_environment_input_and_exit_code()
    {
        Start(Waiter);
        Assert.That(Docker("exec", "-u", "alice", "-w", "/tmp", "-e", "CAKE=bundt", _name, "sh", "-c", "id -un; pwd; echo $CAKE; exit 9").Run().Exits(9).Lines, Is.EqualTo(new[] { "alice", "/tmp", "bundt" }));
        Assert.That(Docker("exec", "-i", _name, "cat").Input("dough").Run().Ok().Stdout, Is.EqualTo("dough"));
        Docker("exec", "-d", _name, "touch", "/made").Run().Ok();
        Eventually.True(() => Docker("exec", _name, "test", "-e", "/made").Run().ExitCode == 0, "the detached exec has made nothing");
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
        Docker("create", "-i", "--name", _name, "--network", "none", "busybox-one", "sh", "-c", "read x; echo got $x; exit 3").Run().Ok();
        Assert.That(Docker("start", "-ai", _name).Input("eggs\n").Run().Exits(3).Stdout, Is.EqualTo("got eggs\n"));
    }

    [Test]
    public void What_confines_a_container_reaches_it()
    {
        var shown = Run(
            [
                "--user", "alice", "--read-only", "--tmpfs", "/t:mode=1777", "-v", Host.Directory + ":/m:ro", "--cap-drop", "all", "--security-opt", "no-new-privileges",
                "--hostname", "cake", "--ulimit", "nofile=100:100", "--sysctl", "net.ipv4.ip_forward=1", "--group-add", "33", "--oom-score-adj", "100",
            ],
            "sh", "-c",
            """
            id -un; id -G; hostname; ulimit -n; cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj; touch /t/x && ls /t
            touch /x 2>/dev/null || echo read-only; touch /m/x 2>/dev/null || echo bind read-only
            grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status
            """).Ok().Lines;
        Assert.That(shown, Is.EqualTo(new[]
        {
            "alice", "1000 33", "cake", "100", "1", "100", "x", "read-only", "bind read-only",
            "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
        }));
    }

    [Test]
    public void A_container_joins_anothers_namespaces_and_an_init_stands_in_front()
    {
        Start("exec sleep 1000");
        Assert.That(Run(["--pid", "container:" + _name], "ps").Ok().Stdout, Does.Contain("sleep 1000"));
        Assert.That(Run(["--init"], "cat", "/proc/1/cmdline").Ok().Stdout, Does.Contain("docker-init"));
        Assert.That(Run(["--privileged"], "sh", "-c", "mount -t tmpfs none /tmp && echo mounted").Ok().Text, Is.EqualTo("mounted"));
    }

    [Test]
    public void A_limit_holds()
    {
        if (!Host.HasController("pids"))
        {
            Assert.Ignore("dockerd drops the limit by itself where cgroup v2 has no pids controller");
        }

        Assert.That(Run(["--pids-limit", "77"], "cat", "/sys/fs/cgroup/pids.max").Ok().Text, Is.EqualTo("77"));
    }

    [Test]
    public void A_health_check_runs_by_itself()
    {
        Docker("run", "-d", "--name", _name, "--network", "none", "--health-cmd", "test -e /baked", "--health-interval", "200ms", "--health-retries", "1", "busybox-one", "sleep", "1000").Run().Ok();
        Eventually.True(() => Inspect("{{.State.Health.Status}}") == "unhealthy", () => Inspect("{{json .State.Health}}"));
        Docker("exec", _name, "touch", "/baked").Run().Ok();
        Eventually.True(() => Inspect("{{.State.Health.Status}}") == "healthy", () => Inspect("{{json .State.Health}}"));
    }

    [Test]
    public void A_container_that_fails_is_restarted()
    {
        Docker("run", "-d", "--name", _name, "--restart", "on-failure:2", "--network", "none", "busybox-one", "sh", "-c", "exit 3").Run().Ok();
        Eventually.True(() => Inspect("{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}") == "2 exited 3", () => Inspect("{{json .State}}"), 30);
    }

    protected override void Prepare() => DockerEngine.Start(Host, Image);

    protected override void Check() => Host.NothingIsLeft(DockerEngine.State);

    private Command Docker(params IEnumerable<string> arguments) => DockerEngine.Docker(Host, arguments);

    private string Terminal(IEnumerable<string> arguments) => DockerEngine.Terminal(Host, arguments).Run().Ok().Stdout;

    private Result Run(string[] options, params IEnumerable<string> command) => Docker(["run", "--rm", "--network", "none", .. options, "busybox-one", .. command]).Run();

    private void Start(string script) => Docker("run", "-d", "--name", _name, "--network", "none", "busybox-one", "sh", "-c", script).Run().Ok();

    private string Inspect(string format) => Docker("inspect", "-f", format, _name).Run().Ok().Text;
}
