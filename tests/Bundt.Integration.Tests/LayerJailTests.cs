using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Layers are unpacked by threads whose root is the layer; the daemon itself stays where it is.</summary>
public sealed class LayerJailTests : DaemonTests
{
    [Test]
    public void A_layer_is_unpacked_behind_a_pivoted_root_and_no_thread_stays_there()
    {
        if (!File.Exists("/usr/bin/strace"))
        {
            Assert.Ignore("needs strace");
        }

        var trace = Path.Combine(Paths.Work, "jail.strace");
        File.Delete(trace);
        using var strace = new Command("strace", "-f", "-q", "-e", "trace=unshare,pivot_root", "-o", trace, "-p", $"{Daemon.Pid}").Start();
        Eventually.True(() => Tracer() == strace.Id, "strace is not attached");
        Daemon.Load("layers127");
        strace.Kill();
        strace.WaitForExit();
        var calls = File.ReadAllLines(trace);
        Assert.That(calls, Has.Some.Match(@"unshare\(CLONE_NEWNS\)\s+= 0"));
        Assert.That(calls.Count(c => c.Contains("pivot_root(\".\", \".\")", StringComparison.Ordinal)), Is.GreaterThan(100));
        var task = $"/proc/{Daemon.Pid}/task";
        var namespaces = Directory.GetDirectories(task).Select(t => new FileInfo(Path.Combine(t, "ns/mnt")).LinkTarget).Distinct();
        Assert.That(namespaces.Count(), Is.EqualTo(1));
    }

    private int Tracer() =>
        int.Parse(
            File.ReadAllLines($"/proc/{Daemon.Pid}/status").First(l => l.StartsWith("TracerPid:", StringComparison.Ordinal))["TracerPid:".Length..].Trim(),
            System.Globalization.CultureInfo.InvariantCulture);
}
