using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>bundt exec: a second process in a running container.</summary>
public sealed class ExecTests : DaemonTests
{
    [OneTimeSetUp]
    public void StartContainer() =>
        Bundt("run", "-d", "--name", "box", "--network", "none", "-e", "FROM_RUN=1", "-w", "/tmp", "--hostname", "pan", "busybox", "sleep", "100000").Ok();

    private Result Exec(params string[] arguments) => Bundt(["exec", .. arguments]);

    [Test]
    public void It_joins_all_namespaces_of_the_container() =>
        Assert.That(Exec("box", "sh", "-c", "hostname; cat /proc/1/comm; for n in ipc mnt net pid uts cgroup; do [ $(readlink /proc/1/ns/$n) = $(readlink /proc/self/ns/$n) ] || echo differs $n; done").Ok().Lines, Is.EqualTo(new[] { "pan", "sleep" }));

    [Test]
    public void Output_comes_back_on_the_stream_it_was_written_to()
    {
        var result = Exec("box", "sh", "-c", "echo out; echo err >&2").Ok();
        Assert.That((result.Stdout, result.Stderr), Is.EqualTo(("out\n", "err\n")));
    }

    [TestCase("exit 0", 0)]
    [TestCase("exit 7", 7)]
    [TestCase("kill -9 $$", 137)]
    [TestCase("kill -15 $$", 143)]
    public void The_exit_code_is_the_commands(string script, int code) => Exec("box", "sh", "-c", script).Exits(code);

    [Test]
    public void A_missing_command_gives_127() => Assert.That(Exec("box", "nosuchcommand").Exits(127).Stderr, Does.Contain("nosuchcommand"));

    [Test]
    public void A_file_that_is_not_executable_gives_126() => Exec("box", "/etc/passwd").Exits(126);

    [Test]
    public void Environment_user_and_directory_are_the_containers_unless_given()
    {
        Assert.That(Exec("box", "sh", "-c", "echo $FROM_RUN $PWD $(id -u)").Ok().Text, Is.EqualTo("1 /tmp 0"));
        Assert.That(Exec("-e", "MORE=2", "-w", "/home/alice", "-u", "alice", "box", "sh", "-c", "echo $FROM_RUN $MORE $PWD $(id -u) $HOME").Ok().Text, Is.EqualTo("1 2 /home/alice 1000 /home/alice"));
    }

    [Test]
    public void Stdin_goes_in_with_i_only()
    {
        Assert.That(Daemon.Bundt("exec", "-i", "box", "wc", "-c").Input(new byte[200_000]).Run().Ok().Text.Trim(), Is.EqualTo("200000"));
        Assert.That(Daemon.Bundt("exec", "box", "wc", "-c").Input("not for you").Run().Ok().Text.Trim(), Is.EqualTo("0"));
    }

    [Test]
    public void A_terminal_has_the_clients_size()
    {
        var text = Daemon.Terminal("", "exec", "-it", "box", "sh", "-c", "stty size; tty").Run().Ok().Stdout;
        Assert.That(text, Does.Contain("33 99").And.Contain("/dev/pts/"));
    }

    [Test]
    public void A_container_that_may_trace_sees_nothing_of_the_host_in_an_exec()
    {
        var canary = Path.Combine(Paths.Work, "exec-canary");
        File.WriteAllText(canary, "the host's");
        Bundt(
            "run", "-d", "--name", "tracer", "--network", "none", "--cap-add", "SYS_PTRACE", "busybox", "sh", "-c",
            $"echo ready; while :; do for p in /proc/[0-9]*; do [ -e $p/root{canary} ] && echo $p reaches the host; done; done").Ok();
        Eventually.True(() => Bundt("logs", "tracer").Stdout.Length > 0, "it does not run");
        for (var round = 0; round < 60; round++)
        {
            Exec("tracer", "true").Ok();
        }

        Assert.That(Exec("-u", "1000:1000", "tracer", "sh", "-c", "id -u; id -g; grep -E '^(CapEff|Seccomp):' /proc/self/status; ls /proc/self/fd | wc -l; exit 3").Exits(3).Lines,
            Is.EqualTo(new[] { "1000", "1000", "CapEff:\t0000000000000000", "Seccomp:\t2", "4" }));
        Exec("tracer", "nosuchcommand").Exits(127);
        Exec("tracer", "/etc/passwd").Exits(126);
        Assert.That(Daemon.Terminal("", "exec", "-it", "tracer", "sh", "-c", "stty size; tty; echo into the terminal > /dev/tty").Run().Ok().Stdout,
            Does.Contain("33 99").And.Contain("/dev/pts/").And.Contain("into the terminal"));
        Assert.That(Bundt("logs", "tracer").Ok().Text, Is.EqualTo("ready"));
        Bundt("rm", "-f", "tracer").Ok();
    }

    [Test]
    public void Detached_it_goes_on_by_itself()
    {
        Exec("-d", "box", "sh", "-c", "sleep 0.1; echo done > /tmp/detached").Ok();
        Eventually.True(() => Exec("box", "cat", "/tmp/detached").Text == "done", "the detached command has not written its file");
    }

    [Test]
    public void Its_capabilities_and_filter_are_the_containers() =>
        Assert.That(Exec("box", "grep", "-E", "^(CapEff|CapBnd|Seccomp):", "/proc/self/status").Ok().Stdout, Is.EqualTo("CapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nSeccomp:\t2\n"));

    [Test]
    public void Privileged_it_gets_more_than_the_container() =>
        Assert.That(Exec("--privileged", "box", "grep", "CapEff", "/proc/self/status").Ok().Text, Does.Not.EndWith("00000000a80425fb"));

    [Test]
    public void Only_stdio_is_open() => Assert.That(Exec("box", "sh", "-c", "ls /proc/$$/fd; true").Ok().Lines, Is.EqualTo(new[] { "0", "1", "2" }));

    [Test]
    public void In_a_stopped_container_it_is_refused()
    {
        Bundt("run", "--name", "ended", "--network", "none", "busybox", "true").Ok();
        Assert.That(Exec("ended", "true").Exits(125).Stderr, Does.Contain("not running"));
    }

    [Test]
    public void A_signal_to_the_client_reaches_the_command()
    {
        using var client = Daemon.Bundt("exec", "box", "sh", "-c", "trap 'exit 9' INT; echo ready; while :; do sleep 0.05; done").Start();
        Assert.That(client.StandardOutput.ReadLine(), Is.EqualTo("ready"));
        new Command("/bin/kill", "-INT", $"{client.Id}").Run().Ok();
        Assert.That(client.WaitForExit(10000), Is.True);
        Assert.That(client.ExitCode, Is.EqualTo(9));
    }

    [Test]
    public void An_exit_is_reported_even_if_a_descendant_holds_the_pipe()
    {
        var result = Daemon.Bundt("exec", "box", "sh", "-c", "sleep 30 & echo out; exit 4").Within(10).Run().Exits(4);
        Assert.That(result.Stdout, Is.EqualTo("out\n"));
    }

    [Test]
    public void A_hundred_in_a_row_leave_nothing()
    {
        Exec("box", "true").Ok();
        var before = Leaks.AtRest(Daemon);
        for (var i = 0; i < 100; i++)
        {
            Exec("box", "true").Ok();
        }
        Leaks.Settle(Daemon, before);
    }
}
