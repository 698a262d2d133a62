using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Limits;

namespace Bundt.Runtime.Tests.Limits;

/// <summary>Docker's and OCI's limits as files of cgroup v2.</summary>
public sealed class CgroupLimitsTests
{
    private static string[] Lines(LinuxResources resources) => [.. CgroupLimits.From(resources).Select(limit => $"{limit.File}={limit.Value}")];

    [Test]
    public void Memory_and_swap_become_two_limits() =>
        Assert.That(
            Lines(new LinuxResources { Memory = new MemoryResources { Limit = 100, Swap = 150, Reservation = 50 } }),
            Is.EqualTo(new[] { "memory.swap.max=50", "memory.max=100", "memory.low=50" }));

    [Test]
    public void Unlimited_needs_no_controller() =>
        Assert.That(CgroupLimits.From(new LinuxResources { PidsLimit = -1, Memory = new MemoryResources { Limit = -1 } }).Any(limit => limit.Limits), Is.False);

    [Test]
    public void Quota_and_period_are_one_line() =>
        Assert.That(Lines(new LinuxResources { Cpu = new CpuResources { Quota = 50000, Period = 100000 } }), Is.EqualTo(new[] { "cpu.max=50000 100000" }));

    [TestCase(1024u, 100)]
    [TestCase(2u, 1)]
    [TestCase(262144u, 10000)]
    [TestCase(0xffffffffu, 10000)]
    public void Shares_become_a_weight(uint shares, int weight) => Assert.That(CgroupLimits.Weight(shares), Is.EqualTo(weight));

    [Test]
    public void The_unified_map_comes_last() =>
        Assert.That(
            Lines(new LinuxResources { PidsLimit = 5, Unified = new Dictionary<string, string> { ["pids.max"] = "7" } }), Is.EqualTo(new[] { "pids.max=5", "pids.max=7" }));

    [Test]
    public void Nonsense_is_refused()
    {
        Assert.That(() => CgroupLimits.From(new LinuxResources { Memory = new MemoryResources { Swap = 5 } }), Throws.TypeOf<BundtException>());
        Assert.That(() => CgroupLimits.From(new LinuxResources { Memory = new MemoryResources { Limit = 10, Swap = 5 } }), Throws.TypeOf<BundtException>());
        Assert.That(() => CgroupLimits.From(new LinuxResources { Unified = new Dictionary<string, string> { ["../x"] = "7" } }), Throws.TypeOf<BundtException>());
    }
}
