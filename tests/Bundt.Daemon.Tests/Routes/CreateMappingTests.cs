using Bundt.Daemon.Json;
using Bundt.Daemon.Routes;
using Bundt.Engine;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Routes;

internal sealed class CreateMappingTests
{
    private static ContainerSettings Map(string json, out List<string> warnings)
    {
        warnings = [];
        CreateBody body = JsonBody.Parse(System.Text.Encoding.UTF8.GetBytes(json), ApiJson.Wire.CreateBody);
        return CreateMapping.ToSettings(body, "", null!, warnings);
    }

    private static string Body(string name)
    {
        using var reader = new StreamReader(typeof(CreateMappingTests).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [Test]
    public void What_the_docker_cli_sends_arrives_whole()
    {
        ContainerSettings settings = Map(Body("docker-28-create.json"), out List<string> warnings);
        Assert.Multiple(() =>
        {
            Assert.That(settings.Image, Is.EqualTo("busybox"));
            Assert.That(settings.Cmd, Is.EqualTo(new[] { "-c", "echo <hi>" }));
            Assert.That(settings.Entrypoint, Is.EqualTo(new[] { "/bin/sh" }));
            Assert.That(settings.Env, Is.EqualTo(new[] { "A=1" }));
            Assert.That(settings is { Tty: true, OpenStdin: true, AutoRemove: true, Init: true });
            Assert.That(settings.Binds, Is.EqualTo(new[] { "/tmp:/x:ro" }));
            Assert.That(settings.Volumes, Is.EqualTo(new[] { "/anon" }));
            Assert.That(settings.Mounts, Is.EqualTo(new[]
            {
                new MountSettings("volume", "v", "/v", NoCopy: true),
                new MountSettings("tmpfs", null, "/u", TmpfsSize: 1 << 20, TmpfsMode: 448),
            }));
            Assert.That(settings.Tmpfs["/t"], Is.EqualTo("size=1m"));
            Assert.That(settings.Resources.Memory, Is.EqualTo(64 << 20));
            Assert.That(settings.Resources.NanoCpus, Is.EqualTo(1_500_000_000));
            Assert.That(settings.Resources.PidsLimit, Is.EqualTo(7));
            Assert.That(settings.Labels["a"], Is.EqualTo("b"));
            Assert.That(settings.Ulimits, Is.EqualTo(new[] { new UlimitSettings("nofile", 10, 20) }));
            Assert.That(settings.CapAdd, Is.EqualTo(new[] { "NET_ADMIN" }).Or.EqualTo(new[] { "CAP_NET_ADMIN" }));
            Assert.That(settings.Devices, Is.EqualTo(new[] { new DeviceSettings("/dev/fuse", "/dev/fuse", "rwm") }));
            Assert.That(settings.Sysctls["net.a"], Is.EqualTo("1"));
            Assert.That(settings.StopSignal, Is.EqualTo("INT"));
            Assert.That(settings.StopTimeout, Is.EqualTo(3));
            Assert.That(settings.LogOptions["max-size"], Is.EqualTo("1m"));
            Assert.That(settings.RestartPolicy, Is.EqualTo(("no", 0)));
            Assert.That(settings.NetworkMode, Is.EqualTo("none"));
            Assert.That(settings.ExposedPorts, Is.EqualTo(new[] { "80/tcp" }));
            Assert.That(settings.PortBindings, Is.EqualTo(new[] { new PortBindingSettings("80/tcp", "", "8080") }));
        });
    }

    [Test]
    public void What_the_docker_cli_sends_for_nothing_is_nothing()
    {
        ContainerSettings settings = Map(Body("docker-28-create-plain.json"), out List<string> warnings);
        Assert.That(warnings, Is.Empty);
        Assert.That(settings.NetworkMode, Is.Empty);
        Assert.That(settings.Resources.PidsLimit, Is.Null, "the CLI sends 0 for an option that was not given");
        Assert.That(settings.Init, Is.False);
        Assert.That(settings.StopSignal, Is.Null);
        Assert.That(settings.Cmd, Is.Null);
    }

    [Test]
    public void A_command_may_be_one_string() =>
        Assert.That(Map("""{"Image":"x","Cmd":"ls","Entrypoint":[""]}""", out _), Has.Property("Cmd").EqualTo(new[] { "ls" }).And.Property("Entrypoint").EqualTo(new[] { "" }));

    [TestCase("""{"DeviceRequests":[{"Driver":""}]}""", FailureKind.NotImplemented, "--gpus")]
    [TestCase("""{"OomKillDisable":true}""", FailureKind.NotImplemented, "--oom-kill-disable")]
    [TestCase("""{"MemorySwappiness":10}""", FailureKind.NotImplemented, "--memory-swappiness")]
    [TestCase("""{"BlkioDeviceReadBps":[{"Path":"/dev/sda","Rate":1}]}""", FailureKind.NotImplemented, "--device-read-bps")]
    [TestCase("""{"CgroupParent":"/x"}""", FailureKind.NotImplemented, "--cgroup-parent")]
    [TestCase("""{"Runtime":"kata"}""", FailureKind.InvalidArgument, "unknown or invalid runtime name: kata")]
    [TestCase("""{"VolumeDriver":"nfs"}""", FailureKind.NotFound, "volume driver \"nfs\"")]
    [TestCase("""{"Mounts":[{"Type":"volume","Source":"v","Target":"/v","VolumeOptions":{"DriverConfig":{"Options":{"type":"nfs"}}}}]}""", FailureKind.NotImplemented, "volume-opt")]
    public void A_limit_without_a_place_is_refused_and_named(string host, FailureKind kind, string words)
    {
        var failure = Assert.Throws<BundtException>(() => Map($$"""{"Image":"x","HostConfig":{{host}}}""", out _))!;
        Assert.That(failure.Kind, Is.EqualTo(kind));
        Assert.That(failure.Message, Does.Contain(words));
    }

    [Test]
    public void Networks_are_taken_with_what_is_asked_of_them()
    {
        var settings = Map("""{"Image":"x","NetworkingConfig":{"EndpointsConfig":{"shop":{"Aliases":["till"],"IPAMConfig":{"IPv4Address":"10.0.0.9"}},"vault":null}}}""", out _);
        Assert.That(settings.Networks.Select(network => (network.Network, network.Ipv4Address, string.Join(',', network.Aliases))), Is.EqualTo(new[] { ("shop", "10.0.0.9", "till"), ("vault", "", "") }));
    }

    [TestCase("""{"Image":"x","MacAddress":"92:d0:c6:0a:29:33","HostConfig":{"NetworkMode":"none"}}""", "mac-address")]
    [TestCase("""{"Image":"x","NetworkingConfig":{"EndpointsConfig":{"none":{"Aliases":["web"]}}}}""", "alias")]
    [TestCase("""{"Image":"x","NetworkingConfig":{"EndpointsConfig":{"default":{"IPAMConfig":{"IPv4Address":"10.0.0.1"}}}}}""", "IP address")]
    public void What_only_a_bridge_has_is_refused(string body, string words) =>
        Assert.That(() => Map(body, out _), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument).And.Message.Contains(words));

    [TestCase("""{"Image":"x","Env":[null]}""", "Env")]
    [TestCase("""{"Image":"x","HostConfig":{"Binds":[null]}}""", "Binds")]
    [TestCase("""{"Image":"x","HostConfig":{"Mounts":[null]}}""", "Mounts")]
    public void A_null_in_a_list_is_the_clients_fault(string body, string member) =>
        Assert.That(() => Map(body, out _), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument).And.Message.Contains(member));

    [Test]
    public void No_image_is_refused() => Assert.That(() => Map("{}", out _), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));
}
