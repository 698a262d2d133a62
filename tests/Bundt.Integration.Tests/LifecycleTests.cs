using System.Text.Json;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>The states of a container and what moves it between them.</summary>
public sealed class LifecycleTests : DaemonTests
{
    private const string Obedient = "trap 'exit 3' TERM; trap 'exit 4' USR1; echo ready; while :; do sleep 0.02; done";

    private string Status(string name) => Inspect(name).GetProperty("State").GetProperty("Status").GetString()!;

    private JsonElement Inspect(string name) => JsonDocument.Parse(Bundt("inspect", name).Ok().Stdout).RootElement[0];

    /// <summary>Starts a container in the background and waits until its script has said "ready", if it says so: its traps are set then.</summary>
    private void Start(string name, string script = Obedient, params string[] options)
    {
        Bundt(["run", "-d", "--name", name, "--network", "none", .. options, "busybox", "sh", "-c", script]).Ok();
        if (script.Contains("echo ready", StringComparison.Ordinal))
        {
            Eventually.True(() => Bundt("logs", name).Stdout.Contains("ready\n", StringComparison.Ordinal), () => $"{Bundt("logs", name)}");
        }
    }

    [Test]
    public void Create_start_wait_and_remove()
    {
        var id = Bundt("create", "--name", "steps", "--network", "none", "busybox", "sh", "-c", "exit 6").Ok().Text;
        Assert.That(id, Does.Match("^[0-9a-f]{64}$"));
        Assert.That(Status("steps"), Is.EqualTo("created"));
        Assert.That(Bundt("start", "steps").Ok().Text, Is.EqualTo("steps"));
        Assert.That(Bundt("wait", "steps").Ok().Text, Is.EqualTo("6"));
        Assert.That((Status("steps"), Inspect("steps").GetProperty("State").GetProperty("ExitCode").GetInt32()), Is.EqualTo(("exited", 6)));
        Bundt("rm", "steps").Ok();
        Assert.That(Bundt("inspect", "steps").Exits(125).Stderr, Does.Contain("steps").IgnoreCase);
    }

    [Test]
    public void Start_with_a_attaches_and_gives_the_exit_code()
    {
        Bundt("create", "--name", "attached", "--network", "none", "busybox", "sh", "-c", "echo hello; exit 8").Ok();
        Assert.That(Bundt("start", "-a", "attached").Exits(8).Stdout, Is.EqualTo("hello\n"));
        Assert.That(Bundt("start", "-a", "attached").Exits(8).Stdout, Is.EqualTo("hello\n"), "a second life");
        Assert.That(Bundt("logs", "attached").Ok().Stdout, Is.EqualTo("hello\nhello\n"));
    }

    [Test]
    public void Stop_sends_the_stop_signal()
    {
        Start("obeys");
        Bundt("stop", "obeys").Ok();
        Assert.That(Bundt("wait", "obeys").Ok().Text, Is.EqualTo("3"));
        Start("obeysusr1", Obedient, "--stop-signal", "USR1");
        Bundt("stop", "obeysusr1").Ok();
        Assert.That(Bundt("wait", "obeysusr1").Ok().Text, Is.EqualTo("4"));
    }

    [Test]
    public void Stop_kills_what_does_not_obey_after_the_timeout()
    {
        Start("deaf", "trap '' TERM; echo ready; while :; do sleep 0.02; done");
        var result = Bundt("stop", "-t", "1", "deaf").Ok();
        Assert.That(result.Time.TotalSeconds, Is.InRange(0.9, 6));
        Assert.That(Bundt("wait", "deaf").Ok().Text, Is.EqualTo("137"));
    }

    [Test]
    public void Kill_sends_any_signal()
    {
        Start("killed");
        Bundt("kill", "-s", "USR1", "killed").Ok();
        Assert.That(Bundt("wait", "killed").Ok().Text, Is.EqualTo("4"));
        Start("killed9");
        Bundt("kill", "killed9").Ok();
        Assert.That(Bundt("wait", "killed9").Ok().Text, Is.EqualTo("137"));
        Assert.That(Bundt("kill", "killed9").Exits(125).Stderr, Does.Contain("not running"));
    }

    [Test]
    public void Pause_stops_the_clock_of_its_processes()
    {
        Start("paused", "i=0; while :; do i=$((i+1)); echo $i > /tmp/i; done");
        Bundt("pause", "paused").Ok();
        Assert.That(Status("paused"), Is.EqualTo("paused"));
        Assert.That(Bundt("ps", "--filter", "name=paused", "--format", "{{.Status}}").Ok().Text, Does.Contain("(Paused)"));
        Bundt("unpause", "paused").Ok();
        Assert.That(Status("paused"), Is.EqualTo("running"));
        Bundt("rm", "-f", "paused").Ok();
    }

    [Test]
    public void Restart_is_a_new_life_on_the_same_files()
    {
        Start("again", "date +%s%N >> /lives; " + Obedient);
        Eventually.True(() => Bundt("exec", "again", "cat", "/lives").Lines.Length == 1, "the first life has not written");
        Bundt("restart", "again").Ok();
        Eventually.True(() => Bundt("exec", "again", "cat", "/lives").Lines.Length == 2, "the second life has not written");
        Bundt("rm", "-f", "again").Ok();
    }

    [Test]
    public void Names_are_unique_and_can_be_changed()
    {
        Bundt("create", "--name", "taken", "busybox", "true").Ok();
        Assert.That(Bundt("create", "--name", "taken", "busybox", "true").ExitCode, Is.Not.Zero);
        Bundt("rename", "taken", "given").Ok();
        Bundt("create", "--name", "taken", "busybox", "true").Ok();
        Bundt("rm", "taken", "given").Ok();
    }

    [Test]
    public void A_prefix_of_the_id_names_a_container()
    {
        var id = Bundt("create", "busybox", "true").Ok().Text;
        Assert.That(Inspect(id[..12]).GetProperty("Id").GetString(), Is.EqualTo(id));
        Bundt("rm", id[..12]).Ok();
    }

    [Test]
    public void A_running_container_is_removed_only_by_force()
    {
        Start("stubborn");
        Assert.That(Bundt("rm", "stubborn").Exits(125).Stderr, Does.Contain("stubborn").Or.Contain("running"));
        Bundt("rm", "-f", "stubborn").Ok();
    }

    [Test]
    public void Ps_lists_and_filters()
    {
        Start("lister", Obedient, "--label", "kind=cake");
        Bundt("run", "--name", "listed", "--network", "none", "--label", "kind=pan", "busybox", "sh", "-c", "exit 3").Exits(3);
        Assert.That(Bundt("ps", "--format", "{{.Names}}").Ok().Lines, Does.Contain("lister").And.Not.Contain("listed"));
        Assert.That(Bundt("ps", "-a", "--format", "{{.Names}}").Ok().Lines, Is.SupersetOf(new[] { "lister", "listed" }));
        Assert.That(Bundt("ps", "-a", "--filter", "label=kind=pan", "--format", "{{.Names}}").Ok().Text, Is.EqualTo("listed"));
        Assert.That(Bundt("ps", "-a", "--filter", "exited=3", "--filter", "name=listed", "--format", "{{.Names}} {{.Status}}").Ok().Text, Does.StartWith("listed Exited (3) "));
        Assert.That(Bundt("ps", "-aq", "--no-trunc", "--filter", "name=lister").Ok().Text, Does.Match("^[0-9a-f]{64}$"));
        Assert.That(Bundt("ps").Ok().Lines[0], Does.Match(@"^CONTAINER ID\s+IMAGE\s+COMMAND\s+CREATED\s+STATUS\s+PORTS\s+NAMES$"));
        Assert.That(JsonDocument.Parse(Bundt("ps", "--filter", "name=lister", "--format", "json").Ok().Text).RootElement.GetProperty("Names").GetString(), Is.EqualTo("lister"));
        Bundt("rm", "-f", "lister", "listed").Ok();
    }

    [Test]
    public void Attach_shows_what_comes_and_passes_stdin()
    {
        Bundt("run", "-d", "-i", "--name", "talk", "--network", "none", "busybox", "sh", "-c", "while read l; do echo got $l; [ $l = end ] && exit 2; done").Ok();
        // As with docker, the end of this client's stdin would end its whole attach, for the container's stdin is to outlive it.
        using var client = Daemon.Bundt("attach", "talk").Start();
        client.StandardInput.Write("one\nend\n");
        client.StandardInput.Flush();
        Assert.That(client.StandardOutput.ReadToEnd(), Is.EqualTo("got one\ngot end\n"));
        Assert.That(client.WaitForExit(10000), Is.True);
        Assert.That(client.ExitCode, Is.EqualTo(2));
    }

    [Test]
    public void The_detach_keys_leave_the_container_running()
    {
        using var client = Daemon.Terminal("", "run", "-it", "--name", "detached", "--network", "none", "busybox", "sh", "-c", Obedient).Start();
        string? line;
        do
        {
            line = client.StandardOutput.ReadLine();
        }
        while (line is not null && !line.Contains("ready", StringComparison.Ordinal));
        client.StandardInput.Write("\x10\x11");
        client.StandardInput.Flush();
        Assert.That(client.WaitForExit(10000), Is.True, "the client has not let go");
        Assert.That(Status("detached"), Is.EqualTo("running"));
        Bundt("rm", "-f", "detached").Ok();
    }

    [Test]
    public void Rm_takes_the_container_away_at_its_end()
    {
        var id = Bundt("run", "-d", "--rm", "--network", "none", "busybox", "true").Ok().Text;
        Eventually.True(() => !Bundt("ps", "-aq", "--no-trunc").Ok().Stdout.Contains(id, StringComparison.Ordinal), "the container is still listed");
    }

    [Test]
    public void Everything_survives_a_restart_of_the_daemon()
    {
        Start("survivor", "echo before; " + Obedient);
        Bundt("run", "--name", "past", "--network", "none", "busybox", "sh", "-c", "echo said; exit 9").Exits(9);
        Daemon.Stop();
        Daemon.Start();
        Assert.That((Status("survivor"), Status("past")), Is.EqualTo(("running", "exited")));
        Assert.That(Inspect("past").GetProperty("State").GetProperty("ExitCode").GetInt32(), Is.EqualTo(9));
        Assert.That(Bundt("logs", "past").Ok().Stdout, Is.EqualTo("said\n"));
        Assert.That(Bundt("exec", "survivor", "echo", "alive").Ok().Text, Is.EqualTo("alive"));
        Bundt("stop", "survivor").Ok();
        Assert.That(Bundt("wait", "survivor").Ok().Text, Is.EqualTo("3"));
        Bundt("rm", "survivor", "past").Ok();
    }
}
