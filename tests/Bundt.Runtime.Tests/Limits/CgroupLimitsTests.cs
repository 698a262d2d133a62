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

    // runc's conversion, which engines' tests know.
    [TestCase(100L, -1L, "memory.swap.max=max", "memory.max=100")]
    [TestCase(100L, 100L, "memory.swap.max=0", "memory.max=100")]
    [TestCase(-1L, null, "memory.swap.max=max", "memory.max=max")]
    [TestCase(-1L, 50L, "memory.swap.max=50", "memory.max=max")]
    [TestCase(100L, 0L, "memory.max=100")]
    [TestCase(null, 0L, "memory.swap.max=0")]
    [TestCase(null, -1L, "memory.swap.max=max")]
    public void Swap_is_what_is_beyond_memory(long? limit, long? swap, params string[] expected) =>
        Assert.That(Lines(new LinuxResources { Memory = new MemoryResources { Limit = limit, Swap = swap } }), Is.EqualTo(expected));

    [TestCase(0L, "max")]
    [TestCase(-1L, "max")]
    [TestCase(7L, "7")]
    public void A_pids_limit_of_zero_is_none(long limit, string expected) =>
        Assert.That(Lines(new LinuxResources { PidsLimit = limit }), Is.EqualTo(new[] { "pids.max=" + expected }));

    [Test]
    public void A_burst_is_tried_before_the_quota_and_again_after_it()
    {
        var limits = CgroupLimits.From(new LinuxResources { Cpu = new CpuResources { Quota = 1000, Burst = 500 } });
        Assert.That(limits.Select(limit => limit.File), Is.EqualTo(new[] { "cpu.max.burst", "cpu.max", "cpu.max.burst" }));
        Assert.That(limits.Select(limit => limit.Tolerated), Is.EqualTo(new[] { Errno.EINVAL, Errno.None, Errno.None }));
    }

    [Test]
    public void An_update_of_the_quota_keeps_the_period() =>
        Assert.That(Updated(new LinuxResources { Cpu = new CpuResources { Quota = 600 } }, ("cpu.max", "500 900\n")), Is.EqualTo(new[] { "cpu.max=600 900" }));

    [Test]
    public void An_update_of_the_period_keeps_the_quota()
    {
        Assert.That(Updated(new LinuxResources { Cpu = new CpuResources { Period = 700 } }, ("cpu.max", "500 900\n")), Is.EqualTo(new[] { "cpu.max=500 700" }));
        Assert.That(Updated(new LinuxResources { Cpu = new CpuResources { Period = 700 } }, ("cpu.max", "max 900\n")), Is.EqualTo(new[] { "cpu.max=max 700" }));
        Assert.That(Updated(new LinuxResources { Cpu = new CpuResources { Quota = -1 } }, ("cpu.max", "500 900\n")), Is.EqualTo(new[] { "cpu.max=max 900" }));
    }

    [Test]
    public void An_update_of_memory_keeps_the_sum_with_swap() =>
        Assert.That(
            Updated(new LinuxResources { Memory = new MemoryResources { Limit = 120 } }, ("memory.max", "100\n"), ("memory.swap.max", "50\n")),
            Is.EqualTo(new[] { "memory.swap.max=30", "memory.max=120" }));

    [Test]
    public void An_update_of_swap_keeps_the_memory() =>
        Assert.That(
            Updated(new LinuxResources { Memory = new MemoryResources { Swap = 120 } }, ("memory.max", "100\n"), ("memory.swap.max", "50\n")),
            Is.EqualTo(new[] { "memory.swap.max=20", "memory.max=100" }));

    [Test]
    public void An_update_below_what_is_in_use_is_refused_when_asked_to()
    {
        var memory = new MemoryResources { Limit = 1024, CheckBeforeUpdate = true };
        Assert.That(
            () => Updated(new LinuxResources { Memory = memory }, ("memory.current", "4096\n")),
            Throws.TypeOf<BundtException>().With.Message.EqualTo("rejecting memory limit 1024 <= usage 4096"));
        Assert.That(
            () => Updated(new LinuxResources { Memory = memory with { Swap = 2048 } }, ("memory.current", "4096\n")),
            Throws.TypeOf<BundtException>().With.Message.EqualTo("rejecting memory+swap limit 2048 <= usage 4096"));
    }

    [Test]
    public void Block_io_weights_go_to_bfq_where_it_is()
    {
        var limits = CgroupLimits.From(new LinuxResources
        {
            BlockIo = new BlockIoResources { Weight = 750, WeightDevices = [new WeightDevice(8, 0, 1000, null)] },
        });
        Assert.That(limits.Select(limit => $"{limit.File}={limit.Value}"), Is.EqualTo(new[] { "io.bfq.weight=750", "io.bfq.weight=8:0 1000" }));
        Assert.That(limits.Select(limit => $"{limit.Otherwise!.File}={limit.Otherwise.Value}"), Is.EqualTo(new[] { "io.weight=7475", "io.weight=8:0 10000" }));
    }

    [Test]
    public void Huge_pages_are_limited_when_they_are_reserved_too() =>
        Assert.That(
            Lines(new LinuxResources { HugepageLimits = [new HugepageLimit("2MB", 4096)] }), Is.EqualTo(new[] { "hugetlb.2MB.max=4096", "hugetlb.2MB.rsvd.max=4096" }));

    [Test]
    public void Unified_lines_are_written_one_by_one() =>
        Assert.That(
            Lines(new LinuxResources { Unified = new Dictionary<string, string> { ["io.max"] = "8:0 riops=1\n8:16 riops=2\n" } }),
            Is.EqualTo(new[] { "io.max=8:0 riops=1", "io.max=8:16 riops=2" }));

    [Test]
    public void Quota_and_period_are_one_line() =>
        Assert.That(Lines(new LinuxResources { Cpu = new CpuResources { Quota = 50000, Period = 100000 } }), Is.EqualTo(new[] { "cpu.max=50000 100000" }));

    [TestCase(1024u, 100)]
    [TestCase(2u, 1)]
    [TestCase(262144u, 10000)]
    [TestCase(0xffffffffu, 10000)]
    [TestCase(3u, 2)]
    [TestCase(260000u, 9929)]
    public void Shares_become_a_weight(uint shares, int weight) => Assert.That(CgroupLimits.Weight(shares), Is.EqualTo(weight));

    [TestCase(1024u, false, Description = "what containerd's ctr writes unasked, and every cgroup has")]
    [TestCase(512u, true)]
    public void Only_shares_other_than_the_default_need_the_controller(uint shares, bool limits) =>
        Assert.That(CgroupLimits.From(new LinuxResources { Cpu = new CpuResources { Shares = shares } }).Single().Limits, Is.EqualTo(limits));

    [Test]
    public void The_unified_map_comes_last() =>
        Assert.That(
            Lines(new LinuxResources { PidsLimit = 5, Unified = new Dictionary<string, string> { ["pids.max"] = "7" } }), Is.EqualTo(new[] { "pids.max=5", "pids.max=7" }));

    [Test]
    public void Nonsense_is_refused()
    {
        Refused(new LinuxResources { Memory = new MemoryResources { Swap = 5 } }, "unable to set swap limit without memory limit");
        Refused(new LinuxResources { Memory = new MemoryResources { Limit = 10, Swap = 5 } }, "memory+swap limit (5) should be >= memory limit (10)");
        Refused(new LinuxResources { Memory = new MemoryResources { Swappiness = 5 } }, "memory swappiness is not supported on cgroup v2");
        Refused(new LinuxResources { Memory = new MemoryResources { DisableOomKiller = true } }, "the OOM killer cannot be disabled on cgroup v2");
        Refused(new LinuxResources { Cpu = new CpuResources { RealtimeRuntime = 5 } }, "realtime CPU limits are not supported on cgroup v2");
        Refused(new LinuxResources { Network = new NetworkResources { ClassId = 5 } }, "network classes and priorities are not supported on cgroup v2");
        Refused(new LinuxResources { BlockIo = new BlockIoResources { Weight = 5 } }, "the block I/O weight must be from 10 to 1000, not 5");
        Refused(
            new LinuxResources { Unified = new Dictionary<string, string> { ["../x"] = "7" } },
            "linux.resources.unified: \"../x\" must be a file name without any slash");
        Refused(
            new LinuxResources { Unified = new Dictionary<string, string> { ["NO-KEY"] = "7" } },
            "linux.resources.unified: the specified key has not the form CONTROLLER.VALUE `NO-KEY`");
    }

    [Test]
    public void A_limit_and_swap_whose_sum_is_no_number_leave_swap_unlimited() =>
        Assert.That(
            Updated(new LinuxResources { Memory = new MemoryResources { Limit = long.MaxValue } }, ("memory.max", "4096\n"), ("memory.swap.max", "9223372036854771712\n")),
            Is.EqualTo(new[] { "memory.swap.max=max", "memory.max=9223372036854775807" }));

    private static void Refused(LinuxResources resources, string message) =>
        Assert.That(() => CgroupLimits.From(resources), Throws.TypeOf<BundtException>().With.Message.EqualTo(message));

    private static string[] Updated(LinuxResources resources, params (string File, string Content)[] files) =>
        Lines(CgroupLimits.Complete(resources, file => files.FirstOrDefault(entry => entry.File == file).Content));
}
