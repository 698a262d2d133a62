using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Plans;
using Bundt.Runtime.Seccomp;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Tests.Plans;

/// <summary>What a config compiles to.</summary>
public sealed class PlanCompilerTests
{
    private static readonly PlanEnding.Monitor s_monitor = new(new MonitorSettings { StateDirectory = "/state", SocketDirectory = "/sockets" });

    private static readonly OverlayRoot s_overlay = new() { Lowers = ["/l/top", "/l/base"], Upper = "/c/upper", Work = "/c/work", Scratch = "/c/merged" };

    private static PlanRequest Request(Func<RuntimeConfig, RuntimeConfig>? change = null) => new()
    {
        Id = "cake",
        Config = (change ?? (config => config))(DefaultSpec.Create(["true"])),
        Overlay = s_overlay,
        Ending = s_monitor,
    };

    private static LaunchPlan Compile(Func<RuntimeConfig, RuntimeConfig>? change = null) => PlanCompiler.Compile(Request(change));

    private static List<PlanOperation> Of(LaunchPlan plan, PlanSection section) => [.. plan.Operations.Where(operation => operation.Section == section)];

    private static RuntimeConfig WithLinux(RuntimeConfig config, Func<LinuxConfig, LinuxConfig> change) => config with { Linux = change(config.Linux!) };

    private static RuntimeConfig WithProcess(RuntimeConfig config, Func<RuntimeProcess, RuntimeProcess> change) =>
        config with { Process = change(config.Process!) };

    private static RuntimeConfig WithMount(RuntimeConfig config, string target, string type, string source, params string[] options) =>
        config with { Mounts = [.. config.Mounts, new RuntimeMount { Destination = target, Type = type, Source = source, Options = options }] };

    private static string Refusal(Func<RuntimeConfig, RuntimeConfig> change) => Assert.Throws<BundtException>(() => Compile(change))!.Message;

    [Test]
    public void Every_slot_is_filled_before_it_is_used()
    {
        var plan = PlanCompiler.Compile(Request(config => WithMount(config, "/data", "bind", "/srv", "rbind")) with { InitProcess = true });
        var inherited = Filled(plan, plan.Operations.TakeWhile(operation => operation.Code != PlanCode.Clone));
        foreach (var section in new[] { PlanSection.Supervisor, PlanSection.Init })
        {
            var known = section == PlanSection.Supervisor ? Filled(plan, []) : inherited;
            foreach (var operation in Of(plan, section))
            {
                var fills = Fills(operation);
                Assert.That(new[] { operation.A, operation.B }.Except(fills).All(slot => slot < 0 || known.Contains(slot)), $"{operation.Code} {operation.S} uses an empty slot");
                known.UnionWith(fills);
            }
        }
    }

    private static HashSet<int> Filled(LaunchPlan plan, IEnumerable<PlanOperation> operations) =>
        [0, 1, .. plan.Inputs.Select(input => input.Slot), .. operations.SelectMany(Fills)];

    private static int[] Fills(PlanOperation operation) => operation.Code switch
    {
        PlanCode.Pipe or PlanCode.Socketpair => [operation.A, operation.B],
        PlanCode.Open or PlanCode.MountFs or PlanCode.Overlay or PlanCode.OpenTree or PlanCode.Recv or PlanCode.Listen or PlanCode.OpenInit => [operation.B],
        PlanCode.Pty => [operation.B, (int)operation.X],
        _ => [],
    };

    [Test]
    public void The_filter_is_loaded_last_but_for_what_drops_the_right_to_load_it()
    {
        var plan = PlanCompiler.Compile(Request() with { Filter = new byte[16] });
        var init = Of(plan, PlanSection.Init);
        Assert.That(init[^3..].Select(operation => operation.Code), Is.EqualTo(new[] { PlanCode.Seccomp, PlanCode.Capset, PlanCode.Exec }));
        Assert.That(init[^2].X & 1UL << 21, Is.Zero, "CAP_SYS_ADMIN is gone");
    }

    [Test]
    public void With_no_new_privileges_no_right_is_kept_for_the_filter()
    {
        var plan = PlanCompiler.Compile(Request(config => WithProcess(config, process => process with { NoNewPrivileges = true })) with { Filter = new byte[16] });
        var init = Of(plan, PlanSection.Init);
        Assert.That(init[^3..].Select(operation => operation.Code), Is.EqualTo(new[] { PlanCode.NoNewPrivs, PlanCode.Seccomp, PlanCode.Exec }));
        Assert.That(init.Where(operation => operation.Code == PlanCode.Capset).All(operation => (operation.X & 1UL << 21) == 0));
    }

    [Test]
    public void Inheritable_and_ambient_sets_stay_empty()
    {
        var init = Of(Compile(), PlanSection.Init);
        Assert.That(init.Where(operation => operation.Code == PlanCode.Capset).Select(operation => operation.Z), Is.All.Zero);
        Assert.That(init.Select(operation => operation.Code), Does.Not.Contain(PlanCode.CapAmbient));
    }

    [Test]
    public void The_cgroup_namespace_is_made_by_init_itself()
    {
        var plan = Compile();
        var clone = plan.Operations.Single(operation => operation.Code == PlanCode.Clone);
        Assert.That(clone.Y & 0x02000000, Is.Zero);
        Assert.That(Of(plan, PlanSection.Init).Single(operation => operation.Code == PlanCode.Unshare).X, Is.EqualTo(0x02000000));
    }

    [Test]
    public void A_bind_is_opened_outside_and_a_slave_unless_asked_otherwise()
    {
        var plan = Compile(config => WithMount(config, "/data", "bind", "/srv", "rbind", "ro"));
        var supervisor = Of(plan, PlanSection.Supervisor);
        var open = supervisor.Single(operation => operation is { Code: PlanCode.Open, S: "/srv" });
        Assert.That(open.Z, Is.Zero, "the host's path is policy: it is opened as it is");
        var attributes = supervisor.Where(operation => operation is { Code: PlanCode.Setattr, Subject: "/data" }).ToArray();
        Assert.That(attributes.Select(operation => (operation.X, operation.Z, operation.Flags)), Is.EqualTo(new[] { (0UL, 1UL << 19, (byte)1), (1UL, 0UL, (byte)0) }));
    }

    [Test]
    public void A_binds_target_is_made_as_its_source_is()
    {
        var init = Of(Compile(config => WithMount(config, "/etc/x.conf", "bind", "/srv/x.conf", "bind")), PlanSection.Init);
        var move = init.Single(operation => operation is { Code: PlanCode.MoveMount, S: "/etc/x.conf" });
        Assert.That(init.Single(operation => operation is { Code: PlanCode.Touch, S: "/etc/x.conf" }).B, Is.EqualTo(move.A));
    }

    [Test]
    public void A_mount_destination_cannot_climb_out() =>
        Assert.That(
            Of(Compile(config => WithMount(config, "/../../etc/../data", "bind", "/srv", "bind")), PlanSection.Init).Select(operation => (operation.Code, operation.S)),
            Does.Contain((PlanCode.Touch, "/data")));

    [Test]
    public void A_volatile_overlay_need_not_be_held() =>
        Assert.That(
            PlanCompiler.Compile(Request() with { Overlay = s_overlay with { Volatile = true } }).Operations.Single(operation => operation.Code == PlanCode.Overlay).Strings,
            Does.Contain("volatile"));

    [Test]
    public void A_user_namespace_maps_the_layers_and_binds_the_hosts_nodes()
    {
        var plan = Compile(config => WithLinux(config, linux => linux with
        {
            Namespaces = [.. linux.Namespaces, new LinuxNamespace(NamespaceType.User)],
            UidMappings = [new IdMapping(0, 100000, 65536)],
            GidMappings = [new IdMapping(0, 100000, 65536)],
            Sysctl = new Dictionary<string, string>(),
        }));
        var supervisor = Of(plan, PlanSection.Supervisor);
        Assert.That(supervisor.Count(operation => operation.Code == PlanCode.Setattr && operation.X == 0x100000), Is.EqualTo(2), "the two image layers");
        Assert.That(supervisor.Where(operation => operation.Code == PlanCode.WriteInit).Select(operation => operation.S), Is.EqualTo(new[] { "uid_map", "gid_map", "oom_score_adj" }));
        Assert.That(Of(plan, PlanSection.Init).Where(operation => operation.Code == PlanCode.Mknod).All(operation => operation.B >= 0));
    }

    [Test]
    public void A_new_user_namespace_without_mappings_knows_root_alone()
    {
        var plan = Compile(config => WithLinux(config, linux => linux with
        {
            Namespaces = [.. linux.Namespaces, new LinuxNamespace(NamespaceType.User)],
            Sysctl = new Dictionary<string, string>(),
        }));
        Assert.That(
            Of(plan, PlanSection.Supervisor).Where(operation => operation.Code == PlanCode.WriteInit && operation.S!.EndsWith("_map", StringComparison.Ordinal))
                .Select(operation => System.Text.Encoding.ASCII.GetString(operation.Block.Span)),
            Is.EqualTo(new[] { "0 0 1\n", "0 0 1\n" }));
    }

    [TestCase("bind", false, null)]
    [TestCase("bind,nodev", false, 0x20000bUL)]
    [TestCase("bind,rw", false, 0x20000fUL)]
    [TestCase("bind,ro", true, 0x200000UL)]
    [TestCase("bind,exec", true, 0x200008UL)]
    public void A_bind_that_asks_for_an_attribute_clears_those_it_does_not_ask_for(string options, bool user, ulong? cleared)
    {
        var plan = Compile(config => WithLinux(WithMount(config, "/data", "bind", "/srv", options.Split(',')), linux => user
            ? linux with { Namespaces = [.. linux.Namespaces, new LinuxNamespace(NamespaceType.User)], Sysctl = new Dictionary<string, string>() }
            : linux));
        var setting = Of(plan, PlanSection.Supervisor).Where(operation => operation is { Code: PlanCode.Setattr, Subject: "/data" }).ToList();
        Assert.That(setting.Select(operation => operation.Y).Where(clear => clear != 0), Is.EqualTo(cleared is { } value ? new[] { value } : []));
    }

    [Test]
    public void Duplicate_variables_keep_the_last_value() =>
        Assert.That(IdentityPlan.Environment(["A=1", "B=2", "A=3", "C"]), Is.EqualTo(new[] { "B=2", "A=3", "C" }));

    [Test]
    public void A_command_is_looked_for_in_the_processs_own_path() =>
        Assert.That(
            IdentityPlan.Candidates(new RuntimeProcess { Args = ["x"], Env = ["PATH=/a:/b/::"] }), Is.EqualTo(new[] { "/a/x", "/b/x", "./x", "./x" }));

    [Test]
    public void Compiling_twice_gives_the_same_bytes()
    {
        var first = Compile().Encode();
        var second = Compile().Encode();
        Assert.That(second, Is.EqualTo(first));
    }

    [Test]
    public void Hostile_settings_are_refused_by_name()
    {
        Assert.That(Refusal(config => WithMount(config, "/proc/sys", "tmpfs", "tmpfs")), Does.Contain("/proc/sys is inside /proc"));
        Assert.That(Refusal(config => config with { Mounts = [new RuntimeMount { Destination = "/proc", Type = "tmpfs", Source = "tmpfs" }] }), Does.Contain("only procfs"));
        Assert.That(Refusal(config => config with { Mounts = [new RuntimeMount { Destination = "/proc", Type = "tmpfs", Source = "proc" }] }), Does.Contain("only procfs"));
        Assert.That(Refusal(config => config with { Mounts = [new RuntimeMount { Destination = "/proc", Type = "bind", Source = "proc" }] }), Does.Contain("only procfs"));
        Assert.That(Refusal(config => WithLinux(config, linux => linux with { Sysctl = new Dictionary<string, string> { ["kernel.core_pattern"] = "|/x" } })), Does.Contain("kernel.core_pattern"));
        Assert.That(Refusal(config => WithLinux(config, linux => linux with { Sysctl = new Dictionary<string, string> { ["net.../../kernel/x"] = "1" } })), Does.Contain("no name of a kernel parameter"));
        Assert.That(Refusal(config => WithLinux(config, linux => linux with { Sysctl = new Dictionary<string, string> { ["net.ipv4.ip_forward"] = "1\n2" } })), Does.Contain("more than one line"));
        Assert.That(Refusal(config => WithLinux(config with { Domainname = "a" }, linux => linux with { Sysctl = new Dictionary<string, string> { ["kernel.domainname"] = "b" } })), Does.Contain("conflicts"));
        Assert.That(Refusal(config => WithLinux(config, linux => linux with { Sysctl = new Dictionary<string, string> { ["user.max_user_namespaces"] = "1" } })), Does.Contain("user namespace"));
        Assert.That(Refusal(config => WithProcess(config, process => process with { Args = [] })), Does.Contain("no command"));
        Assert.That(Refusal(config => WithProcess(config, process => process with { Rlimits = [new ProcessRlimit("RLIMIT_X", 1, 1)] })), Does.Contain("RLIMIT_X"));
        Assert.That(Refusal(config => WithLinux(config, linux => linux with { Namespaces = [new LinuxNamespace(NamespaceType.Pid)] })), Does.Contain("mount namespace"));
    }

    [Test]
    public void Where_pivot_root_cannot_work_the_hosts_proc_and_sys_go_before_the_root_is_entered()
    {
        var plan = PlanCompiler.Compile(Request() with { NoPivot = true });
        var steps = Of(plan, PlanSection.Init).Where(operation => operation is { Code: PlanCode.Umount or PlanCode.PivotRoot } or { Code: PlanCode.MoveMount, B: < 0 });
        Assert.That(
            steps.Select(operation => (operation.Code, operation.S)),
            Is.EqualTo(new[] { (PlanCode.Umount, "sysfs"), (PlanCode.Umount, "proc"), (PlanCode.MoveMount, "/"), (PlanCode.PivotRoot, null) }));
    }

    [Test]
    public void In_the_callers_mount_namespace_nothing_but_the_roots_own_directory_is_touched()
    {
        var request = Request(config => WithLinux(config, linux => linux with { Namespaces = [.. linux.Namespaces.Where(ns => ns.Type != NamespaceType.Mount)], MaskedPaths = [], ReadonlyPaths = [] }));
        var init = Of(PlanCompiler.Compile(request with { Overlay = null, Bundle = "/bundle" }), PlanSection.Init);
        Assert.That(init.Where(operation => operation.Code == PlanCode.Propagation), Is.Empty);
        Assert.That(init.Where(operation => operation.Code == PlanCode.MoveMount && operation.B < 0), Is.Empty, "a mount over the caller's own root");
        Assert.That(init.Single(operation => operation.Code == PlanCode.PivotRoot).Flags, Is.EqualTo(1));
    }

    [Test]
    public void A_session_keyring_may_stay_the_callers()
    {
        var config = DefaultSpec.Create(["sh"]);
        var exec = PlanCompiler.CompileExec(new ExecPlanRequest { Config = config, Process = config.Process!, Ending = s_monitor, NoNewKeyring = true });
        foreach (var plan in (LaunchPlan[])[PlanCompiler.Compile(Request() with { NoNewKeyring = true }), exec])
        {
            Assert.That(plan.Operations.Select(operation => operation.Code), Does.Not.Contain(PlanCode.Keyring));
        }
    }

    [Test]
    public void A_nul_in_an_argument_is_refused() =>
        Assert.That(
            Assert.Throws<BundtException>(() => Compile(config => WithProcess(config, process => process with { Args = ["a\0b"] })).Encode())!.Message, Does.Contain("NUL"));

    [Test]
    public void The_printed_plan_names_parties_operations_and_subjects()
    {
        var lines = Compile().Print().Split('\n');
        Assert.That(lines, Has.Some.Match(@"^ *\d+ init +mount +proc \[source=proc\] .*=> \$proc\.\d+ # /proc$"));
        Assert.That(lines, Has.Some.Match(@"^ *\d+ supervisor overlay .*/c/merged"));
        Assert.That(lines[^2], Does.Match(@"^ *\d+ init +exec +\[true\]"));
    }

    [Test]
    public void An_exec_joins_what_the_container_has_and_enters_its_pid_namespace_last()
    {
        var config = DefaultSpec.Create(["sh"]);
        var plan = PlanCompiler.CompileExec(new ExecPlanRequest { Config = config, Process = config.Process!, Ending = s_monitor });
        var joins = plan.Operations.Where(operation => operation.Code == PlanCode.Setns).ToArray();
        Assert.That(joins.Select(operation => (operation.Section, operation.X & 0x20000000)), Is.EqualTo(new[] { (PlanSection.Joiner, 0x20000000UL) }));
        Assert.That(Of(plan, PlanSection.Joiner)[^1].Code, Is.EqualTo(PlanCode.Clone));
        Assert.That(plan.SlotOf(PlanInputKind.InitPidFd), Is.GreaterThan(1));
    }

    [Test]
    public void Container_and_exec_leave_the_callers_session_keyring_before_they_change_their_user()
    {
        var config = DefaultSpec.Create(["sh"]);
        var exec = PlanCompiler.CompileExec(new ExecPlanRequest { Config = config, Process = config.Process!, Ending = s_monitor });
        foreach (var operations in (List<PlanOperation>[])[[.. Of(Compile(), PlanSection.Init)], [.. Of(exec, PlanSection.Joiner)]])
        {
            var codes = operations.ConvertAll(operation => operation.Code);
            Assert.That(codes.IndexOf(PlanCode.Keyring), Is.GreaterThanOrEqualTo(0).And.LessThan(codes.LastIndexOf(PlanCode.Setuid)));
        }
    }

    private static LaunchPlan CompileExec(IReadOnlyList<string> capabilities, ReadOnlyMemory<byte> filter, bool terminal = false)
    {
        var config = WithProcess(DefaultSpec.Create(["sh"]), process => process with { Capabilities = DefaultSpec.CapabilitySets(capabilities), Terminal = terminal });
        return PlanCompiler.CompileExec(new ExecPlanRequest { Config = config, Process = config.Process!, Ending = s_monitor, Filter = filter });
    }

    [Test]
    public void An_exec_enters_with_nothing_left_to_take([Values] bool terminal)
    {
        var plan = CompileExec(["CAP_SYS_PTRACE", "CAP_CHOWN"], SeccompCompiler.Compile(DefaultSpec.Seccomp(["CAP_SYS_PTRACE", "CAP_CHOWN"])), terminal);
        var joiner = Of(plan, PlanSection.Joiner).ConvertAll(operation => operation.Code);
        Assert.That(joiner[^3..], Is.EqualTo(new[] { PlanCode.Seccomp, PlanCode.Capset, PlanCode.Clone }));
        Assert.That(joiner, Does.Contain(PlanCode.Setns).And.Contain(PlanCode.Setuid).And.Contain(PlanCode.ResolveExec));
        Assert.That(joiner.IndexOf(PlanCode.CloseUnneeded), Is.GreaterThan(joiner.LastIndexOf(PlanCode.Setns)));
        Assert.That(
            Of(plan, PlanSection.Init).Select(operation => operation.Code),
            Is.EqualTo(terminal
                ? new[] { PlanCode.Recv, PlanCode.Setsid, PlanCode.Ctty, PlanCode.Stdio, PlanCode.Exec }
                : new[] { PlanCode.Recv, PlanCode.Setsid, PlanCode.Exec }));
    }

    [Test]
    public void A_pid_namespace_of_others_is_entered_with_nothing_left_to_take([Values] bool fromOutside)
    {
        var filter = SeccompCompiler.Compile(DefaultSpec.Seccomp([]));
        var config = WithLinux(DefaultSpec.Create(["sh"]), linux => linux with
        {
            Namespaces = [.. linux.Namespaces.Select(ns => ns.Type == NamespaceType.Pid ? ns with { Path = "/proc/7/ns/pid" } : ns)],
        });
        var plan = PlanCompiler.Compile(new PlanRequest
        {
            Id = "joins",
            Config = config,
            Ending = new PlanEnding.HandOff("/fifo", false),
            Filter = filter,
            Host = new HostFacts { MountsProcOfOthers = () => fromOutside },
        });
        var joiner = Of(plan, PlanSection.Joiner);
        if (!fromOutside)
        {
            Assert.That(joiner, Is.Empty);
            return;
        }

        var codes = joiner.ConvertAll(operation => operation.Code);
        Assert.That(codes[^3..], Is.EqualTo(new[] { PlanCode.Seccomp, PlanCode.Capset, PlanCode.Clone }));
        Assert.That(codes, Does.Contain(PlanCode.PivotRoot).And.Contain(PlanCode.Setuid));
        Assert.That(codes.LastIndexOf(PlanCode.Setns), Is.GreaterThan(codes.IndexOf(PlanCode.PivotRoot)).And.LessThan(codes.IndexOf(PlanCode.Setuid)));
        Assert.That(joiner.Single(operation => operation is { Code: PlanCode.MountFs, S: "proc" }).Flags, Is.EqualTo(2));
        Assert.That(
            Of(plan, PlanSection.Init).Select(operation => operation.Code),
            Is.EqualTo(new[] { PlanCode.Setsid, PlanCode.Recv, PlanCode.WaitStart, PlanCode.Exec }));
    }

    [Test]
    public void A_filter_that_lets_nothing_start_is_loaded_after_the_start()
    {
        var filter = SeccompCompiler.Compile(new LinuxSeccomp
        {
            DefaultAction = "SCMP_ACT_ALLOW",
            Syscalls = [new SeccompRule { Names = ["clone"], Action = "SCMP_ACT_ERRNO" }],
        });
        var plan = CompileExec(["CAP_SYS_PTRACE"], filter);
        Assert.That(Of(plan, PlanSection.Joiner).Select(operation => operation.Code), Does.Not.Contain(PlanCode.Seccomp));
        Assert.That(Of(plan, PlanSection.Init)[^3..].Select(operation => operation.Code), Is.EqualTo(new[] { PlanCode.Seccomp, PlanCode.Capset, PlanCode.Exec }));
    }

    [TestCase("bind")]
    [TestCase("rbind")]
    public void A_dev_of_the_users_own_is_left_as_it_is(string type)
    {
        var plan = Compile(config => config with { Mounts = [new RuntimeMount { Destination = "/dev", Type = type, Source = "/srv/dev" }] });
        Assert.That(Of(plan, PlanSection.Init).Select(operation => operation.Code), Does.Not.Contain(PlanCode.Mknod).And.Not.Contain(PlanCode.Symlink));
    }

    [Test]
    public void No_link_leads_to_where_procfs_and_sysfs_are_mounted()
    {
        var moves = Of(Compile(), PlanSection.Init).Where(operation => operation.Code == PlanCode.MoveMount).ToArray();
        Assert.That(moves.Where(operation => (operation.Flags & 2) != 0).Select(operation => operation.S), Is.EqualTo(new[] { "/proc", "/sys" }));
    }
}
