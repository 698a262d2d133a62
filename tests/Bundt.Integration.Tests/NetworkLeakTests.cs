using System.Globalization;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>
/// SIGKILL of the daemon at random moments while containers and networks come and go: no interface, no rule, no namespace and no record stays of what is
/// gone, and no address and no port is ever said to be taken by nobody. BUNDT_SEED repeats a run's choices.
/// </summary>
public sealed class NetworkLeakTests
{
    private readonly int _seed = int.TryParse(Environment.GetEnvironmentVariable("BUNDT_SEED"), CultureInfo.InvariantCulture, out var seed) ? seed : Random.Shared.Next();
    private Daemon _daemon = null!;
    private Random _random = null!;
    private string[] _stay = [];

    [SetUp]
    public void StartDaemon()
    {
        TestContext.Out.WriteLine($"BUNDT_SEED={_seed}");
        _random = new Random(_seed);
        _daemon = new Daemon("", []);
        _daemon.Load("busybox");
        Bundt("network", "create", "--subnet", "10.77.0.0/24", "--ipv6", "shop").Ok();
        Bundt("network", "create", "--internal", "vault").Ok();
        Bundt("run", "--rm", "--network", "shop", "busybox", "true").Ok();
        _stay = ["lo", .. Bundt("network", "ls", "-q", "--no-trunc", "--filter", "type=custom").Ok().Lines.Select(id => "br-" + id[..12])];
    }

    [TearDown]
    public void EndDaemon()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == NUnit.Framework.Interfaces.TestStatus.Failed)
        {
            TestContext.Out.WriteLine($"--- daemon ---\n{_daemon.Log()}");
        }

        _daemon.Dispose();
    }

    [Test]
    public void Nothing_is_left_of_what_a_killed_daemon_was_doing() => Rounds(120, 30);

    [Test]
    [Explicit("takes minutes: 500 rounds, 200 of them with a SIGKILL")]
    public void Nothing_is_left_after_two_hundred_kills() => Rounds(500, 200);

    private Result Bundt(params IEnumerable<string> arguments) => _daemon.Bundt(arguments).Run();

    private string[] Links() =>
        [.. JsonNode.Parse(_daemon.OnHost("ip", "-j", "link").Run().Ok().Stdout)!.AsArray().Select(link => link!["ifname"]!.GetValue<string>())];

    private void Rounds(int count, int kills)
    {
        var before = Leaks.AtRest(_daemon);
        var killed = 0;
        for (var round = 0; round < count; round++)
        {
            // Always the same names, addresses and ports: whoever is not quite gone is in the way of the next one.
            var work = Work();
            if (killed * count < kills * round)
            {
                killed++;
                Kill(work);
                CleanUp();
            }
            else
            {
                foreach (var command in work)
                {
                    Bundt(command).Ok();
                }
            }
        }

        TestContext.Out.WriteLine($"{count} rounds, {killed} kills");
        Leaks.Settle(_daemon, before);
        Bundt("network", "rm", "shop", "vault").Ok();
        Assert.That(Links().Except(["bundt0"]), Is.EqualTo(new[] { "lo" }));
        Assert.That(_daemon.OnHost("nft", "list", "ruleset").Run().Ok().Stdout, Does.Not.Contain("10.77.").And.Not.Contain("10.88.").And.Not.Contain("8099"));
    }

    private string[][] Work()
    {
        string[] run = ["--name", "web", "--network", "shop", "--network", "vault", "--ip", "10.77.0.9", "-p", "8099:80", "busybox"];
        return _random.Next(4) switch
        {
            0 => [["run", "-d", .. run, "sleep", "600"], ["rm", "-f", "web"]],
            1 => [["run", "--rm", .. run, "true"]],
            2 => [["create", .. run, "sleep", "600"], ["start", "web"], ["stop", "-t", "0", "web"], ["start", "web"], ["rm", "-f", "web"]],
            _ => [["network", "create", "--subnet", "10.88.0.0/24", "park"], ["network", "rm", "park"]],
        };
    }

    private void Kill(string[][] work)
    {
        var doing = Task.Run(async () =>
        {
            foreach (var command in work)
            {
                await _daemon.Bundt(command).RunAsync();
            }
        });
        Thread.Sleep(_random.Next(0, 120)); // the moment is what the test varies
        _daemon.Kill();
        _daemon.Start();
        Assert.That(doing.Wait(TimeSpan.FromSeconds(30)), Is.True, "a client does not end");
    }

    private void CleanUp()
    {
        foreach (var id in Bundt("ps", "-aq").Ok().Lines)
        {
            Bundt("rm", "-f", id);
        }

        if (Bundt("network", "inspect", "park").ExitCode == 0)
        {
            Bundt("network", "rm", "park").Ok();
        }

        Eventually.True(() => Links().Except(["bundt0"]).ToHashSet().SetEquals(_stay), () => $"links: {string.Join(' ', Links())}, not {string.Join(' ', _stay)}");
    }
}
