using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Systemd;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Limits;

namespace Bundt.Runtime.Tests.Limits;

/// <summary>Limits as properties of systemd's units, as runc gives them; and those that annotations ask for.</summary>
public sealed class SystemdPropertiesTests
{
    private static string[] Properties(LinuxResources resources) =>
        [.. SystemdProperties.From(CgroupLimits.From(SystemdProperties.Align(resources))).Select(property => $"{property.Key}={Text(property.Value)}")];

    private static string Text(DBusValue value) =>
        value.Signature + " " + (value.Value is IEnumerable<object> items ? string.Join(',', items) : Convert.ToString(value.Value, CultureInfo.InvariantCulture));

    [Test]
    public void Limits_become_properties() =>
        Assert.That(
            Properties(new LinuxResources
            {
                Memory = new MemoryResources { Limit = 100, Swap = -1, Reservation = 50 },
                Cpu = new CpuResources { Shares = 1024, Quota = 500000, Period = 1000000, Cpus = "0,3-4", Mems = "0" },
                PidsLimit = 20,
                BlockIo = new BlockIoResources { Weight = 750 },
            }),
            Is.EqualTo(new[]
            {
                "TasksMax=t 20", "MemorySwapMax=t 18446744073709551615", "MemoryMax=t 100", "MemoryLow=t 50", "IOWeight=t 7475", "CPUWeight=t 100",
                "CPUQuotaPeriodUSec=t 1000000", "CPUQuotaPerSecUSec=t 500000", "AllowedCPUs=ay 25", "AllowedMemoryNodes=ay 1",
            }));

    [Test]
    public void The_unified_map_wins() =>
        Assert.That(
            Properties(new LinuxResources
            {
                PidsLimit = 20,
                Unified = new Dictionary<string, string>
                {
                    ["pids.max"] = "0",
                    ["memory.high"] = "max",
                    ["memory.min"] = "7",
                    ["cpu.max"] = "5000 50000",
                    ["cpu.weight"] = "42",
                    ["cpuset.cpus"] = "9",
                },
            }),
            Is.EqualTo(new[]
            {
                "TasksMax=t 1", "MemoryHigh=t 18446744073709551615", "MemoryMin=t 7", "CPUQuotaPeriodUSec=t 50000", "CPUQuotaPerSecUSec=t 100000", "CPUWeight=t 42",
                "AllowedCPUs=ay 0,2",
            }));

    [Test]
    public void A_quota_is_rounded_up_to_what_systemd_can_say_and_the_file_says_the_same()
    {
        var resources = new LinuxResources { Cpu = new CpuResources { Quota = 600000, Period = 900000 } };
        Assert.That(Properties(resources), Does.Contain("CPUQuotaPerSecUSec=t 670000"));
        Assert.That(CgroupLimits.From(SystemdProperties.Align(resources)).Single().Value, Is.EqualTo("603000 900000"));
    }

    [Test]
    public void No_quota_is_infinite() =>
        Assert.That(
            Properties(new LinuxResources { Cpu = new CpuResources { Quota = -1 } }),
            Is.EqualTo(new[] { "CPUQuotaPeriodUSec=t 100000", "CPUQuotaPerSecUSec=t 18446744073709551615" }));

    [Test]
    public void Idle_is_a_weight_of_zero_and_beats_another() =>
        Assert.That(
            Properties(new LinuxResources { Unified = new Dictionary<string, string> { ["cpu.idle"] = "1", ["cpu.weight"] = "8" } }), Is.EqualTo(new[] { "CPUWeight=t 0" }));

    [TestCase("cpuset.cpus", "3-1")]
    [TestCase("cpuset.cpus", "0-4000000000")]
    [TestCase("cpuset.cpus", "x")]
    [TestCase("memory.max", "much")]
    [TestCase("cpu.max", "1 2 3")]
    [TestCase("cpu.max", "1 0")]
    public void Nonsense_is_refused(string file, string value) =>
        Assert.That(() => Properties(new LinuxResources { Unified = new Dictionary<string, string> { [file] = value } }), Throws.TypeOf<BundtException>());

    // The cases that runc and crun test.
    [TestCase("TimeoutStopUSec", "uint64 123456789", "TimeoutStopUSec=t 123456789")]
    [TestCase("TimeoutStopSec", "456", "TimeoutStopUSec=t 456000000")]
    [TestCase("TimeoutStopSec", "byte 234", "TimeoutStopUSec=t 234000000")]
    [TestCase("TimeoutStopSec", "int64 234", "TimeoutStopUSec=t 234000000")]
    [TestCase("TimeoutStopSec", "234.789", "TimeoutStopUSec=t 234789000")]
    [TestCase("FOOSec", "123", "FOOSec=i 123")]
    [TestCase("Sec", "123", "Sec=i 123")]
    [TestCase("CollectMode", "'inactive-or-failed'", "CollectMode=s inactive-or-failed")]
    [TestCase("Delegate", "true", "Delegate=b True")]
    [TestCase("After", "['a.service', \"b.service\"]", "After=as a.service,b.service")]
    [TestCase("Numbers", "@at [1, 2]", "Numbers=at 1,2")]
    public void An_annotation_is_a_property(string name, string value, string expected) =>
        Assert.That(Asked(name, value).Select(property => $"{property.Key}={Text(property.Value)}"), Is.EqualTo(new[] { expected }));

    [TestCase("TimeoutStopSec", "false")]
    [TestCase("TimeoutStopSec", "'covfefe'")]
    [TestCase("TimeoutStopSec", "-1")]
    [TestCase("Xo", "1")]
    [TestCase("Number1", "1")]
    [TestCase("ValidName", "invalid-value")]
    [TestCase("ValidName", "")]
    [TestCase("ValidName", "'open")]
    [TestCase("ValidName", "[1, 'a']")]
    [TestCase("ValidName", "[]")]
    [TestCase("ValidName", "1 2")]
    public void A_bad_annotation_is_refused(string name, string value) => Assert.That(() => Asked(name, value).Length, Throws.TypeOf<BundtException>());

    [Test]
    public void Other_annotations_are_passed_over() =>
        Assert.That(SystemdAnnotations.Read(new Dictionary<string, string> { ["org.systemd.other"] = "x", ["a"] = "b" }), Is.Empty);

    private static KeyValuePair<string, DBusValue>[] Asked(string name, string value) =>
        [.. SystemdAnnotations.Read(new Dictionary<string, string> { ["org.systemd.property." + name] = value })];
}
