using System.Text.Json;
using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Monitors;
using Bundt.Oci.Image;

namespace Bundt.Engine.Tests;

[TestFixture]
public sealed class RecordTests
{
    private static readonly ContainerRecord s_record = new()
    {
        Id = new string('a', 64),
        Name = "cake",
        Created = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        ImageId = "sha256:x",
        Settings = new()
        {
            Image = "redis",
            Cmd = ["a", "b c"],
            ConsoleSize = (24, 80),
            RestartPolicy = ("on-failure", 3),
            Ulimits = [new("nofile", 1, -1)],
            Devices = [new("/dev/null", "/dev/zero", "r")],
            Mounts = [new("volume", "v", "/v", NoCopy: true)],
            Resources = new() { Memory = 1 << 30, PidsLimit = 5 },
            Tmpfs = new Dictionary<string, string> { ["/t"] = "size=1m" },
            MaskedPaths = [],
        },
        Effective = new ImageRunConfig { Entrypoint = ["e"], Labels = new Dictionary<string, string> { ["k"] = "v" } },
        Mounts = [new() { Type = "bind", Source = "/h", Destination = "/in" }],
        UserNamespace = new(100000, 65536),
    };

    [Test]
    public void A_record_comes_back_as_it_was_written()
    {
        var text = JsonSerializer.Serialize(s_record, RecordJson.Default.ContainerRecord);
        var back = JsonSerializer.Deserialize(text, RecordJson.Default.ContainerRecord)!;

        Assert.That(JsonSerializer.Serialize(back, RecordJson.Default.ContainerRecord), Is.EqualTo(text));
        Assert.That((back.Settings.ConsoleSize, back.Settings.RestartPolicy), Is.EqualTo(((24, 80), ("on-failure", 3))));
        Assert.That((back.Settings.Resources.PidsLimit, back.Settings.MaskedPaths!.Count, back.UserNamespace), Is.EqualTo((5L, 0, new IdRange(100000, 65536))));
        Assert.That(back.Settings.Entrypoint, Is.Null);
    }

    [Test]
    public void A_record_of_an_older_version_may_lack_members_and_of_a_newer_one_is_refused()
    {
        using var directory = new TemporaryDirectory();
        var own = directory.Make("abc");
        File.WriteAllText(Path.Combine(own, "container.json"), """{"version":1,"id":"abc","name":"n","created":"2026-01-01T00:00:00+00:00","imageId":"i","settings":{"image":"x"},"effective":{},"future":1}""");
        Assert.That(new ContainerDirectory(own).ReadRecord()!.Name, Is.EqualTo("n"));

        File.WriteAllText(Path.Combine(own, "container.json"), """{"version":2,"id":"abc","name":"n","created":"2026-01-01T00:00:00+00:00","imageId":"i","settings":{"image":"x"},"effective":{}}""");
        Assert.Throws<JsonException>(() => new ContainerDirectory(own).ReadRecord());
    }

    [TestCase("")]
    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("{\"id\":\"abc\"")]
    [TestCase("{\"version\":1,\"id\":\"other\",\"name\":\"n\",\"created\":\"2026-01-01T00:00:00+00:00\",\"imageId\":\"i\",\"settings\":{\"image\":\"x\"},\"effective\":{}}")]
    public void A_damaged_record_is_known_as_such(string content)
    {
        using var directory = new TemporaryDirectory();
        var own = directory.Make("abc");
        File.WriteAllText(Path.Combine(own, "container.json"), content);

        Assert.Throws<JsonException>(() => new ContainerDirectory(own).ReadRecord());
    }

    [Test]
    public void The_monitors_files_are_read_and_unknown_keys_passed_over()
    {
        using var directory = new TemporaryDirectory();
        var own = directory.Make("abc");
        Assert.That(MonitorRecord.Read(own), Is.Null);
        Assert.That(ExitRecord.Read(own), Is.Null);

        File.WriteAllText(Path.Combine(own, "monitor"), "version 1\nmonitor-pid 5\nmonitor-start 6\nboot-id b-1\ninit-pid 7\ninit-start 8\nstarted 1500000000\n");
        Assert.That(MonitorRecord.Read(own), Is.Null, "not complete");
        File.AppendAllText(Path.Combine(own, "monitor"), "future x y\nend\n");
        Assert.That(MonitorRecord.Read(own), Is.EqualTo(new MonitorRecord(5, 6, "b-1", 7, 8, DateTimeOffset.UnixEpoch.AddSeconds(1.5))));

        File.WriteAllText(Path.Combine(own, "exit"), "version 1\nstatus 137\nsignal 9\noom-kill 2\nstarted 0\nfinished 1000000000\nfuture 1\nend\n");
        Assert.That(ExitRecord.Read(own), Is.EqualTo(new ExitRecord(137, 2, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddSeconds(1), false, 0)));
    }

    [Test]
    public void Hosts_and_resolv_conf_are_composed_as_Docker_does()
    {
        var hosts = NetworkFiles.ComposeHosts(["mill:10.0.0.7", "six:[::7]"], null, () => []);
        Assert.That(hosts, Does.StartWith("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n").And.EndsWith("10.0.0.7\tmill\n::7\tsix\n"));
        Assert.That(NetworkFiles.ComposeHosts([], "1.2.3.4 here", () => []), Is.EqualTo("1.2.3.4 here\n"));

        const string Host = "# comment\nnameserver 9.9.9.9\nsearch a b\noptions ndots:2\n";
        var settings = new ContainerSettings { Image = "i" };
        Assert.That(NetworkFiles.ComposeResolvConf(settings, Host), Is.EqualTo(Host));
        Assert.That(NetworkFiles.ComposeResolvConf(settings with { Dns = ["1.1.1.1"] }, Host), Is.EqualTo("nameserver 1.1.1.1\nsearch a b\noptions ndots:2\n"));
        Assert.That(NetworkFiles.ComposeResolvConf(settings with { DnsSearch = ["."], DnsOptions = ["x"] }, Host), Is.EqualTo("nameserver 9.9.9.9\noptions x\n"));
    }

    private sealed class TemporaryDirectory : IDisposable
    {
        private readonly string _path = Directory.CreateTempSubdirectory("bundt-record-").FullName;

        public string Make(string name) => Directory.CreateDirectory(Path.Combine(_path, name)).FullName;

        public void Dispose() => Directory.Delete(_path, true);
    }
}
