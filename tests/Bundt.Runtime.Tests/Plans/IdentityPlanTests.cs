using Bundt.Linux;
using Bundt.Linux.Capabilities;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Plans;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Tests.Plans;

/// <summary>What the process is given, and what it is told that it cannot be given.</summary>
public sealed class IdentityPlanTests
{
    private static readonly IdMapping[] s_map = [new(0, 100000, 65536)];

    private static LaunchPlan Compile(Func<RuntimeProcess, RuntimeProcess> change, bool userNamespace = false, LinuxMemoryPolicy? memory = null, string? cpus = null)
    {
        var config = DefaultSpec.Create(["true"]);
        config = config with
        {
            Process = change(config.Process!),
            Root = new RuntimeRoot { Path = "rootfs" },
            Linux = config.Linux! with { MemoryPolicy = memory, Sysctl = new Dictionary<string, string>(), Resources = new LinuxResources { Cpu = new CpuResources { Cpus = cpus } } },
        };
        if (userNamespace)
        {
            config = config with { Linux = config.Linux with { Namespaces = [.. config.Linux.Namespaces, new LinuxNamespace(NamespaceType.User)], UidMappings = s_map, GidMappings = s_map } };
        }

        return PlanCompiler.Compile(new PlanRequest
        {
            Id = "cake",
            Config = config,
            Bundle = "/bundle",
            Ending = new PlanEnding.HandOff(null),
            Host = new HostFacts { Available = CapabilitySet.FromNames(["CAP_CHOWN", "CAP_KILL"]), HardLimit = _ => 1000 },
        });
    }

    private static string Refusal(Func<RuntimeProcess, RuntimeProcess> change) => Assert.Throws<BundtException>(() => Compile(change))!.Message;

    private static string Refusal(ProcessScheduler scheduler) => Refusal(process => process with { Scheduler = scheduler });

    [Test]
    public void Capabilities_that_the_runtime_lacks_are_left_out_with_one_warning()
    {
        var plan = Compile(process => process with { Capabilities = DefaultSpec.CapabilitySets(["CAP_KILL", "CAP_SYS_BOOT", "CAP_SUGAR"]) });
        Assert.That(plan.Warnings, Is.EqualTo(new[] { "ignoring unknown or unavailable capabilities: [CAP_SUGAR CAP_SYS_BOOT]" }));
        Assert.That(plan.Operations.Single(operation => operation.Code == PlanCode.CapBounding).X, Is.EqualTo(1UL << 5));
    }

    [Test]
    public void A_user_namespace_gives_what_the_runtime_lacks()
    {
        var plan = Compile(process => process with { Capabilities = DefaultSpec.CapabilitySets(["CAP_SYS_BOOT"]) }, userNamespace: true);
        Assert.That(plan.Warnings, Is.Empty);
    }

    [Test]
    public void An_ambient_capability_that_is_not_inheritable_is_warned_of()
    {
        var sets = new ProcessCapabilities { Bounding = ["CAP_KILL", "CAP_CHOWN"], Permitted = ["CAP_KILL", "CAP_CHOWN"], Inheritable = ["CAP_KILL"], Ambient = ["CAP_KILL", "CAP_CHOWN"] };
        var plan = Compile(process => process with { Capabilities = sets });
        Assert.That(plan.Warnings, Is.EqualTo(new[] { "can't raise ambient capability CAP_CHOWN: operation not permitted" }));
        Assert.That(plan.Operations.Single(operation => operation.Code == PlanCode.CapAmbient).X, Is.EqualTo(1UL << 5));
    }

    [Test]
    public void A_limit_above_the_runtimes_own_is_warned_of() =>
        Assert.That(
            Compile(process => process with { Rlimits = [new ProcessRlimit("RLIMIT_NOFILE", 1, 1001), new ProcessRlimit("RLIMIT_CORE", 1, 1000)], Capabilities = null }).Warnings,
            Is.EqualTo(new[] { "RLIMIT_NOFILE: the hard limit 1001 is cut to the runtime's own, 1000" }));

    [Test]
    public void In_a_user_namespace_the_supervisor_does_what_takes_the_hosts_rights_when_the_process_is_prepared()
    {
        var plan = Compile(
            process => process with
            {
                OomScoreAdj = 5,
                Rlimits = [new ProcessRlimit("RLIMIT_NOFILE", 10, 20)],
                IoPriority = new ProcessIoPriority("IOPRIO_CLASS_RT", 3),
                Scheduler = new ProcessScheduler { Policy = "SCHED_FIFO", Priority = 4 },
            },
            userNamespace: true);
        var outside = plan.Operations.Where(operation => operation.Section == PlanSection.Supervisor).Select(operation => operation.Code).ToList();
        var from = outside.LastIndexOf(PlanCode.Recv);
        Assert.That(outside.Skip(from), Is.EqualTo(new[] { PlanCode.Recv, PlanCode.WriteInit, PlanCode.Ioprio, PlanCode.Scheduler, PlanCode.Rlimit, PlanCode.Send, PlanCode.TellPid, PlanCode.Send, PlanCode.Handoff }));
        Assert.That(plan.Operations.Where(operation => operation.Section == PlanSection.Init).Select(operation => operation.Code), Has.None.AnyOf(PlanCode.Rlimit, PlanCode.Scheduler));
    }

    [Test]
    public void A_scheduler_becomes_the_kernels_structure()
    {
        var plan = Compile(process => process with
        {
            Scheduler = new ProcessScheduler { Policy = "SCHED_DEADLINE", Flags = ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_DL_OVERRUN"], Nice = -3, Runtime = 2000, Deadline = 3000, Period = 4000 },
        });
        var bytes = plan.Operations.Single(operation => operation.Code == PlanCode.Scheduler).Block.ToArray();
        Assert.That(
            (BitConverter.ToInt32(bytes, 0), BitConverter.ToInt32(bytes, 4), BitConverter.ToUInt64(bytes, 8), BitConverter.ToInt32(bytes, 16)), Is.EqualTo((56, 6, 5UL, -3)));
        Assert.That((BitConverter.ToUInt64(bytes, 24), BitConverter.ToUInt64(bytes, 32), BitConverter.ToUInt64(bytes, 40)), Is.EqualTo((2000UL, 3000UL, 4000UL)));
    }

    [Test]
    public void Schedulers_that_make_no_sense_are_refused_by_field()
    {
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_SOON" }), Does.StartWith("process.scheduler.policy:"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_OTHER", Flags = ["SCHED_FLAG_X"] }), Does.StartWith("process.scheduler.flags:"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_BATCH", Nice = 20 }), Does.StartWith("process.scheduler.nice:"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_BATCH", Priority = 1 }), Does.StartWith("process.scheduler.priority"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_FIFO", Period = 1 }), Does.Contain("SCHED_DEADLINE"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_DEADLINE", Deadline = 1 }), Does.Contain("requires `runtime`"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_DEADLINE", Runtime = 3000, Deadline = 2000 }), Does.Contain("<= deadline"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_DEADLINE", Runtime = 3000, Deadline = 4000, Period = 2000 }), Does.Contain("<= period"));
        Assert.That(Refusal(new ProcessScheduler { Policy = "SCHED_DEADLINE", Runtime = 3, Deadline = 4000 }), Does.Contain("must be between"));
        Assert.DoesNotThrow(() => Compile(process => process with { Scheduler = new ProcessScheduler { Policy = "SCHED_DEADLINE", Runtime = 2000, Deadline = 2000 } }));
    }

    [Test]
    public void A_scheduler_that_the_cpus_of_the_cgroup_forbid_is_explained() =>
        Assert.That(
            Compile(process => process with { Scheduler = new ProcessScheduler { Policy = "SCHED_DEADLINE", Runtime = 2000, Deadline = 2000 } }, cpus: "0")
                .Operations.Single(operation => operation.Code == PlanCode.Scheduler).Refusal,
            Does.Contain("process scheduler can't be used together with AllowedCPUs"));

    [TestCase("MPOL_BIND", "0,3-4", 2UL, 0x19)]
    [TestCase("MPOL_INTERLEAVE", "8", 3UL, 0x100)]
    public void A_memory_policy_names_nodes_by_bits(string mode, string nodes, ulong number, int mask)
    {
        var operation = Compile(process => process, memory: new LinuxMemoryPolicy(mode, nodes, ["MPOL_F_STATIC_NODES"]))
            .Operations.Single(operation => operation.Code == PlanCode.MemoryPolicy);
        Assert.That((operation.X, operation.Block.Length, BitConverter.ToUInt64(operation.Block.Span)), Is.EqualTo((number | 1UL << 15, 8, (ulong)mask)));
    }

    [TestCase("", null, null, "invalid memory policy mode")]
    [TestCase("MPOL_BIND", "0", "X", "invalid memory policy flag")]
    [TestCase("MPOL_BIND", "0-9876543210", null, "invalid memory policy node")]
    [TestCase("MPOL_BIND", null, null, "at least one node")]
    [TestCase("MPOL_LOCAL", "0-7", null, "mode requires 0 nodes but got 8")]
    public void Memory_policies_that_make_no_sense_are_refused_in_runcs_words(string mode, string? nodes, string? flag, string words) =>
        Assert.That(
            Assert.Throws<BundtException>(() => Compile(process => process, memory: new LinuxMemoryPolicy(mode, nodes, flag is null ? [] : [flag])))!.Message,
            Does.StartWith("linux.memoryPolicy").And.Contain(words));

    [TestCase("")]
    [TestCase("1-")]
    [TestCase("-1")]
    [TestCase("3-1")]
    [TestCase("a")]
    [TestCase("65536")]
    public void What_is_no_list_of_numbers_is_refused(string list) =>
        Assert.That(Assert.Throws<BundtException>(() => NumberList.Parse(list, "cpus"))!.Message, Does.StartWith("cpus"));

    [Test]
    public void An_execs_cpus_are_set_before_and_after_it_enters()
    {
        var config = DefaultSpec.Create(["true"]);
        var plan = PlanCompiler.CompileExec(new ExecPlanRequest
        {
            Config = config,
            Process = config.Process! with { ExecCpuAffinity = new ExecCpuAffinity("1", "0-1") },
            Ending = new PlanEnding.HandOff(null),
        });
        var masks = plan.Operations.Where(operation => operation.Code == PlanCode.Affinity).Select(operation => (operation.Section, operation.Block.Span[0]));
        Assert.That(masks, Is.EqualTo(new[] { (PlanSection.Supervisor, (byte)2), (PlanSection.Joiner, (byte)3) }));
        Assert.That(plan.Operations.First(operation => operation.Code is PlanCode.Affinity or PlanCode.Clone).Code, Is.EqualTo(PlanCode.Affinity));
    }

    [Test]
    public void A_flag_of_a_personality_is_refused()
    {
        var config = DefaultSpec.Create(["true"]);
        config = config with { Root = new RuntimeRoot { Path = "/x" }, Linux = config.Linux! with { Personality = new LinuxPersonality("LINUX", ["ADDR_NO_RANDOMIZE"]) } };
        Assert.That(
            Assert.Throws<BundtException>(() => PlanCompiler.Compile(new PlanRequest { Id = "x", Config = config, Ending = new PlanEnding.HandOff(null) }))!.Message,
            Does.StartWith("linux.personality.flags:"));
    }

    private static LaunchPlan Labelled(bool exec, bool apparmor, bool selinux, string? profile, string? label)
    {
        var config = DefaultSpec.Create(["true"]);
        var process = config.Process! with { ApparmorProfile = profile, SelinuxLabel = label };
        var host = new HostFacts { HasApparmor = () => apparmor, HasSelinux = () => selinux };
        return exec
            ? PlanCompiler.CompileExec(new ExecPlanRequest { Config = config, Process = process, Ending = new PlanEnding.HandOff(null), Host = host })
            : PlanCompiler.Compile(new PlanRequest
            {
                Id = "x",
                Config = config with { Process = process, Root = new RuntimeRoot { Path = "/x" } },
                Ending = new PlanEnding.HandOff(null),
                Host = host,
            });
    }

    [Test]
    public void Labels_are_opened_on_the_hosts_procfs_and_written_by_who_opened_it([Values] bool exec)
    {
        var plan = Labelled(exec, true, true, "bundt-default", "system_u:x");
        var party = exec ? PlanSection.Joiner : PlanSection.Init;
        var steps = plan.Operations.Where(operation => operation.Section == party).ToList();
        var open = steps.FindIndex(operation => operation is { Code: PlanCode.Open, S: "/proc/self/attr" });
        Assert.That(open, Is.GreaterThanOrEqualTo(0).And.LessThan(steps.FindIndex(operation => operation.Code is PlanCode.Setns or PlanCode.PivotRoot)));
        var labels = steps.Where(operation => operation.Code == PlanCode.Label).Select(operation => (operation.S, operation.T, operation.Flags));
        Assert.That(
            labels, Is.EqualTo(new[] { ("keycreate", "system_u:x", (byte)0), ("exec", "system_u:x", (byte)0), ("apparmor/exec", "bundt-default", (byte)1) }));
    }

    [Test]
    public void A_protection_that_the_host_does_not_have_is_told_of()
    {
        Assert.That(Labelled(false, false, false, "bundt-default", null).Warnings, Has.Some.Contains("apparmor not enabled"));
        Assert.That(Assert.Throws<BundtException>(() => Labelled(false, false, false, null, "system_u:x"))!.Message, Does.Contain("selinux is disabled"));
        Assert.That(Labelled(false, false, false, "unconfined", null).Warnings, Has.None.Contains("apparmor"));
    }

    [TestCase(null, "x/schemata", "x/tasks")]
    [TestCase("/", "/schemata", "/tasks")]
    [TestCase("gold", "gold/schemata", "gold/tasks")]
    public void A_resctrl_group_is_written_before_it_is_joined(string? clos, string schemata, string tasks)
    {
        var config = DefaultSpec.Create(["true"]);
        config = config with
        {
            Root = new RuntimeRoot { Path = "/x" },
            Linux = config.Linux! with { IntelRdt = new LinuxIntelRdt { ClosId = clos, L3CacheSchema = "L3:0=f", Schemata = ["MB:0=20"] } },
        };
        PlanRequest Request(bool mounted) =>
            new() { Id = "x", Config = config, Ending = new PlanEnding.HandOff(null), Host = new HostFacts { HasResctrl = () => mounted } };
        var steps = PlanCompiler.Compile(Request(true)).Operations.Where(operation => operation.Subject?.StartsWith("linux.intelRdt", StringComparison.Ordinal) ?? false).ToArray();
        Assert.That(steps.Select(operation => (operation.Code, operation.S)), Is.EqualTo(new[] { (PlanCode.Write, schemata), (PlanCode.WritePid, tasks) }));
        var codes = PlanCompiler.Compile(Request(true)).Operations.Where(operation => operation.Section == PlanSection.Supervisor).Select(operation => operation.Code).ToList();
        Assert.That(codes.IndexOf(PlanCode.WritePid), Is.GreaterThan(codes.LastIndexOf(PlanCode.Recv)), "init may wait for a word that comes only then");
        Assert.That(steps[0].Block.ToArray(), Is.EqualTo("L3:0=f\nMB:0=20\n"u8.ToArray()));
        Assert.That(Assert.Throws<BundtException>(() => PlanCompiler.Compile(Request(false)))!.Message, Does.StartWith("linux.intelRdt:").And.Contain("/sys/fs/resctrl"));
    }
}
