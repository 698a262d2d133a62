using System.Buffers;
using System.Text;
using System.Text.Json;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Files;
using Bundt.Runtime.Statistics;

namespace Bundt.Runtime.Tests.Limits;

/// <summary>The data of "stats" events: what clients of runc parse, key by key.</summary>
public sealed class CgroupStatisticsTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("cgroup").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_directory, recursive: true);

    [Test]
    public void All_controllers_are_told_as_runc_tells_them()
    {
        File("cpu.stat", "usage_usec 3\nuser_usec 2\nsystem_usec 1\nnr_periods 7\nnr_throttled 6\nthrottled_usec 5\n");
        File("cpu.pressure", "some avg10=1.50 avg60=0.00 avg300=0.00 total=12\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
        File("memory.stat", "file 100\nanon 50\n");
        File("memory.current", "4096\n");
        File("memory.max", "max\n");
        File("memory.peak", "8192\n");
        File("memory.swap.current", "1024\n");
        File("memory.swap.max", "max\n");
        File("pids.current", "2\n");
        File("pids.max", "20\n");
        File("io.stat", "8:16 rbytes=1 wbytes=0 rios=3 wios=4 dbytes=0 dios=0\n");
        File("hugetlb.2MB.current", "0\n");
        File("hugetlb.2MB.rsvd.current", "2097152\n");
        File("hugetlb.2MB.events", "max 3\n");
        const string Expected = """
            {"cpu":{"usage":{"total":3000,"kernel":1000,"user":2000},"throttling":{"periods":7,"throttledPeriods":6,"throttledTime":5000},
            "psi":{"some":{"avg10":1.5,"avg60":0,"avg300":0,"total":12}}},
            "cpuset":{"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,"memory_spread_slab":0,
            "memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0},
            "memory":{"cache":100,"usage":{"limit":18446744073709551615,"usage":4096,"max":8192,"failcnt":0},
            "swap":{"limit":18446744073709551615,"usage":5120,"failcnt":0},"raw":{"anon":50,"file":100}},
            "pids":{"current":2,"limit":20},
            "blkio":{"ioServiceBytesRecursive":[{"major":8,"minor":16,"op":"Read","value":1},{"major":8,"minor":16,"op":"Write"}],
            "ioServicedRecursive":[{"major":8,"minor":16,"op":"Read","value":3},{"major":8,"minor":16,"op":"Write","value":4}]},
            "hugetlb":{"2MB":{"usage":2097152,"failcnt":3}},"intel_rdt":{},"network_interfaces":null}
            """;
        Assert.That(Written(), Is.EqualTo(Expected.ReplaceLineEndings("")));
    }

    [Test]
    public void Without_controllers_there_are_processes_and_little_else()
    {
        File("cgroup.procs", "12\n13\n");
        var written = Written();
        Assert.That(written, Does.StartWith("{\"cpu\":{},\"cpuset\":{"));
        Assert.That(written, Does.EndWith("""{},"pids":{"current":2},"blkio":{},"hugetlb":{},"intel_rdt":{},"network_interfaces":null}"""));
    }

    [Test]
    public void Swap_is_told_together_with_memory()
    {
        File("memory.current", "10\n");
        File("memory.max", "100\n");
        File("memory.swap.current", "5\n");
        File("memory.swap.max", "50\n");
        Assert.That(Written(), Does.Contain("swap\":{\"limit\":150,\"usage\":15,\"failcnt\":0}"));
    }

    private void File(string name, string content) => System.IO.File.WriteAllText(Path.Combine(_directory, name), content);

    private string Written()
    {
        using var cgroup = new Cgroup("/test", _directory, DirectoryFd.OpenHost(_directory));
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            CgroupStatistics.Write(json, cgroup);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
