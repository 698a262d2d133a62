using System.Text;
using Bundt.Oci.Runtime;

namespace Bundt.Oci.Tests.Runtime;

/// <summary>Reading and writing config.json.</summary>
public sealed class RuntimeConfigTests
{
    private static RuntimeConfig Read(string json) => RuntimeConfigReader.Read(Encoding.UTF8.GetBytes(json));

    private static string Refusal(string json) => Assert.Throws<FormatException>(() => Read(json))!.Message;

    [TestCase("""{"ociVersion":"1.2.0","process":{"cwd":5}}""", "process.cwd: must be a string, not 5")]
    [TestCase("""{"ociVersion":"1.2.0","linux":{"namespaces":[{"type":"pid"},{"type":"uts"},{"type":"warp"}]}}""", "linux.namespaces[2].type: \"warp\" is no kind of namespace")]
    [TestCase("""{"ociVersion":"1.2.0","linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}}""", "linux.namespaces[1]: a second namespace of type pid")]
    [TestCase("""{"ociVersion":"1.2.0","process":{"cwd":"/","user":{"uid":-1}}}""", "process.user.uid: must be a whole number from 0 to 2147483647, not -1")]
    [TestCase("""{"ociVersion":"1.2.0","process":{"cwd":"/","user":{"uid":4294967296}}}""", "process.user.uid: must be a whole number from 0 to 2147483647, not 4294967296")]
    [TestCase("""{"ociVersion":"1.2.0","process":{"cwd":"/","oomScoreAdj":1001}}""", "process.oomScoreAdj: must be a whole number from -1000 to 1000, not 1001")]
    [TestCase("""{"ociVersion":"1.2.0","mounts":[{"destination":"/a"},{"source":"x"}]}""", "mounts[1]: destination is missing")]
    [TestCase("""{"ociVersion":"1.2.0","mounts":[{"destination":"/a","options":["ro",7]}]}""", "mounts[0].options[1]: must be a string, not 7")]
    [TestCase("""{"ociVersion":"2.0.0"}""", "ociVersion: version \"2.0.0\" is not supported, only 1.x is")]
    [TestCase("""{"root":{"path":"r"}}""", "config: ociVersion is missing")]
    [TestCase("[]", "config: must be an object, not an array")]
    [TestCase("""{"ociVersion":"1.2.0","linux":{"resources":{"devices":[{"allow":true,"access":"rx"}]}}}""", "linux.resources.devices[0].access: must consist of r, w and m, not \"rx\"")]
    [TestCase("""{"ociVersion":"1.2.0","process":{"cwd":"relative"}}""", "process.cwd: must be an absolute path")]
    [TestCase("""{"ociVersion":"1.2.0","root":{"path":"/cake\u0000/tin"}}""", "root.path: contains a NUL character")]
    public void An_error_names_the_field(string json, string message) => Assert.That(Refusal(json), Is.EqualTo(message));

    [TestCase("""{"ociVersion":"1.2.0","process":{"args":["a" """)]
    [TestCase("""{"ociVersion":"1.2.0"} x""")]
    [TestCase("")]
    [TestCase("""{"ociVersion":"1.2.0",}""")]
    public void Malformed_json_says_where(string json) => Assert.That(Refusal(json), Does.Contain("malformed JSON").Or.Contain("ends too early"));

    [Test]
    public void Unknown_fields_and_nulls_pass()
    {
        var config = Read("""
            {"ociVersion":"1.0.2-dev","future":{"a":[1,{"b":null}]},"process":{"cwd":"/","args":["x"],"user":{"additionalGids":null},"new":1,"capabilities":null},
             "linux":{"resources":null,"maskedPaths":null,"namespaces":[{"type":"mount","path":""}]},"hooks":null}
            """);
        Assert.That(config.Process!.Args, Is.EqualTo(new[] { "x" }));
        Assert.That(config.Linux!.Namespaces[0].Path, Is.Null);
        Assert.That(config.Linux.MaskedPaths, Is.Empty);
    }

    [Test]
    public void Deep_nesting_is_refused_not_followed() =>
        Assert.That(Refusal("""{"ociVersion":"1.2.0","x":""" + new string('[', 100_000)), Does.StartWith("x: nested deeper than 64 levels"));

    [Test]
    public void What_is_written_is_read_back_the_same()
    {
        var first = RuntimeConfigWriter.Write(Full());
        var second = RuntimeConfigWriter.Write(RuntimeConfigReader.Read(first));
        Assert.That(Encoding.UTF8.GetString(second), Is.EqualTo(Encoding.UTF8.GetString(first)));
        foreach (var name in (string[])["timeOffsets", "rdma", "hugepageLimits", "memoryPolicy", "execCPUAffinity", "startContainer", "throttleReadBpsDevice", "netDevices", "valueTwo"])
        {
            Assert.That(Encoding.UTF8.GetString(first), Does.Contain(name));
        }
    }

    private static RuntimeConfig Full() => new()
    {
        Process = new RuntimeProcess
        {
            Terminal = true,
            ConsoleSize = new ConsoleSize(24, 80),
            Args = ["sh", "-c", "echo ü"],
            Env = ["A=1"],
            Cwd = "/x",
            User = new ProcessUser { Uid = 1, Gid = 2, Umask = 18, AdditionalGids = [3] },
            Capabilities = new ProcessCapabilities { Bounding = ["CAP_CHOWN"], Ambient = ["CAP_KILL"] },
            Rlimits = [new ProcessRlimit("RLIMIT_NOFILE", 5, ulong.MaxValue)],
            NoNewPrivileges = true,
            OomScoreAdj = -5,
            Scheduler = new ProcessScheduler { Policy = "SCHED_OTHER", Nice = -3 },
            IoPriority = new ProcessIoPriority("IOPRIO_CLASS_BE", 4),
            ExecCpuAffinity = new ExecCpuAffinity("0-1", null),
        },
        Root = new RuntimeRoot { Path = "rootfs", Readonly = true },
        Hostname = "h",
        Mounts = [new RuntimeMount { Destination = "/d", Type = "bind", Source = "/s", Options = ["ro"], UidMappings = [new IdMapping(0, 1, 2)] }],
        Hooks = new RuntimeHooks { StartContainer = [new RuntimeHook { Path = "/h", Args = ["h"], Timeout = 3 }] },
        Annotations = new Dictionary<string, string> { ["a.b"] = "c" },
        Linux = new LinuxConfig
        {
            Namespaces = [new LinuxNamespace(NamespaceType.Network, "/n"), new LinuxNamespace(NamespaceType.Time)],
            TimeOffsets = new Dictionary<string, TimeOffset> { ["boottime"] = new TimeOffset(-5, 6) },
            Devices = [new LinuxDevice { Path = "/dev/x", Type = 'b', Major = 8, Minor = 1, FileMode = 0x1b0, Uid = 4 }],
            NetDevices = new Dictionary<string, LinuxNetDevice> { ["eth9"] = new LinuxNetDevice("eth0") },
            CgroupsPath = "/c",
            Resources = new LinuxResources
            {
                Devices = [new DeviceCgroupRule(false, 'a', null, null, "rwm"), new DeviceCgroupRule(true, 'c', 1, null, "r")],
                Memory = new MemoryResources { Limit = 1, Swap = -1, Swappiness = 60 },
                Cpu = new CpuResources { Shares = 1024, Cpus = "0", Idle = 1 },
                PidsLimit = 9,
                BlockIo = new BlockIoResources { Weight = 10, ThrottleReadBps = [new ThrottleDevice(8, 0, 1000)] },
                HugepageLimits = [new HugepageLimit("2MB", 4096)],
                Rdma = new Dictionary<string, RdmaLimit> { ["mlx5_1"] = new RdmaLimit(3, null) },
                Unified = new Dictionary<string, string> { ["memory.high"] = "5" },
            },
            Sysctl = new Dictionary<string, string> { ["net.ipv4.ip_forward"] = "1" },
            Seccomp = new LinuxSeccomp
            {
                DefaultAction = "SCMP_ACT_ERRNO",
                DefaultErrnoRet = 38,
                Architectures = ["SCMP_ARCH_X86"],
                Syscalls = [new SeccompRule { Names = ["read"], Action = "SCMP_ACT_ALLOW", Args = [new SeccompArg(1, 2, 3, "SCMP_CMP_MASKED_EQ")] }],
            },
            RootfsPropagation = "shared",
            MaskedPaths = ["/m"],
            ReadonlyPaths = ["/r"],
            Personality = new LinuxPersonality("LINUX32", []),
            MemoryPolicy = new LinuxMemoryPolicy("MPOL_BIND", "0", ["MPOL_F_STATIC_NODES"]),
        },
    };

    [Test]
    public void Upper_and_lower_case_of_names_are_the_same_as_in_Go()
    {
        var resources = RuntimeConfigReader.ReadResources("""{"CPU": {"Cpus": "1", "MEMS": "0"}, "hugepageLimits": [{"pagesize": "2MB", "limit": 4096}], "cpux": {"cpus": 5}}"""u8);
        Assert.That((resources.Cpu?.Cpus, resources.Cpu?.Mems, resources.HugepageLimits.Single().PageSize), Is.EqualTo(("1", "0", "2MB")));
    }
}
