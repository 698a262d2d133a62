using Bundt.Engine.Launch;
using Bundt.Engine.Settings;
using Bundt.Linux;
using Bundt.Oci.Image;

namespace Bundt.Engine.Tests;

[TestFixture]
public sealed class SettingsTests
{
    private static readonly ResourceRules.Machine s_machine = new(2, "0-1", "0");

    // image entrypoint | image cmd | user entrypoint | user cmd | what runs; "-" is null, "" an empty list
    [TestCase("e", "c", "-", "-", "e c")]
    [TestCase("e", "c", "-", "x y", "e x y")]
    [TestCase("e", "c", "n", "-", "n")]
    [TestCase("e", "c", "n", "x", "n x")]
    [TestCase("e", "c", "", "x", "x")]
    [TestCase("-", "c", "-", "-", "c")]
    [TestCase("e", "-", "-", "-", "e")]
    [TestCase("-", "c", "-", "x", "x")]
    public void Entrypoint_and_command_merge_as_Docker_does(string imageEntrypoint, string imageCmd, string entrypoint, string cmd, string expected)
    {
        var image = new ImageRunConfig { Entrypoint = List(imageEntrypoint), Cmd = List(imageCmd) };
        var settings = new ContainerSettings { Image = "i", Entrypoint = List(entrypoint), Cmd = List(cmd) };

        Assert.That(string.Join(' ', ImageMerge.Command(ImageMerge.Merge(settings, image))), Is.EqualTo(expected));
    }

    [Test]
    public void An_entrypoint_of_one_empty_word_takes_the_images_away_and_its_command_too()
    {
        var image = new ImageRunConfig { Entrypoint = ["e"], Cmd = ["c"] };

        Assert.That(ImageMerge.Command(ImageMerge.Merge(new() { Image = "i", Entrypoint = [""], Cmd = ["x"] }, image)), Is.EqualTo(new[] { "x" }));
        Assert.That(Text(() => ImageMerge.Merge(new() { Image = "i", Entrypoint = [""] }, image)), Does.StartWith("no command specified"));
    }

    [Test]
    public void The_rest_of_an_image_is_taken_where_the_user_says_nothing()
    {
        var image = new ImageRunConfig
        {
            Cmd = ["c"],
            User = "u",
            WorkingDir = "/w",
            StopSignal = "SIGINT",
            Env = ["A=1", "B=2"],
            Volumes = ["/v"],
            ExposedPorts = ["80/tcp"],
            Labels = new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" },
        };
        var merged = ImageMerge.Merge(
            new() { Image = "i", Env = ["B=3", "C"], Labels = new Dictionary<string, string> { ["b"] = "3" }, Volumes = ["/own"], StopSignal = "TERM" }, image);

        Assert.That((merged.User, merged.WorkingDir, merged.StopSignal), Is.EqualTo(("u", "/w", "TERM")));
        Assert.That(merged.Env, Is.EqualTo(new[] { "B=3", "C", "A=1" }));
        Assert.That(merged.Labels, Is.EquivalentTo(new Dictionary<string, string> { ["a"] = "1", ["b"] = "3" }));
        Assert.That(merged.Volumes, Is.EquivalentTo(["/own", "/v"]));
        Assert.That(merged.ExposedPorts, Is.EqualTo(new[] { "80/tcp" }));
    }

    [Test]
    public void The_environment_has_Dockers_base_and_a_bare_name_takes_it_away()
    {
        const string Path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

        Assert.That(RuntimeConfigBuilder.Environment([], "h", false, "/root"), Is.EqualTo(new[] { Path, "HOSTNAME=h", "HOME=/root" }));
        Assert.That(RuntimeConfigBuilder.Environment(["PATH=/x", "HOME=/y"], "h", true, "/root"), Is.EqualTo(new[] { "PATH=/x", "HOSTNAME=h", "TERM=xterm", "HOME=/y" }));
        Assert.That(RuntimeConfigBuilder.Environment(["HOSTNAME", "X"], "h", false, "/"), Is.EqualTo(new[] { Path, "HOME=/" }));
    }

    [TestCase("", "", "CAP_AUDIT_WRITE CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_MKNOD CAP_NET_BIND_SERVICE CAP_NET_RAW CAP_SETFCAP CAP_SETGID CAP_SETPCAP CAP_SETUID CAP_SYS_CHROOT")]
    [TestCase("", "all", "")]
    [TestCase("net_admin CAP_CHOWN", "ALL", "CAP_CHOWN CAP_NET_ADMIN")]
    [TestCase("SYS_ADMIN", "chown,mknod,net_raw,audit_write,setfcap,setpcap,sys_chroot,fsetid", "CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID CAP_SYS_ADMIN")]
    public void Capabilities_follow_Dockers_algebra(string add, string drop, string expected) =>
        Assert.That(string.Join(' ', CapabilityChoice.Of(false, Words(add), Words(drop))), Is.EqualTo(expected));

    [Test]
    public void All_capabilities_are_all_but_those_dropped()
    {
        var all = CapabilityChoice.Of(true, [], []);

        Assert.That(all, Has.Count.GreaterThanOrEqualTo(38));
        Assert.That(CapabilityChoice.Of(false, ["ALL"], ["SYS_ADMIN"]), Is.EquivalentTo(all.Where(c => c != "CAP_SYS_ADMIN")));
    }

    private static IEnumerable<TestCaseData> Limits()
    {
        static TestCaseData Case(ResourceSettings r, string? text) => new TestCaseData(r, text).SetArgDisplayNames(text ?? "allowed " + r);

        yield return Case(new(), null);
        yield return Case(new() { Memory = 6 << 20, MemorySwap = -1, MemoryReservation = 6 << 20 }, null);
        yield return Case(new() { Memory = 100 << 20, MemorySwap = 100 << 20 }, null);
        yield return Case(new() { MemorySwap = -1 }, null);
        yield return Case(new() { NanoCpus = 2_000_000_000, CpuShares = 2 }, null);
        yield return Case(new() { CpuPeriod = 1000, CpuQuota = -1, CpusetCpus = "0-1", CpusetMems = "0", BlkioWeight = 10 }, null);
        yield return Case(new() { Memory = 5 << 20 }, "Minimum memory limit allowed is 6MB");
        yield return Case(new() { Memory = -1 }, "Minimum memory limit allowed is 6MB");
        yield return Case(new() { MemorySwap = 1 << 30 }, "You should always set the Memory limit when using Memoryswap limit, see usage");
        yield return Case(new() { Memory = 10 << 20, MemorySwap = 9 << 20 }, "Minimum memoryswap limit should be larger than memory limit, see usage");
        yield return Case(new() { MemoryReservation = 1 }, "Minimum memory reservation allowed is 6MB");
        yield return Case(new() { Memory = 7 << 20, MemoryReservation = 8 << 20 }, "Minimum memory limit can not be less than memory reservation limit, see usage");
        yield return Case(new() { NanoCpus = 1, CpuPeriod = 1000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set");
        yield return Case(new() { NanoCpus = 1, CpuQuota = 1000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set");
        yield return Case(new() { NanoCpus = 2_000_000_001 }, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available");
        yield return Case(new() { NanoCpus = 9_999_999 }, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available");
        yield return Case(new() { CpuPeriod = 999 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        yield return Case(new() { CpuQuota = 999 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
        yield return Case(new() { CpuShares = -1 }, "invalid CPU shares (-1): value must be a positive integer");
        yield return Case(new() { CpusetCpus = "0,2" }, "Requested CPUs are not available - requested 0,2, available: 0-1");
        yield return Case(new() { CpusetCpus = "1-0" }, "Invalid value 1-0 for cpuset cpus");
        yield return Case(new() { CpusetCpus = "a" }, "Invalid value a for cpuset cpus");
        yield return Case(new() { CpusetMems = "1" }, "Requested memory nodes are not available - requested 1, available: 0");
        yield return Case(new() { BlkioWeight = 9 }, "Range of blkio weight is from 10 to 1000");
    }

    [TestCaseSource(nameof(Limits))]
    public void Limits_are_checked_with_Dockers_words(ResourceSettings resources, string? text) =>
        Assert.That(Text(() => ResourceRules.Check(resources, s_machine)), Is.EqualTo(text));

    private static IEnumerable<TestCaseData> Refusals()
    {
        static TestCaseData Case(ContainerSettings s, string text) => new TestCaseData(s, text).SetArgDisplayNames(text);
        var s = new ContainerSettings { Image = "i", NetworkMode = "none" };

        yield return Case(s with { Env = ["=x"] }, "invalid environment variable: =x");
        yield return Case(s with { WorkingDir = "x" }, "the working directory 'x' is invalid, it needs to be an absolute path");
        yield return Case(s with { StopSignal = "NOPE" }, "invalid signal: NOPE");
        yield return Case(s with { IpcMode = "x" }, "invalid IPC mode: x");
        yield return Case(s with { PidMode = "x" }, "invalid PID mode: x");
        yield return Case(s with { UtsMode = "x" }, "invalid UTS mode: x");
        yield return Case(s with { CgroupnsMode = "x" }, "invalid cgroup namespace mode: x");
        yield return Case(s with { UsernsMode = "x" }, "invalid USER mode: x");
        yield return Case(s with { CapAdd = ["NOPE"] }, "invalid CapAdd: unknown capability: \"CAP_NOPE\"");
        yield return Case(s with { CapDrop = ["cap_nope"] }, "invalid CapDrop: unknown capability: \"CAP_NOPE\"");
        yield return Case(s with { SecurityOpt = ["nope"] }, "invalid --security-opt 1: \"nope\"");
        yield return Case(s with { SecurityOpt = ["nope=1"] }, "invalid --security-opt 2: \"nope=1\"");
        yield return Case(s with { Ulimits = [new("nope", 1, 1)] }, "invalid ulimit type: nope");
        yield return Case(s with { Ulimits = [new("nofile", 2, 1)] }, "ulimit soft limit must be less than or equal to hard limit: 2 > 1");
        yield return Case(s with { ShmSize = -1 }, "SHM size can not be less than 0");
        yield return Case(s with { OomScoreAdj = 1001 }, "Invalid value 1001, range for oom score adj is [-1000, 1000]");
        yield return Case(s with { RestartPolicy = ("nope", 0) }, "invalid restart policy: unknown policy 'nope'");
        yield return Case(s with { RestartPolicy = ("always", 0), AutoRemove = true }, "can't create 'AutoRemove' container with restart policy");
        yield return Case(s with { LogDriver = "syslog" }, "logging driver \"syslog\" is not offered");
        yield return Case(s with { LogOptions = new Dictionary<string, string> { ["max-size"] = "x" } }, "invalid value for max-size: \"x\"");
        yield return Case(s with { LogOptions = new Dictionary<string, string> { ["nope"] = "x" } }, "unknown log opt 'nope'");
        yield return Case(s with { Sysctls = new Dictionary<string, string> { ["kernel.core_pattern"] = "x" } }, "sysctl \"kernel.core_pattern\" is not in a separate kernel namespace");
        yield return Case(s with { NetworkMode = "host", Sysctls = new Dictionary<string, string> { ["net.ipv4.ip_forward"] = "1" } }, "sysctl \"net.ipv4.ip_forward\" is not in a separate kernel namespace");
        yield return Case(s with { Hostname = new string('h', 65) }, "invalid hostname");
        yield return Case(s with { UsernsMode = "auto", Privileged = true }, "privileged mode is incompatible with user namespaces");
    }

    [TestCaseSource(nameof(Refusals))]
    public void What_cannot_be_is_refused_in_one_sentence(ContainerSettings settings, string text) =>
        Assert.That(Text(() => SettingsRules.Check(settings, s_machine)), Does.StartWith(text));

    [TestCase("", "", 20L << 20, 5)]
    [TestCase("max-size", "10m", 10L << 20, 5)]
    [TestCase("max-size", "1.5K", 1536, 5)]
    [TestCase("max-size", "100", 100, 5)]
    [TestCase("max-size", "-1", long.MaxValue, 5)]
    [TestCase("max-file", "3", 20L << 20, 3)]
    public void Log_options_are_Dockers(string key, string value, long size, int files)
    {
        var options = key.Length == 0 ? new Dictionary<string, string>() : new Dictionary<string, string> { [key] = value };

        Assert.That(LogSettings.From(new() { Image = "i", LogOptions = options }), Is.EqualTo(new LogSettings(size, files)));
    }

    [Test]
    public void Who_asks_for_more_than_the_daemon_may_give_is_told_what_he_gets()
    {
        const string Own = "Limit                     Soft Limit           Hard Limit           Units     \nMax processes             10                   20                   processes \nMax open files            1024                 20000                files     \nMax cpu time              unlimited            unlimited            seconds   \n";

        Assert.That(UlimitRules.Warnings([new("nofile", 1, 20000), new("nproc", 1, 20), new("cpu", -1, -1)], Own), Is.Empty);
        var told = UlimitRules.Warnings([new("nofile", 1, 20001), new("nproc", -1, -1)], Own).ToList();
        Assert.That(told, Has.Count.EqualTo(2));
        Assert.That(told[0], Does.StartWith("ulimit nofile: 20001 ").And.EndsWith(" 20000"));
        Assert.That(told[1], Does.StartWith("ulimit nproc: unlimited ").And.EndsWith(" 20"));
    }

    [Test]
    public void Ranges_of_user_ids_do_not_overlap()
    {
        var first = UserNamespaces.Free([]);
        var second = UserNamespaces.Free([first]);
        var between = UserNamespaces.Free([first, new(second.First + 65536, 1)]);

        Assert.That(second.First, Is.EqualTo(first.First + 65536));
        Assert.That(between, Is.EqualTo(second));
        Assert.That(Text(() => UserNamespaces.Free([new(first.First, uint.MaxValue - first.First)])), Does.StartWith("no free range"));
        Assert.That(UserNamespaces.Parse("100000:65536"), Is.EqualTo(new Containers.IdRange(100000, 65536)));
        Assert.That(UserNamespaces.Parse("host"), Is.Null);
    }

    private static string? Text(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (BundtException e)
        {
            return e.Message;
        }
    }

    private static string[]? List(string text) => text == "-" ? null : Words(text);

    private static string[] Words(string text) => text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);
}
