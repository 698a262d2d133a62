using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>containerd with bundt-runtime as the runc of its shim, driven by ctr.</summary>
public sealed class RuntimeContainerdTests : EngineTests
{
    private const string Reference = "docker.io/library/busybox-one:latest";
    private string _name = "";

    protected override string[] Programs => ["containerd", "containerd-shim-runc-v2", "ctr"];

    private string Address => Path.Combine(Host.Directory, "s");

    [SetUp]
    public void Name() => _name = "c" + TestContext.CurrentContext.Test.ID;

    [TearDown]
    public void Remove()
    {
        Ctr("task", "rm", "-f", _name).Run();
        Ctr("container", "rm", _name).Run();
    }

    [Test]
    public void Output_and_exit_code_are_the_commands()
    {
        var result = Run(["--rm"], "sh", "-c", "echo out; echo err >&2; exit 7").Exits(7);
        Assert.That((result.Stdout, result.Stderr), Is.EqualTo(("out\n", "err\n")));
    }

    [TestCase("nosuch", "executable file not found in $PATH")]
    [TestCase("/etc/passwd", "permission denied")]
    public void A_command_that_cannot_run_is_explained_in_our_words(string command, string text)
    {
        Assert.That(Run([], command).Exits(1).Stderr, Does.Contain("OCI runtime create failed").And.Contain(text));
        Ctr("container", "rm", _name).Run();
        Run(["-d"], "sh", "-c", Waiter).Ok();
        Assert.That(Exec([], command).Exits(1).Stderr, Does.Contain("OCI runtime exec failed").And.Contain(text));
    }

    [Test]
    public void A_task_lives_through_everything_that_ctr_can_do_to_it()
    {
        Run(["-d"], "sh", "-c", Waiter).Ok();
        Assert.That(Status(), Is.EqualTo("RUNNING"));
        Assert.That(Ctr("task", "ps", _name).Run().Ok().Lines, Has.Length.GreaterThan(1));
        Ctr("task", "pause", _name).Run().Ok();
        Assert.That(Status(), Is.EqualTo("PAUSED"));
        Ctr("task", "resume", _name).Run().Ok();
        Assert.That(Ctr("task", "metrics", _name).Run().Ok().Stdout, Does.Contain("cpu.usage_usec"));
        Ctr("task", "kill", _name).Run().Ok();
        Eventually.True(() => Status() == "STOPPED", "it does not end on SIGTERM");
        Assert.That(Ctr("task", "rm", _name).Run().Ok().Stderr, Does.Contain("exit code 5"));
        Ctr("task", "start", "-d", _name).Run().Ok();
        Ctr("task", "kill", "-s", "KILL", _name).Run().Ok();
        Eventually.True(() => Status() == "STOPPED", "it does not end on SIGKILL");
        Assert.That(Ctr("task", "rm", _name).Run().Ok().Stderr, Does.Contain("exit code 137"));
    }

    [Test]
    public void Execs_that_end_at_once_are_all_heard_of()
    {
        Run(["-d"], "sh", "-c", Waiter).Ok();
        for (var round = 0; round < 10; round++)
        {
            Exec([], "sh", "-c", $"exit {round}").Exits(round);
        }
    }

    [Test]
    public void Terminals_are_the_containers_and_the_execs_own()
    {
        string[] script = ["sh", "-c", Terminals];
        Assert.That(Terminal(["run", "-t", "--rm", .. Options(), Reference, _name, .. script]), Does.Contain("/dev/pts/0\nall\n"));
        Run(["-d"], "sh", "-c", Waiter).Ok();
        Assert.That(Terminal(["task", "exec", "-t", "--exec-id", "e", _name, .. script]), Does.Contain("/dev/pts/0\nall\n"));
    }

    [Test]
    public void What_confines_a_container_reaches_it()
    {
        var shown = Run(
            ["--rm", "--read-only", "--seccomp", "--mount", $"type=bind,src={Host.Directory},dst=/m,options=rbind:ro", "--env", "CAKE=bundt", "--cwd", "/tmp", "--cap-drop", "CAP_CHOWN"],
            "sh", "-c", "pwd; echo $CAKE; touch /x 2>/dev/null || echo read-only; touch /m/x 2>/dev/null || echo bind read-only; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status").Ok().Lines;
        Assert.That(shown, Is.EqualTo(new[] { "/tmp", "bundt", "read-only", "bind read-only", "CapEff:\t00000000a80425fa", "NoNewPrivs:\t1", "Seccomp:\t2" }));
    }

    [Test]
    public void A_limit_holds_or_is_refused_and_never_dropped()
    {
        var result = Run(["--rm", "--memory-limit", "50000896"], "cat", "/sys/fs/cgroup/memory.max");
        if (Host.HasController("memory"))
        {
            Assert.That(result.Ok().Text, Is.EqualTo("50000896"));
        }
        else
        {
            Assert.That(result.Exits(1).Stderr, Does.Contain("has no memory controller"));
        }
    }

    protected override void Prepare()
    {
        var config = Path.Combine(Host.Directory, "config.toml");
        File.WriteAllText(config, $"""
            version = 2
            root = "{Host.Directory}/root"
            state = "/run/ctd"
            disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
            [grpc]
            address = "{Address}"
            """);
        Host.Start(() => Ctr("version").Run().ExitCode == 0, "containerd", "-c", config);
        Ctr("image", "import", Image).Run().Ok();
    }

    protected override void Check() => Host.NothingIsLeft("containerd/runc/default");

    private Command Ctr(params IEnumerable<string> arguments) => Host.Command("ctr", Arguments(arguments));

    private string[] Arguments(IEnumerable<string> arguments) => ["-a", Address, .. arguments];

    private string Terminal(IEnumerable<string> arguments) => Host.Terminal("ctr", Arguments(arguments)).Run().Ok().Stdout.Replace("\r", "", StringComparison.Ordinal);

    private static string[] Options() => ["--runtime", "io.containerd.runc.v2", "--runc-binary", Runtime];

    private Result Run(string[] options, params IEnumerable<string> command) => Ctr(["run", .. options, .. Options(), Reference, _name, .. command]).Run();

    private Result Exec(string[] options, params IEnumerable<string> command) => Ctr(["task", "exec", "--exec-id", Guid.NewGuid().ToString("N"), .. options, _name, .. command]).Run();

    private string Status() => Ctr("task", "ls").Run().Ok().Lines.Single(line => line.StartsWith(_name + " ", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1];
}
