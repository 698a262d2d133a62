using System.Globalization;
using System.Text.Json;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>
/// SIGKILL of the daemon at random moments under load. Every container must be accounted for, every exit code right, no line of a log
/// lost or doubled. BUNDT_SEED repeats a run's choices, BUNDT_KILLS changes how many.
/// </summary>
public sealed class KillDaemonTests : DaemonTests
{
    protected override bool OwnNetwork => false;

    private readonly int _seed = int.TryParse(Environment.GetEnvironmentVariable("BUNDT_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : Random.Shared.Next();
    private readonly int _kills = int.TryParse(Environment.GetEnvironmentVariable("BUNDT_KILLS"), CultureInfo.InvariantCulture, out var kills) ? kills : 200;
    private readonly CancellationTokenSource _over = new();
    private int _lives, _pulls, _foreground;

    [Test]
    public async Task Nothing_is_lost_when_the_daemon_is_killed_at_random_moments()
    {
        TestContext.Out.WriteLine($"BUNDT_SEED={_seed}");
        using var registry = new Registry();
        var reference = registry.Push("busybox");
        Bundt("run", "--rm", "--network", "none", "busybox", "true").Ok();
        var load = new List<Task>();
        for (var worker = 0; worker < 3; worker++)
        {
            var random = new Random(HashCode.Combine(_seed, worker));
            var name = $"w{worker}";
            load.Add(Task.Run(() => DetachedLives(name, random)));
        }
        load.Add(Task.Run(() => ForegroundLives(new Random(_seed + 1))));
        load.Add(Task.Run(() => Pulls(reference)));

        var moments = new Random(_seed);
        for (var kill = 0; kill < _kills && load.All(l => !l.IsCompleted); kill++)
        {
            await Task.Delay(moments.Next(10, 200));
            Daemon.Kill();
            Daemon.Start();
        }
        await _over.CancelAsync();
        await Task.WhenAll(load).WaitAsync(TimeSpan.FromSeconds(120));

        TestContext.Out.WriteLine($"{_kills} kills, {_lives} containers in the background, {_foreground} in the foreground, {_pulls} pulls");
        Assert.That(Bundt("ps", "-aq").Ok().Lines, Is.Empty);
        Assert.That(_lives, Is.GreaterThan(_kills / 4), "too little was going on to prove anything");
        Assert.That(_pulls, Is.Positive);
        Eventually.True(() => Daemon.Cgroups.Containers().Count == 0, () => $"cgroups are left: {string.Join(' ', Daemon.Cgroups.Containers())}");
        var left = Leaks.Of(Daemon);
        Eventually.True(() => (left = Leaks.Of(Daemon)) is { Containers: 0, Trash: 0, Processes: 1 }, () => $"{left}");
    }

    /// <summary>Containers in the background: made, started, ended, read and removed, each step again until it is certain.</summary>
    private void DetachedLives(string worker, Random random)
    {
        for (var i = 0; !_over.IsCancellationRequested; i++)
        {
            var name = $"{worker}-{i}";
            var (script, code, lines) = Work(random);
            Until($"create {name}", () => Daemon.Bundt("create", "--name", name, "--network", "none", "busybox", "sh", "-c", script), () => State(name) is not null);
            Until($"start {name}", () => Daemon.Bundt("start", name), () => State(name) is { Status: "running" or "exited" });
            Until($"end of {name}", () => Daemon.Bundt("wait", name), () => State(name) is { Status: "exited" });
            Assert.That(State(name)!.ExitCode, Is.EqualTo(code), $"exit code of {name}");
            Result? logs = null;
            Until($"logs {name}", () => Daemon.Bundt("logs", name), () => (logs = Daemon.Bundt("logs", name).Run()).ExitCode == 0);
            Assert.That(logs!.Lines, Is.EqualTo(Enumerable.Range(0, lines).Select(n => n.ToString(CultureInfo.InvariantCulture))), $"log of {name}");
            Until($"rm {name}", () => Daemon.Bundt("rm", name), () => State(name) is null);
            Interlocked.Increment(ref _lives);
        }
    }

    /// <summary>Containers in the foreground: the client goes on where it was, or says at the start that it could not.</summary>
    private void ForegroundLives(Random random)
    {
        for (var i = 0; !_over.IsCancellationRequested; i++)
        {
            var name = $"front-{i}";
            var (script, code, lines) = Work(random);
            var result = Daemon.Bundt("run", "--name", name, "--network", "none", "busybox", "sh", "-c", script).Run();
            var state = State(name);
            if (result.ExitCode == 125 && state is null or { Status: "created" })
            {
                // Killed before the start was committed: said so, and nothing runs.
            }
            else if (result.ExitCode == 125)
            {
                // The client did not learn that the start was committed: the container must be whole all the same.
                Until($"end of {name}", () => Daemon.Bundt("wait", name), () => State(name) is { Status: "exited" });
                Assert.That(State(name)!.ExitCode, Is.EqualTo(code), $"{result}");
            }
            else
            {
                Assert.That(result.ExitCode, Is.EqualTo(code), $"{result}");
                Assert.That(result.Lines, Is.EqualTo(Enumerable.Range(0, lines).Select(n => n.ToString(CultureInfo.InvariantCulture))), $"{result}");
                _foreground++;
            }
            if (state is not null)
            {
                Until($"rm {name}", () => Daemon.Bundt("rm", "-f", name), () => State(name) is null);
            }
        }
    }

    private void Pulls(string reference)
    {
        while (!_over.IsCancellationRequested)
        {
            Until("pull", () => Daemon.Bundt("pull", reference), () => Daemon.Bundt("inspect", reference).Run().ExitCode == 0);
            Until("rmi", () => Daemon.Bundt("rmi", "-f", reference), () => Daemon.Bundt("inspect", reference).Run() is { ExitCode: not 0 } gone && gone.Stderr.Contains("o such", StringComparison.OrdinalIgnoreCase));
            _pulls++;
        }
    }

    private static (string Script, int Code, int Lines) Work(Random random)
    {
        var (code, lines) = (random.Next(0, 100), random.Next(1, 400));
        var pause = random.Next(3) == 0 ? $"[ $i = {lines / 2} ] && sleep 0.{random.Next(1, 4)}; " : "";
        return ($"i=0; while [ $i -lt {lines} ]; do echo $i; {pause}i=$((i+1)); done; exit {code}", code, lines);
    }

    /// <summary>Does it, as often as the daemon dies under it, until it is so.</summary>
    private static void Until(string what, Func<Command> command, Func<bool> done)
    {
        var limit = DateTime.UtcNow.AddSeconds(60);
        while (true)
        {
            var result = command().Run();
            if (done())
            {
                return;
            }
            Assert.That(DateTime.UtcNow, Is.LessThan(limit), $"{what} does not come about: {result}");
        }
    }

    private sealed record ContainerState(string Status, int ExitCode);

    /// <summary>The state now; null: no such container, or no daemon to ask. Only a positive answer, or a repeated one, means something.</summary>
    private ContainerState? State(string name)
    {
        for (var attempt = 0; ; attempt++)
        {
            var result = Daemon.Bundt("inspect", "--type", "container", name).Run();
            if (result.ExitCode == 0)
            {
                var state = JsonDocument.Parse(result.Stdout).RootElement[0].GetProperty("State");
                return new ContainerState(state.GetProperty("Status").GetString()!, state.GetProperty("ExitCode").GetInt32());
            }
            if (result.Stderr.Contains("o such", StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }
            Assert.That(attempt, Is.LessThan(200), $"{result}");
        }
    }
}
