using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>A client in the foreground goes on through a killed daemon: no byte lost or doubled, the right exit code, and what cannot be had is said.</summary>
public sealed class ResumeTests : DaemonTests
{
    /// <summary>Bound as /sync: containers wait for files there, so that what happens while no daemon is there is certain.</summary>
    private readonly string _sync = Directory.CreateDirectory(Path.Combine(Paths.Work, "sync")).FullName;

    /// <summary>Shell functions: seq numbers lines (and is no builtin of its own), await waits for a file.</summary>
    private const string Functions = "lines() { i=$1; while [ $i -lt $2 ]; do echo $i; i=$((i+1)); done; }; await() { until [ -e /sync/$1 ]; do sleep 0.02; done; }; ";

    private static string Lines(int from, int to) =>
        string.Concat(Enumerable.Range(from, to - from).Select(n => n.ToString(CultureInfo.InvariantCulture) + "\n"));

    [SetUp]
    public void EmptySync()
    {
        foreach (var file in Directory.EnumerateFiles(_sync))
        {
            File.Delete(file);
        }
    }

    private void Touch(string name) => File.WriteAllText(Path.Combine(_sync, name), "");

    private void Await(string name) => Eventually.True(() => File.Exists(Path.Combine(_sync, name)), $"the container has not made {name}", 30);

    /// <summary>Runs a client, kills the daemon when the client has shown a line, and starts the next daemon.</summary>
    /// <param name="arguments">Of bundt.</param>
    /// <param name="shown">The line.</param>
    /// <param name="absence">What happens while no daemon is there.</param>
    /// <param name="after">What happens then.</param>
    private Result Through(IEnumerable<string> arguments, string shown, Action absence, Action? after = null)
    {
        using var client = Daemon.Bundt(arguments).Start();
        try
        {
            var stderr = client.StandardError.ReadToEndAsync();
            var stdout = new StringBuilder();
            for (string? line = null; line != shown;)
            {
                line = client.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult();
                Assert.That(line, Is.Not.Null, () => $"ended before the line {shown}: {stdout}{stderr.Result}");
                stdout.Append(line).Append('\n');
            }

            Daemon.Kill();
            absence();
            Daemon.Start();
            after?.Invoke();
            stdout.Append(client.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult());
            Assert.That(client.WaitForExit(60_000), Is.True);
            return new Result(string.Join(' ', arguments), client.ExitCode, stdout.ToString(), stderr.Result, default);
        }
        finally
        {
            if (!client.HasExited)
            {
                client.Kill();
            }
        }
    }

    private string[] Run(string name, string script, params string[] options) =>
        ["run", "--name", name, "--network", "none", "-v", $"{_sync}:/sync", .. options, "busybox", "sh", "-c", Functions + script];

    private void InBackground(string name, string script, params string[] options) => Bundt(Run(name, script, ["-d", .. options])).Ok();

    private static long Lost(Result result, string stream = "stdout") =>
        Regex.Matches(result.Stderr, $@"^bundt: (\d+) bytes of {stream} are lost: ", RegexOptions.Multiline).Sum(m => long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));

    [Test]
    public void Run_goes_on_where_it_was_when_the_log_has_been_rotated_many_times()
    {
        // 240 KB of output, each of the two files holds 50.
        var result = Through(
            Run("rotated", "lines 0 40000; echo shown; await go; lines 40000 42000; exit 7", "--log-opt", "max-size=50k", "--log-opt", "max-file=2"),
            "shown", static () => { }, () => Touch("go"));
        Assert.That(result.Exits(7).Stdout, Is.EqualTo(Lines(0, 40000) + "shown\n" + Lines(40000, 42000)));
        Assert.That(Lost(result), Is.Zero);
    }

    [Test]
    public void What_was_rotated_away_before_the_client_came_back_is_said_to_the_byte()
    {
        var result = Through(
            Run("slow", "lines 0 100; echo shown; await go; lines 100 60000; : > /sync/done; exit 3", "--log-opt", "max-size=50k", "--log-opt", "max-file=2"),
            "shown",
            () =>
            {
                Touch("go");
                Await("done");
            });
        var all = Lines(0, 100) + "shown\n" + Lines(100, 60000);
        Assert.That(Lost(result.Exits(3)), Is.EqualTo(all.Length - result.Stdout.Length).And.GreaterThan(100_000));
        Assert.That(result.Stdout, Does.StartWith(Lines(0, 100) + "shown\n").And.EndsWith(Lines(59000, 60000)));
        Assert.That(all, Does.EndWith(result.Stdout[(Lines(0, 100) + "shown\n").Length..]));
    }

    [Test]
    public void Without_a_log_the_client_is_told_how_much_it_missed()
    {
        using var client = Daemon.Bundt(Run("nolog", "echo shown; await go; echo missed; echo missed too >&2; : > /sync/done; await end; echo seen; exit 4", "--log-driver", "none")).Start();
        string? Line(StreamReader reader) => reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult();
        Assert.That(Line(client.StandardOutput), Is.EqualTo("shown"));
        Daemon.Kill();
        Touch("go");
        Await("done");
        Daemon.Start();
        // Said when it is attached again: only then may more be written.
        List<string?> said = [];
        while (said.Count(l => l is null || l.Contains(" are lost: ", StringComparison.Ordinal)) < 2)
        {
            said.Add(Line(client.StandardError));
        }

        Assert.That(said, Has.Some.StartsWith("bundt: 7 bytes of stdout are lost").And.Some.StartsWith("bundt: 11 bytes of stderr are lost"));
        Touch("end");
        Assert.That((Line(client.StandardOutput), Line(client.StandardOutput)), Is.EqualTo(("seen", (string?)null)));
        client.WaitForExit();
        Assert.That(client.ExitCode, Is.EqualTo(4));
    }

    [Test]
    public void Without_a_log_and_a_container_the_client_is_told_that_it_may_have_missed_something()
    {
        var result = Through(
            Run("nothing", "echo shown; await go; echo missed; exit 4", "--log-driver", "none"),
            "shown",
            () =>
            {
                var before = Directory.GetFiles(Path.Combine(Daemon.Root, "containers"), "exit", SearchOption.AllDirectories).Length;
                Touch("go");
                Eventually.True(() => Directory.GetFiles(Path.Combine(Daemon.Root, "containers"), "exit", SearchOption.AllDirectories).Length > before, "no exit record");
            });
        Assert.That(result.Exits(4).Stdout, Is.EqualTo("shown\n"));
        Assert.That(result.Stderr, Does.Contain("output may be missing"));
    }

    /// <summary>A shell's loop that counts until the file go is there, and makes the file marked once the file gap is.</summary>
    private const string Count = "i=0; until [ -e /sync/go ]; do echo $i; i=$((i+1)); [ -e /sync/gap ] && : > /sync/marked; sleep 0.01; done; echo err >&2; exit 5";

    /// <summary>A client that joins a counting process must show every number from its first one on.</summary>
    private Result CountThrough(params string[] arguments)
    {
        using var client = Daemon.Bundt(arguments).Start();
        try
        {
            var stderr = client.StandardError.ReadToEndAsync();
            var first = client.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult();
            Assert.That(first, Does.Match(@"^\d+$"), () => $"{first}{stderr.Result}");
            Daemon.Kill();
            Touch("gap");
            Await("marked");
            Daemon.Start();
            Touch("go");
            var rest = client.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult();
            Assert.That(client.WaitForExit(60_000), Is.True);
            var from = int.Parse(first!, CultureInfo.InvariantCulture);
            var numbers = rest.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.That(numbers, Is.EqualTo(Enumerable.Range(from + 1, numbers.Length).Select(n => n.ToString(CultureInfo.InvariantCulture))));
            Assert.That(stderr.Result, Does.Contain("err\n").And.Not.Contain("lost:"));
            return new Result(string.Join(' ', arguments), client.ExitCode, rest, stderr.Result, default);
        }
        finally
        {
            if (!client.HasExited)
            {
                client.Kill();
            }
        }
    }

    [Test]
    public void Attach_shows_the_output_of_the_gap()
    {
        InBackground("attached", "lines 0 1000; : > /sync/ready; " + Count, "--log-opt", "max-size=4k", "--log-opt", "max-file=100");
        Await("ready");
        CountThrough("attach", "attached").Exits(5);
    }

    [Test]
    public void Start_attached_shows_its_own_life_and_the_output_of_the_gap()
    {
        Touch("go");
        Bundt(Run("lives", "if [ -e /sync/go ]; then lines 0 1000; fi; " + Count)).Exits(5);
        EmptySync();
        CountThrough("start", "-a", "lives").Exits(5);
    }

    [Test]
    public void Exec_goes_on_and_answers_the_exit_code()
    {
        InBackground("host", "await end");
        CountThrough("exec", "host", "sh", "-c", Count).Exits(5);
        var execs = Path.Combine(Daemon.Run, "containers", Bundt("inspect", "-f", "{{.Id}}", "host").Ok().Text);
        Eventually.True(() => Directory.GetDirectories(execs).Length == 0, "the exec's output is kept for ever");
        Touch("end");
        Bundt("wait", "host").Ok();
    }

    [Test]
    public void An_exec_that_ends_while_no_daemon_is_there_is_told_with_all_its_output()
    {
        InBackground("host2", "await end");
        var result = Through(
            ["exec", "host2", "sh", "-c", Functions + "echo shown; await go; lines 0 5000; : > /sync/done; exit 9"],
            "shown",
            () =>
            {
                Touch("go");
                Await("done");
                Eventually.True(() => Directory.GetFiles(Path.Combine(Daemon.Run, "containers"), "exit", SearchOption.AllDirectories).Length > 0, "no exit record");
            });
        Assert.That(result.Exits(9).Stdout, Is.EqualTo("shown\n" + Lines(0, 5000)));
        Touch("end");
    }

    [Test]
    public void Followed_logs_go_on_over_rotations()
    {
        InBackground("followed", "lines 0 5000; echo shown; await go; lines 5000 6000; await end; lines 6000 20000", "--log-opt", "max-size=50k", "--log-opt", "max-file=5");
        var result = Through(["logs", "-f", "followed"], "shown", () => Touch("go"), () => Touch("end"));
        Assert.That(result.Ok().Stdout, Is.EqualTo(Lines(0, 5000) + "shown\n" + Lines(5000, 20000)));
    }

    [Test]
    public void A_paused_container_is_no_obstacle()
    {
        var result = Through(
            Run("paused", "echo shown; await go; echo more; exit 6"), "shown", static () => { },
            () =>
            {
                Bundt("pause", "paused").Ok();
                Daemon.Kill();
                Daemon.Start();
                Bundt("unpause", "paused").Ok();
                Touch("go");
            });
        Assert.That(result.Exits(6).Stdout, Is.EqualTo("shown\nmore\n"));
    }

    [Test]
    public void Stdin_stays_open_through_a_killed_daemon_and_ends_with_its_client()
    {
        string[] command = Run("typed", "(await go; echo resumed) & cat; echo over; exit 8", "-i");
        using var client = Daemon.Bundt(command).Start();
        string? Line() => client.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)).GetAwaiter().GetResult();
        client.StandardInput.WriteLine("one");
        client.StandardInput.Flush();
        Assert.That(Line(), Is.EqualTo("one"));
        Daemon.Kill();
        Daemon.Start();
        Touch("go");
        Assert.That(Line(), Is.EqualTo("resumed"));
        client.StandardInput.WriteLine("two");
        client.StandardInput.Close();
        Assert.That((Line(), Line(), Line()), Is.EqualTo(("two", "over", (string?)null)));
        client.WaitForExit();
        Assert.That(client.ExitCode, Is.EqualTo(8));
    }

    [Test]
    public void Stdin_of_a_client_that_was_killed_ends()
    {
        using (var client = Daemon.Bundt(Run("orphan", "cat; exit 2", "-i")).Start())
        {
            client.StandardInput.WriteLine("one");
            client.StandardInput.Flush();
            Assert.That(client.StandardOutput.ReadLine(), Is.EqualTo("one"));
            client.Kill();
            client.WaitForExit();
        }

        Assert.That(Bundt("wait", "orphan").Ok().Text, Is.EqualTo("2"));
    }

    [Test]
    public void Stdin_ends_when_its_client_does_not_come_back()
    {
        using (var client = Daemon.Bundt(Run("forsaken", "cat; exit 2", "-i")).Start())
        {
            client.StandardInput.WriteLine("one");
            client.StandardInput.Flush();
            Assert.That(client.StandardOutput.ReadLine(), Is.EqualTo("one"));
            Daemon.Kill();
            client.Kill();
            client.WaitForExit();
        }

        Daemon.Start();
        Assert.That(Bundt("wait", "forsaken").Ok().Text, Is.EqualTo("2"));
    }
}
