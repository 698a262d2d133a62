using System.Diagnostics;
using System.Text;
using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Linux;
using Microsoft.Extensions.Logging.Abstractions;

namespace Bundt.Engine.Tests;

/// <summary>The engine with the real launcher and the real kernel: busybox in a directory is the image.</summary>
[TestFixture]
public sealed class RealContainerTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private string _root = "";
    private TestImages _images = null!;
    private ContainerEngine _engine = null!;

    [OneTimeSetUp]
    public void NeedRootAndTheLauncher()
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists("/bin/busybox"))
        {
            Assert.Ignore("needs root and busybox-static");
        }

        if (!File.Exists(Environment.GetEnvironmentVariable("BUNDT_LAUNCHER")))
        {
            var directory = TestContext.CurrentContext.TestDirectory;
            while (directory is not null && !File.Exists(Path.Combine(directory, "out/libexec/bundt-launcher")))
            {
                directory = Path.GetDirectoryName(directory);
            }

            if (directory is null)
            {
                Assert.Ignore("needs out/libexec/bundt-launcher: make native");
            }

            Environment.SetEnvironmentVariable("BUNDT_LAUNCHER", Path.Combine(directory, "out/libexec/bundt-launcher"));
        }
    }

    [SetUp]
    public async Task Open()
    {
        _root = Directory.CreateTempSubdirectory("bundt-real-").FullName;
        Directory.CreateDirectory(_root);
        var layer = Path.Combine(_root, "layer");
        _images = new TestImages(layer);
        foreach (var directory in (string[])["bin", "etc", "tmp", "proc", "sys", "dev", "root"])
        {
            Directory.CreateDirectory(Path.Combine(layer, directory));
        }

        File.Copy("/bin/busybox", Path.Combine(layer, "bin/busybox"));
        foreach (var name in (string[])["sh", "cat", "echo", "true", "sleep", "ls", "id", "stty", "mount", "hostname", "touch", "ps"])
        {
            File.CreateSymbolicLink(Path.Combine(layer, "bin", name), "busybox");
        }

        File.WriteAllText(Path.Combine(layer, "etc/passwd"), "root:x:0:0::/root:/bin/sh\nbaker:x:100:101::/home/baker:/bin/sh\n");
        File.WriteAllText(Path.Combine(layer, "etc/group"), "root:x:0:\noven:x:101:\nflour:x:102:baker\n");
        File.WriteAllText(Path.Combine(layer, "bin/plain"), "no program");
        _engine = await OpenAsync();
    }

    [TearDown]
    public async Task Close()
    {
        foreach (var container in _engine?.List() ?? [])
        {
            await container.RemoveAsync(true, true, default).WaitAsync(s_patience);
        }

        await (_engine?.TrashEmptied() ?? Task.CompletedTask).WaitAsync(s_patience);
        await (_engine?.DisposeAsync() ?? default);
        if (_root.Length > 0)
        {
            Directory.Delete(_root, true);
        }
    }

    [Test]
    public async Task Output_exit_code_and_log_come_back()
    {
        var container = await CreateAsync(["sh", "-c", "echo out; echo err >&2; exit 7"]);
        var waiting = container.WaitAsync(WaitCondition.NextExit, default);
        await container.StartAsync(default);

        Assert.That((await waiting.WaitAsync(s_patience)).ExitCode, Is.EqualTo(7));
        Assert.That(await LogAsync(container, new LogOptions(true, false)), Is.EqualTo("out\n"));
        Assert.That(await LogAsync(container, new LogOptions(false, true)), Is.EqualTo("err\n"));
        await container.Aftermath.WaitAsync(s_patience);
        Assert.That(Cgroups(container), Is.Empty);
        await AssertNoLeaseAsync();
    }

    [Test]
    public async Task The_next_container_of_an_image_is_made_ahead_and_is_like_any_other([Values] bool remove)
    {
        const string Script = "hostname; cat /etc/hostname; echo own >> /etc/hosts; cat /etc/hosts; ls /etc; echo written > /file; cat /file";
        var first = await CreateAsync(["sh", "-c", Script], s => s with { Hostname = "pan", AutoRemove = remove });
        var output = await OutputAsync(first);
        await first.Aftermath.WaitAsync(s_patience);
        await _engine.Prepared.Filled.WaitAsync(s_patience);
        var ahead = Directory.GetDirectories(Path.Combine(_root, "containers")).Select(Path.GetFileName).ToList();

        var second = await CreateAsync(["sh", "-c", Script], s => s with { Hostname = "pan", AutoRemove = remove });
        Assert.That(ahead, Does.Contain(second.Id), "its directory was there before it");
        Assert.That(await OutputAsync(second), Is.EqualTo(output).And.EndsWith("written\n"));
        if (!remove)
        {
            Assert.That(await OutputAsync(second), Does.EndWith("written\n"), "started once more, on its own directory");
        }
    }

    [Test]
    public async Task A_container_that_was_made_ahead_and_never_started_leaves_nothing()
    {
        var first = await CreateAsync(["true"]);
        await OutputAsync(first);
        await first.Aftermath.WaitAsync(s_patience);
        await _engine.Prepared.Filled.WaitAsync(s_patience);
        var second = await CreateAsync(["true"]);
        await first.RemoveAsync(false, false, default);
        await second.RemoveAsync(false, false, default);
        await AssertNoLeaseAsync();
        await _engine.TrashEmptied().WaitAsync(s_patience);
        Assert.That(Directory.GetDirectories(Path.Combine(_root, "containers")), Is.Empty);
    }

    [TestCase("nowhere", 127, "executable file not found in $PATH")]
    [TestCase("/nowhere", 127, "no such file or directory")]
    [TestCase("/bin/plain", 126, "permission denied")]
    [TestCase("/etc", 126, "permission denied")]
    public async Task A_command_that_cannot_run_fails_the_start_in_Dockers_words(string command, int exitCode, string words)
    {
        var container = await CreateAsync([command]);
        var failure = await Assert.ThrowsAsync<BundtException>(() => container.StartAsync(default));

        Assert.That(failure!.Message, Does.Contain(words).IgnoreCase);
        Assert.That(failure.Message, Does.StartWith("failed to create task for container: "));
        Assert.That(container.State.ExitCode, Is.EqualTo(exitCode));
        Assert.That(Cgroups(container), Is.Empty);
        await container.RemoveAsync(false, false, default);
    }

    [Test]
    public async Task Stdin_reaches_the_container_and_its_output_comes_from_the_first_byte()
    {
        var container = await CreateAsync(["sh", "-c", "echo first; cat; echo last"], s => s with { OpenStdin = true, StdinOnce = true });
        await using var attachment = await container.AttachAsync(new AttachOptions(true, true, true), default);
        await container.StartAsync(default);
        var large = new byte[3 << 20];
        Random.Shared.NextBytes(large);
        var writing = Task.Run(async () =>
        {
            await attachment.WriteStdinAsync(large, default);
            await attachment.CloseStdinAsync(default);
        });

        var output = await OutputAsync(attachment);
        await writing;

        Assert.That(output.AsSpan(0, 6).SequenceEqual("first\n"u8));
        Assert.That(output.AsSpan(6, large.Length).SequenceEqual(large));
        Assert.That(Encoding.UTF8.GetString(output.AsSpan(6 + large.Length)), Is.EqualTo("last\n"));
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Exited));
    }

    [Test]
    public async Task A_terminal_has_the_size_that_it_is_given()
    {
        var container = await CreateAsync(["sh", "-c", "stty size; read x; stty size"], s => s with { Tty = true, OpenStdin = true, ConsoleSize = (33, 77) });
        await using var attachment = await container.AttachAsync(new AttachOptions(true, true, true), default);
        await container.StartAsync(default);
        var first = await attachment.ReadAsync(default).AsTask().WaitAsync(s_patience);
        Assert.That(Encoding.UTF8.GetString(first!.Value.Bytes.Span), Does.StartWith("33 77"));
        await container.ResizeAsync(44, 88, default);
        await attachment.WriteStdinAsync("\n"u8.ToArray(), default);
        Assert.That(Encoding.UTF8.GetString(await OutputAsync(attachment)), Does.EndWith("44 88\r\n"));
    }

    [Test]
    public async Task User_groups_environment_names_and_files_are_Dockers()
    {
        var container = await CreateAsync(
            ["sh", "-c", "id; echo $HOME $HOSTNAME $A; hostname; cat /etc/hostname /etc/hosts; ls -d /etc/resolv.conf; pwd"],
            s => s with { User = "baker", Env = ["A=1"], Hostname = "oven", WorkingDir = "/tmp/new/dir", ExtraHosts = ["mill:10.0.0.7"] });
        await container.StartAsync(default);
        Assert.That((await container.WaitAsync(WaitCondition.NotRunning, default).WaitAsync(s_patience)).ExitCode, Is.Zero);

        var log = await LogAsync(container, new LogOptions(true, true));
        Assert.That(log, Does.StartWith("uid=100(baker) gid=101(oven) groups=101(oven),102(flour)\n/home/baker oven 1\noven\noven\n127.0.0.1\tlocalhost\n"));
        Assert.That(log, Does.EndWith("10.0.0.7\tmill\n/etc/resolv.conf\n/tmp/new/dir\n"));
    }

    [Test]
    public async Task Execs_run_in_the_container_with_codes_and_streams_of_their_own()
    {
        var container = await RunningAsync();
        var exec = container.CreateExec(new ExecSettings { Cmd = ["sh", "-c", "hostname; cat; exit 5"], AttachStdin = true, AttachStdout = true });
        await using (var attachment = (await exec.StartAsync(new AttachOptions(true, true, true), default, default))!)
        {
            await attachment.WriteStdinAsync("in\n"u8.ToArray(), default);
            await attachment.CloseStdinAsync(default);
            Assert.That(Encoding.UTF8.GetString(await OutputAsync(attachment)), Is.EqualTo(container.Id[..12] + "\nin\n"));
        }

        Assert.That(exec.ExitCode, Is.EqualTo(5));
        var missing = container.CreateExec(new ExecSettings { Cmd = ["nowhere"] });
        var failure = await Assert.ThrowsAsync<BundtException>(() => missing.StartAsync(null, default, default));
        Assert.That(failure!.Message, Does.Contain("executable file not found in $PATH"));
        Assert.That(missing.ExitCode, Is.EqualTo(127));
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Running));
    }

    [Test]
    public async Task Stop_kills_what_ignores_it_and_kill_and_pause_reach_the_container()
    {
        var stubborn = await CreateAsync(["sh", "-c", "trap '' TERM; echo ready; sleep 1000"]);
        await stubborn.StartAsync(default);
        await FirstLineAsync(stubborn);
        await stubborn.StopAsync(null, 1, default).WaitAsync(s_patience);
        Assert.That(stubborn.State.ExitCode, Is.EqualTo(137));

        var polite = await CreateAsync(["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"]);
        await polite.StartAsync(default);
        await FirstLineAsync(polite);
        await polite.PauseAsync(default);
        await polite.StopAsync(null, 30, default).WaitAsync(s_patience);
        Assert.That(polite.State.ExitCode, Is.EqualTo(9));

        await polite.RestartAsync(null, 1, default);
        Assert.That(polite.State.Status, Is.EqualTo(ContainerStatus.Running));
        await polite.KillAsync("KILL", default).WaitAsync(s_patience);
        Assert.That(polite.State.ExitCode, Is.EqualTo(137));
    }

    [Test]
    public async Task A_new_daemon_adopts_what_runs_and_knows_the_exit_codes_of_the_gap()
    {
        var running = await CreateAsync(["sh", "-c", "echo ready; cat; exit 3"], s => s with { OpenStdin = true });
        var ended = await CreateAsync(["sh", "-c", "sleep 0.2; exit 4"]);
        await running.StartAsync(default);
        await ended.StartAsync(default);
        await FirstLineAsync(running);
        var exit = Path.Combine(_root, "containers", ended.Id, "exit");
        await _engine.DisposeAsync();
        Assert.That(SpinWait.SpinUntil(() => File.Exists(exit), s_patience));

        _engine = await OpenAsync();

        Assert.That(_engine.Find(ended.Id).State.ExitCode, Is.EqualTo(4));
        var adopted = _engine.Find(running.Id);
        Assert.That(adopted.State.Status, Is.EqualTo(ContainerStatus.Running));
        var exec = adopted.CreateExec(new ExecSettings { Cmd = ["true"] });
        await exec.StartAsync(null, default, default);
        Assert.That(await exec.WaitAsync(default).WaitAsync(s_patience), Is.Zero);
        await using var attachment = await adopted.AttachAsync(new AttachOptions(true, true, true), default);
        await adopted.KillAsync("KILL", default).WaitAsync(s_patience);
        Assert.That(adopted.State.ExitCode, Is.EqualTo(137));
        await OutputAsync(attachment);
    }

    [Test]
    public async Task A_killed_monitor_leaves_the_container_running_and_stop_still_works()
    {
        var container = await RunningAsync();
        var record = Monitors.MonitorRecord.Read(Path.Combine(_root, "containers", container.Id))!;
        using (var monitor = Bundt.Linux.Processes.PidFd.TryOpen(record.MonitorPid, record.MonitorStart)!)
        {
            monitor.Signal(9);
        }

        Assert.That(SpinWait.SpinUntil(() => container.State.Error == "monitor-lost", s_patience));
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Running));

        await container.StopAsync("KILL", 1, default).WaitAsync(s_patience);

        Assert.That(container.State.ExitCode, Is.EqualTo(137).Or.EqualTo(255));
        await container.Aftermath.WaitAsync(s_patience);
        Assert.That(Cgroups(container), Is.Empty);
    }

    [Test]
    public async Task Volumes_and_binds_hold_what_is_written()
    {
        var host = Directory.CreateDirectory(Path.Combine(_root, "host")).FullName;
        var container = await CreateAsync(
            ["sh", "-c", "echo a > /vol/a; echo b > /host/b; echo c > /ro/c || echo refused; echo d > /shm/d && mount | busybox grep -c ' /shm '"],
            s => s with { Binds = ["vol:/vol", $"{host}:/host", $"{host}:/ro:ro"], Tmpfs = new Dictionary<string, string> { ["/shm"] = "size=1m" } });
        await container.StartAsync(default);
        await container.WaitAsync(WaitCondition.NotRunning, default).WaitAsync(s_patience);

        Assert.That(await LogAsync(container, new LogOptions(true, false)), Is.EqualTo("refused\n1\n"));
        Assert.That(File.ReadAllText(Path.Combine(_engine.Volumes.Find("vol").MountPoint, "a")), Is.EqualTo("a\n"));
        Assert.That(File.ReadAllText(Path.Combine(host, "b")), Is.EqualTo("b\n"));
        Assert.That(container.MeasureSize().Writable, Is.Zero);
    }

    [Test]
    public async Task What_is_written_survives_a_restart_and_a_removed_container_can_be_restarted_by_itself()
    {
        var container = await CreateAsync(["sh", "-c", "cat /count; echo x >> /count"], s => s with { AutoRemove = false });
        foreach (var expected in (string[])["", "x\n"])
        {
            await container.StartAsync(default);
            await container.WaitAsync(WaitCondition.NotRunning, default).WaitAsync(s_patience);
            Assert.That(await LogAsync(container, new LogOptions(true, false)), Is.EqualTo(expected));
        }

        var brief = await RunningAsync(s => s with { AutoRemove = true });
        await brief.RestartAsync("KILL", 1, default).WaitAsync(s_patience);
        Assert.That(brief.State.Status, Is.EqualTo(ContainerStatus.Running));
    }

    [Test]
    public async Task Fifty_at_once_start_and_end_without_leaving_anything()
    {
        var containers = new List<Container>();
        for (var i = 0; i < 50; i++)
        {
            containers.Add(await CreateAsync(["sh", "-c", $"exit {i}"], s => s with { AutoRemove = true }));
        }

        var ends = containers.Select(c => c.WaitAsync(WaitCondition.Removed, default)).ToList();
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(containers, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (c, t) => await c.StartAsync(t));
        TestContext.Out.WriteLine($"50 starts, eight at a time: {clock.ElapsedMilliseconds} ms");
        var codes = (await Task.WhenAll(ends).WaitAsync(s_patience)).Select(s => s.ExitCode);

        Assert.That(codes, Is.EqualTo(Enumerable.Range(0, 50)));
        await Task.WhenAll(containers.Select(c => c.Aftermath)).WaitAsync(s_patience);
        await AssertNoLeaseAsync();
        await _engine.TrashEmptied().WaitAsync(s_patience);
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "containers")), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "trash")), Is.Empty);
        Assert.That(Directory.EnumerateFileSystemEntries(Path.Combine(_root, "run/containers")), Is.Empty);
        Assert.That(containers.SelectMany(Cgroups), Is.Empty);
    }

    [Test]
    public async Task The_network_of_another_container_is_joined()
    {
        var first = await RunningAsync();
        var second = await CreateAsync(["sh", "-c", "busybox readlink /proc/self/ns/net; hostname"], s => s with { NetworkMode = "container:" + first.Name });
        await second.StartAsync(default);
        await second.WaitAsync(WaitCondition.NotRunning, default).WaitAsync(s_patience);

        var expected = new FileInfo($"/proc/{first.State.Pid}/ns/net").LinkTarget;
        Assert.That(await LogAsync(second, new LogOptions(true, true)), Is.EqualTo($"{expected}\n{first.Id[..12]}\n"));
    }

    [Test]
    public async Task A_limit_that_nobody_can_enforce_is_refused_with_the_reason()
    {
        if (Bundt.Runtime.Launch.ContainerCgroup.HasController("memory"))
        {
            Assert.Ignore("this host has the memory controller");
        }

        var container = await CreateAsync(["true"], s => s with { Resources = new() { Memory = 100 << 20 } });
        var failure = await Assert.ThrowsAsync<BundtException>(() => container.StartAsync(default));

        Assert.That(failure!.Message, Does.Contain("memory"));
        Assert.That(container.State.Status, Is.EqualTo(ContainerStatus.Created));
        Assert.That(Cgroups(container), Is.Empty);
        await AssertNoLeaseAsync();
    }

    private static IEnumerable<TestCaseData> Modes()
    {
        static TestCaseData Case(string name, Func<ContainerSettings, ContainerSettings> change, string script, string expected) =>
            new TestCaseData(change, script, expected).SetArgDisplayNames(name);

        yield return Case("user namespace", s => s with { UsernsMode = "auto" }, "id -u; touch /x; busybox stat -c %u /x /etc/hosts /bin/busybox; echo y >> /etc/hosts && echo written", "0\n0\n0\n0\nwritten\n");
        yield return Case("privileged", s => s with { Privileged = true }, "ls /dev/null >/dev/null; busybox grep -c ' /sys .*ro' /proc/mounts; busybox grep Seccomp: /proc/self/status", "0\nSeccomp:\t0\n");
        yield return Case("read-only root", s => s with { ReadonlyRootfs = true }, "touch /x 2>/dev/null || echo refused; touch /dev/shm/x && echo shm", "refused\nshm\n");
        yield return Case("host network", s => s with { NetworkMode = "host" }, "busybox readlink /proc/self/ns/net", new FileInfo("/proc/self/ns/net").LinkTarget + "\n");
        yield return Case("host uts and pid", s => s with { UtsMode = "host", PidMode = "host" }, "hostname; busybox test $$ -gt 1 && echo host", Environment.MachineName + "\nhost\n");
        yield return Case("no new privileges", s => s with { SecurityOpt = ["no-new-privileges"] }, "busybox grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n");
        yield return Case("no capabilities", s => s with { CapDrop = ["ALL"] }, "busybox grep CapBnd /proc/self/status", "CapBnd:\t0000000000000000\n");
        yield return Case("ulimit and sysctl", s => s with { Ulimits = [new("nofile", 55, 66)], Sysctls = new Dictionary<string, string> { ["net.ipv4.ip_forward"] = "1" } }, "ulimit -n; cat /proc/sys/net/ipv4/ip_forward", "55\n1\n");
        yield return Case("device", s => s with { Devices = [new("/dev/autofs", "/dev/nil", "r")] }, "true < /dev/nil && echo readable; true 2>/dev/null > /dev/nil || echo read-only", "readable\nread-only\n");
        yield return Case("init", s => s with { Init = true }, "busybox test $$ -gt 1 && echo child", "child\n");
        yield return Case("shm and tmpfs sizes", s => s with { ShmSize = 1 << 20, Mounts = [new("tmpfs", null, "/t", TmpfsSize: 2 << 20)] }, "busybox df -k /dev/shm /t | busybox awk 'NR>1{print $2}'", "1024\n2048\n");
        yield return Case("entrypoint", s => s with { Entrypoint = ["/bin/busybox", "echo"], Cmd = ["hello"] }, "", "hello\n");
    }

    [TestCaseSource(nameof(Modes))]
    public async Task Modes_mean_what_they_mean_in_Docker(Func<ContainerSettings, ContainerSettings> change, string script, string expected)
    {
        var container = await CreateAsync(["sh", "-c", script], change);
        await container.StartAsync(default);
        await container.WaitAsync(WaitCondition.NotRunning, default).WaitAsync(s_patience);

        Assert.That(await LogAsync(container, new LogOptions(true, true)), Is.EqualTo(expected));
    }

    [Test]
    public async Task Shared_memory_is_shared_where_the_donor_allows_it()
    {
        var donor = await RunningAsync(s => s with { IpcMode = "shareable", ShmSize = 1 << 20 });
        var exec = donor.CreateExec(new ExecSettings { Cmd = ["sh", "-c", "echo mine > /dev/shm/x"] });
        await exec.StartAsync(null, default, default);
        await exec.WaitAsync(default).WaitAsync(s_patience);
        var second = await CreateAsync(
            ["sh", "-c", "cat /dev/shm/x; head -c 3000000 /dev/zero > /dev/shm/y; wc -c < /dev/shm/y; df -k /dev/shm | tail -n 1 | awk '{ print $2 }'"],
            s => s with { IpcMode = "container:" + donor.Name });
        await second.StartAsync(default);
        await second.WaitAsync(WaitCondition.NotRunning, default).WaitAsync(s_patience);
        Assert.That(await LogAsync(second, new LogOptions(true, false)), Is.EqualTo($"mine\n{(1 << 20) - 4096}\n1024\n"), "the donor's mount, of the donor's size");

        var closed = await RunningAsync();
        var third = await CreateAsync(["true"], s => s with { IpcMode = "container:" + closed.Name });
        Assert.That((await Assert.ThrowsAsync<BundtException>(() => third.StartAsync(default)))!.Message, Does.Contain("non-shareable IPC"));
    }

    private static IEnumerable<string> Cgroups(Container container) =>
        Bundt.Runtime.Launch.ContainerCgroup.List().Where(id => id == container.Id);

    private async Task<Container> RunningAsync(Func<ContainerSettings, ContainerSettings>? change = null)
    {
        var container = await CreateAsync(["sleep", "1000"], change);
        await container.StartAsync(default);
        return container;
    }

    /// <summary>But for the containers that are made ahead.</summary>
    private async Task AssertNoLeaseAsync()
    {
        await _engine.Prepared.Filled.WaitAsync(s_patience);
        _engine.Prepared.Clear();
        Assert.That(_images.Leases, Is.Zero);
    }

    private static async Task<string> OutputAsync(Container container)
    {
        await using var attachment = await container.AttachAsync(new AttachOptions(false, true, true), default);
        await container.StartAsync(default);
        var text = new StringBuilder();
        while (await attachment.ReadAsync(default).AsTask().WaitAsync(s_patience) is { } frame)
        {
            text.Append(Encoding.UTF8.GetString(frame.Bytes.Span));
        }

        return text.ToString();
    }

    private async Task<Container> CreateAsync(IReadOnlyList<string> command, Func<ContainerSettings, ContainerSettings>? change = null)
    {
        var settings = new ContainerSettings { Image = "cake", Cmd = command, NetworkMode = "none" };
        return (await _engine.CreateAsync(null, change?.Invoke(settings) ?? settings, default)).Container;
    }

    private static async Task FirstLineAsync(Container container)
    {
        await foreach (var _ in container.ReadLogsAsync(new LogOptions(true, true, Follow: true), new CancellationTokenSource(s_patience).Token))
        {
            return;
        }
    }

    private static async Task<string> LogAsync(Container container, LogOptions options)
    {
        var text = new StringBuilder();
        await foreach (var frame in container.ReadLogsAsync(options, default))
        {
            text.Append(Encoding.UTF8.GetString(frame.Bytes.Span));
        }

        return text.ToString();
    }

    private static async Task<byte[]> OutputAsync(Attachment attachment)
    {
        var output = new MemoryStream();
        using var patience = new CancellationTokenSource(s_patience);
        while (await attachment.ReadAsync(patience.Token) is { } frame)
        {
            output.Write(frame.Bytes.Span);
        }

        return output.ToArray();
    }

    private Task<ContainerEngine> OpenAsync() => ContainerEngine.OpenAsync(
        new EngineOptions { Root = _root, Run = Path.Combine(_root, "run") }, NullLogger.Instance, new KernelProcesses(), _images, default);
}
