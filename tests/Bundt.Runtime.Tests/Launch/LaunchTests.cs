using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Files;
using Bundt.Linux.Mounts;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Tests.Launch;

/// <summary>Real containers under real monitors, from a layer with busybox.</summary>
[NonParallelizable]
public sealed class LaunchTests
{
    private string _directory = "";
    private string _layer = "";
    private int _count;

    [OneTimeSetUp]
    public void MakeLayer()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root");
        }

        if (!File.Exists(Repository.Launcher) || !File.Exists("/bin/busybox"))
        {
            Assert.Ignore("needs bundt-launcher (make native) and busybox");
        }

        Environment.SetEnvironmentVariable("BUNDT_LAUNCHER", Repository.Launcher);
        _directory = Directory.CreateTempSubdirectory("bundt-launch-").FullName;
        _layer = Path.Combine(_directory, "layer");
        Directory.CreateDirectory(_layer + "/bin");
        Directory.CreateDirectory(_layer + "/etc");
        File.Copy("/bin/busybox", _layer + "/bin/busybox");
        foreach (var name in (string[])["sh", "cat", "echo", "id", "sleep", "grep", "ls", "stty", "tty", "touch", "stat", "true", "ps", "kill"])
        {
            File.CreateSymbolicLink($"{_layer}/bin/{name}", "busybox");
        }

        File.WriteAllText(_layer + "/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        File.WriteAllText(_layer + "/bin/script", "#!/no/interpreter\n");
        File.WriteAllBytes(_layer + "/bin/alien", [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xf3, 0, .. new byte[100]]);
        using (var layer = DirectoryFd.OpenHost(_layer))
        {
            layer.SetMode("bin/script", (UnixFileMode)0x1ed);
            layer.SetMode("bin/alien", (UnixFileMode)0x1ed);
        }

        File.WriteAllText(_layer + "/etc/plain", "text");
    }

    [OneTimeTearDown]
    public void RemoveLayer()
    {
        if (_directory.Length > 0)
        {
            using var parent = DirectoryFd.OpenHost(Path.GetTempPath());
            parent.RemoveTree(Path.GetFileName(_directory));
        }
    }

    private sealed record Ended(int Code, string Output, string Error);

    private LaunchRequest Request(IReadOnlyList<string> args, Func<RuntimeConfig, RuntimeConfig>? change = null, bool tty = false)
    {
        var id = "launchtest-" + Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "-" + (++_count).ToString(CultureInfo.InvariantCulture);
        var state = Path.Combine(_directory, id);
        foreach (var name in (string[])["upper", "work", "merged"])
        {
            Directory.CreateDirectory(Path.Combine(state, name));
        }

        var config = DefaultSpec.Create(args) with { Hostname = "cake" };
        config = config with { Process = config.Process! with { Terminal = tty } };
        return new LaunchRequest
        {
            Id = id,
            Config = (change ?? (c => c))(config),
            Overlay = new OverlayRoot { Lowers = [_layer], Upper = state + "/upper", Work = state + "/work", Scratch = state + "/merged" },
            Monitor = new MonitorSettings { StateDirectory = state, SocketDirectory = state },
        };
    }

    private static Ended Run(LaunchRequest request)
    {
        using var launched = ContainerLauncher.Launch(request);
        using var monitor = new PidFd(launched.MonitorPid, launched.MonitorPidFd);
        Assert.That(monitor.WaitForEnd(30_000), "the monitor ends");
        monitor.Reap();
        ContainerCgroup.Remove(request.Id);
        return Result(request.Monitor.StateDirectory);
    }

    private Ended Run(params string[] args) => Run(Request(args));

    private Ended Shell(string script, Func<RuntimeConfig, RuntimeConfig>? change = null) => Run(Request(["sh", "-c", script], change));

    private static Ended Result(string state)
    {
        var exit = File.ReadLines(state + "/exit").Select(line => line.Split(' ', 2)).Where(parts => parts.Length == 2).ToDictionary(parts => parts[0], parts => parts[1]);
        var output = new StringBuilder();
        var error = new StringBuilder();
        // Made with the first byte that is logged.
        var log = File.Exists(state + "/stdio.log") ? File.ReadAllBytes(state + "/stdio.log") : [];
        for (var at = 0; at < log.Length;)
        {
            var length = BitConverter.ToInt32(log, at + 8);
            var stream = log[at + 12] switch
            {
                1 => output,
                2 => error,
                _ => null, // a position
            };
            stream?.Append(Encoding.UTF8.GetString(log, at + 16, length));
            at += 16 + length;
        }

        return new Ended(int.Parse(exit["status"], CultureInfo.InvariantCulture), output.ToString(), error.ToString());
    }

    private static BundtException Failure(LaunchRequest request)
    {
        var failure = Assert.Throws<BundtException>(() => ContainerLauncher.Launch(request).Dispose())!;
        Assert.That(ContainerCgroup.List(), Does.Not.Contain(request.Id), "nothing is left");
        return failure;
    }

    private BundtException Failure(params string[] args) => Failure(Request(args));

    [Test]
    public void Output_and_exit_code_come_back()
    {
        var ended = Shell("echo out; echo err >&2; exit 7");
        Assert.That((ended.Code, ended.Output, ended.Error), Is.EqualTo((7, "out\n", "err\n")));
    }

    [Test]
    public void A_root_and_a_network_that_were_made_ahead_are_the_containers()
    {
        var request = Request(["sh", "-c", "readlink /proc/self/ns/net; echo written > /file; cat /file; grep -c . /proc/net/if_inet6 || true"]);
        using var root = OverlayMount.TryMake(request.Overlay!.Lowers, request.Overlay.Upper, request.Overlay.Work, request.Overlay.Options);
        if (root is null)
        {
            Assert.Ignore("an overlay can be mounted ahead from Linux 6.13 on");
        }

        using var network = NetworkNamespace.Create();
        var ended = Run(request with { Root = root, NetworkNamespace = network });

        var inode = File.ResolveLinkTarget($"/proc/self/fd/{network.DangerousGetHandle()}", false)!.Name;
        Assert.That(ended.Output, Does.StartWith($"{inode}\nwritten\n"), ended.Error);
        Assert.That(File.ReadAllText(request.Overlay.Upper + "/file"), Is.EqualTo("written\n"));
    }

    [Test]
    public void An_overlay_of_nothing_cannot_be_made_ahead()
    {
        var request = Request(["true"]);
        Assert.That(OverlayMount.TryMake([], request.Overlay!.Upper, request.Overlay.Work, request.Overlay.Options), Is.Null);
        Assert.That(OverlayMount.TryMake([_layer], request.Overlay.Upper, request.Overlay.Work, ["nonsense=1"]), Is.Null);
    }

    [Test]
    public void A_signal_gives_128_and_its_number() => Assert.That(Shell("kill -9 $$").Code, Is.EqualTo(0).Or.EqualTo(137));

    [Test]
    public void It_is_process_one_in_namespaces_of_its_own_with_dockers_rights()
    {
        var ended = Shell("echo $$; cat /proc/sys/kernel/hostname; grep -E '^(CapEff|CapInh|CapAmb|Seccomp|NoNewPrivs)' /proc/self/status; ls /proc/self/fd; cat /proc/self/cgroup | grep ^0");
        Assert.That(ended.Output, Does.StartWith("1\ncake\n").And.Contain("CapInh:\t0000000000000000").And.Contain("CapEff:\t00000000a80425fb").And.Contain("Seccomp:\t2"));
        Assert.That(ended.Output, Does.EndWith("0\n1\n2\n3\n0::/\n"), "no descriptor beside stdio and ls's own");
    }

    [Test]
    public void The_writable_layer_gets_what_is_written()
    {
        var request = Request(["touch", "/written"]);
        Assert.That(Run(request).Code, Is.Zero);
        Assert.That(File.Exists(request.Overlay!.Upper + "/written"));
        Assert.That(File.ReadAllText("/proc/self/mountinfo"), Does.Not.Contain(request.Id), "the host's mount table is as before");
    }

    [Test]
    public void What_cannot_be_executed_is_explained()
    {
        var missing = Failure("nosuch");
        Assert.That((missing.Kind, missing.Message), Is.EqualTo((FailureKind.CommandNotFound, "exec: \"nosuch\": executable file not found in $PATH")));
        Assert.That(Failure("/no/such").Kind, Is.EqualTo(FailureKind.CommandNotFound));
        Assert.That(Failure("/etc/plain").Kind, Is.EqualTo(FailureKind.CommandNotExecutable));
        Assert.That(Failure("/etc").Kind, Is.EqualTo(FailureKind.CommandNotExecutable));
        var script = Failure("/bin/script");
        Assert.That((script.Kind, script.Message), Is.EqualTo(
            (FailureKind.CommandNotFound, "exec /bin/script: no such file or directory. The file exists; its interpreter /no/interpreter does not.")));
        Assert.That(Failure("/bin/alien").Message, Does.Contain("exec format error"));
    }

    [Test]
    public void A_failed_mount_names_the_operation_and_the_path()
    {
        var failure = Failure(Request(["true"], config => config with
        {
            Mounts = [.. config.Mounts, new RuntimeMount { Destination = "/x", Type = "nosuchfs", Source = "x" }],
        }));
        Assert.That((failure.Phase, failure.Operation, failure.Path, failure.Errno), Is.EqualTo((Phase.Mount, "mount nosuchfs", "/x", Errno.ENODEV)));
        var source = Failure(Request(["true"], config => config with
        {
            Mounts = [.. config.Mounts, new RuntimeMount { Destination = "/x", Type = "bind", Source = "/no/such/source", Options = ["bind"] }],
        }));
        Assert.That(source.Message, Does.Contain("/no/such/source"));
    }

    [Test]
    public void A_user_namespace_shows_the_layers_files_as_its_own_roots()
    {
        var ended = Shell("id -u; stat -c %u /bin/busybox; echo x > /made; stat -c %u /made /dev/null; cat /proc/self/uid_map", config => config with
        {
            Linux = config.Linux! with
            {
                Namespaces = [.. config.Linux.Namespaces, new LinuxNamespace(NamespaceType.User)],
                UidMappings = [new IdMapping(0, 200000, 65536)],
                GidMappings = [new IdMapping(0, 200000, 65536)],
                Sysctl = new Dictionary<string, string>(),
            },
        });
        Assert.That(ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Take(3), Is.EqualTo(new[] { "0", "0", "0" }), ended.Error);
        Assert.That(ended.Output, Does.Contain("200000"));
    }

    [Test]
    public void Ids_and_groups_are_exactly_those_given()
    {
        var ended = Shell("grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status", config => config with
        {
            Process = config.Process! with { User = new ProcessUser { Uid = 1000, Gid = 50, AdditionalGids = [50, 7] } },
        });
        Assert.That(ended.Output, Is.EqualTo("Uid:\t1000\t1000\t1000\t1000\nGid:\t50\t50\t50\t50\nGroups:\t7 50 \nCapEff:\t0000000000000000\n"));
    }

    [Test]
    public void A_terminal_is_a_terminal()
    {
        var request = Request(["sh", "-c", "tty; stty size; test -c /dev/console && echo console"], tty: true);
        var ended = Run(request with { Monitor = request.Monitor with { Rows = 33, Columns = 99 } });
        Assert.That(ended.Output.Replace("\r", "", StringComparison.Ordinal), Is.EqualTo("/dev/pts/0\n33 99\nconsole\n"));
    }

    [Test]
    public void An_init_process_reaps_and_passes_the_exit_code_on()
    {
        var ended = Run(Request(["sh", "-c", "echo $$; (sleep 0.01 &); exit 5"]) with { InitProcess = true });
        Assert.That((ended.Code, ended.Output), Is.EqualTo((5, "2\n")));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void An_exec_is_in_the_same_namespaces_and_has_an_exit_code_of_its_own(bool traceable)
    {
        string[] capabilities = [.. DefaultSpec.Capabilities, .. traceable ? ["CAP_SYS_PTRACE"] : (string[])[]];
        var request = Request(["sleep", "1000"], config => config with
        {
            Process = config.Process! with { Capabilities = DefaultSpec.CapabilitySets(capabilities), OomScoreAdj = 17 },
            Linux = config.Linux! with { Seccomp = DefaultSpec.Seccomp(capabilities) },
        });
        using var launched = ContainerLauncher.Launch(request);
        using var monitor = new PidFd(launched.MonitorPid, launched.MonitorPidFd);
        try
        {
            var state = Directory.CreateDirectory(request.Monitor.StateDirectory + "/exec").FullName;
            ExecRequest Exec(params string[] args) => new()
            {
                Id = request.Id,
                ExecId = "e",
                InitPid = launched.Pid,
                InitStart = launched.StartTime,
                Config = request.Config,
                Process = request.Config.Process! with { Args = args },
                Monitor = new MonitorSettings { StateDirectory = state, SocketDirectory = state },
            };

            using (var process = ContainerLauncher.Exec(Exec("sh", "-c", "cat /proc/sys/kernel/hostname; cat /proc/1/cmdline; grep ^0 /proc/self/cgroup; cat /proc/self/oom_score_adj; exit 3")))
            using (var monitorOfExec = new PidFd(process.MonitorPid, process.MonitorPidFd))
            {
                Assert.That(monitorOfExec.WaitForEnd(30_000));
                monitorOfExec.Reap();
            }

            var ended = Result(state);
            Assert.That((ended.Code, ended.Output.Replace('\0', ' ')), Is.EqualTo((3, "cake\nsleep 1000 0::/\n17\n")));
            Assert.That(Assert.Throws<BundtException>(() => ContainerLauncher.Exec(Exec("nosuch")))!.Kind, Is.EqualTo(FailureKind.CommandNotFound));
            Assert.That(
                Assert.Throws<BundtException>(() => ContainerLauncher.Exec(Exec("true") with { InitStart = 1 }))!.Kind, Is.EqualTo(FailureKind.Conflict), "another life of that pid");
            ContainerCgroup.SetFrozen(request.Id, true);
            Assert.That(CgroupHierarchy.Host.TryOpen("/bundt/" + request.Id)!.ReadKey("cgroup.events", "frozen"), Is.EqualTo("1"));
            ContainerCgroup.SetFrozen(request.Id, false);
        }
        finally
        {
            ContainerCgroup.Kill(request.Id);
            monitor.WaitForEnd(30_000);
            monitor.Reap();
            ContainerCgroup.Remove(request.Id);
        }

        Assert.That(Result(request.Monitor.StateDirectory).Code, Is.EqualTo(137));
    }

    [Test]
    public void A_limit_whose_controller_is_missing_is_refused_with_its_holder()
    {
        if (CgroupHierarchy.Host.Has("memory"))
        {
            Assert.Ignore("the memory controller is at hand here");
        }

        var failure = Failure(Request(["true"], config => config with
        {
            Linux = config.Linux! with { Resources = new LinuxResources { Memory = new MemoryResources { Limit = 64 << 20 } } },
        }));
        Assert.That(failure.Message, Does.Contain("no memory controller").And.Contain("holds it"));
    }

    [Test]
    public void A_device_that_no_rule_allows_cannot_be_opened()
    {
        var ended = Shell("cat /dev/null && echo null; head -c 1 /dev/mem 2>/dev/null || echo refused", config => config with
        {
            Linux = config.Linux! with { Devices = [new LinuxDevice { Path = "/dev/mem", Type = 'c', Major = 1, Minor = 1 }] },
        });
        Assert.That(ended.Output, Does.Contain("null\n").And.Contain("refused"));
    }
}
