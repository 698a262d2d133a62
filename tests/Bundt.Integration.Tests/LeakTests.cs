using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Nothing leaks: what the daemon and the machine hold is counted before and after.</summary>
public sealed class LeakTests : DaemonTests
{
    private Task<Result> OneAsync() => Daemon.Bundt("run", "--rm", "--network", "none", "busybox", "sh", "-c", "echo cake; exit 7").Within(120).RunAsync();

    [Test]
    public async Task A_thousand_containers_in_a_row_leave_nothing()
    {
        var before = await WarmUp();
        var descriptors = Leaks.Descriptors(Daemon);
        for (var i = 0; i < 1000; i++)
        {
            var result = await OneAsync();
            Assert.That((result.ExitCode, result.Stdout), Is.EqualTo((7, "cake\n")), $"{i}: {result}");
        }
        Leaks.Settle(Daemon, before);
        AssertDescriptors(descriptors);
    }

    [Test]
    public async Task A_hundred_containers_at_once_leave_nothing()
    {
        var before = await WarmUp();
        var descriptors = Leaks.Descriptors(Daemon);
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => OneAsync()));
        Assert.That(results.Select(r => (r.ExitCode, r.Stdout, r.Stderr)).Distinct(), Is.EqualTo(new[] { (7, "cake\n", "") }));
        Leaks.Settle(Daemon, before);
        AssertDescriptors(descriptors);
    }

    [Test]
    public void Failed_starts_leave_nothing()
    {
        Bundt("run", "--rm", "--network", "none", "busybox", "true").Ok();
        var before = Leaks.AtRest(Daemon);
        for (var i = 0; i < 50; i++)
        {
            Bundt("run", "--rm", "--network", "none", "busybox", "nosuchcommand").Exits(127);
            Bundt("run", "--rm", "--network", "none", "-v", "/proc/nosuch/file:/mnt:ro", "busybox", "true").Exits(125);
        }
        Leaks.Settle(Daemon, before);
    }

    /// <summary>Thread pool, name space pool, compiled filters: what is made once and kept.</summary>
    private async Task<Leaks> WarmUp()
    {
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => OneAsync()));
        return Leaks.AtRest(Daemon);
    }

    private void AssertDescriptors(Dictionary<string, int> before)
    {
        // A thread of the pool more or less has an eventfd of its own; a leak per container would be hundreds.
        var more = new Dictionary<string, int>();
        Eventually.True(
            () =>
            {
                more = Leaks.Descriptors(Daemon).Where(n => n.Value > before.GetValueOrDefault(n.Key) + 5).ToDictionary();
                return more.Count == 0;
            },
            () => $"more descriptors than before: {string.Join(", ", more)}; before: {string.Join(", ", before)}");
    }
}
