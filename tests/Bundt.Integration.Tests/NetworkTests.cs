using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;
using NUnit.Framework.Interfaces;

namespace Bundt.Integration.Tests;

/// <summary>Networks that users make, of a daemon whose host is a network namespace of the test's own.</summary>
public sealed class NetworkTests
{
    private const string Server = "echo $HOSTNAME > /tmp/index.html; exec httpd -f -p 80 -h /tmp";

    private Daemon _daemon = null!;

    [OneTimeSetUp]
    public void StartDaemon()
    {
        _daemon = new Daemon("", [], ownNetwork: true);
        _daemon.Load("busybox");
    }

    [OneTimeTearDown]
    public void EndDaemon() => _daemon?.Dispose();

    [TearDown]
    public void NothingIsLeft()
    {
        if (TestContext.CurrentContext.Result.Outcome.Status == TestStatus.Failed)
        {
            TestContext.Out.WriteLine($"--- daemon ---\n{_daemon.Log()}");
        }

        foreach (var id in Bundt("ps", "-aq").Lines)
        {
            Bundt("rm", "-f", id).Ok();
        }

        Bundt("network", "prune", "-f").Ok();
        Eventually.True(() => Links().All(link => link is "lo" or "bundt0"), () => $"there is still {string.Join(", ", Links())}");
    }

    private Result Bundt(params IEnumerable<string> arguments) => _daemon.Bundt(arguments).Run();

    private string[] Links() =>
        [.. JsonNode.Parse(_daemon.OnHost("ip", "-j", "link").Run().Ok().Stdout)!.AsArray().Select(link => link!["ifname"]!.GetValue<string>())];

    private string Address(string container, string network) =>
        Bundt("inspect", "-f", $"{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}", container).Ok().Text;

    private string? Fetch(string container, string address) =>
        Bundt("exec", container, "sh", "-c", $"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80 | tail -n 1") is { ExitCode: 0, Text: { Length: > 0 } text } ? text : null;

    private string FetchFromHost(string address) => _daemon.OnHost("curl", "-s", "-m", "2", $"http://{address}/").Run().Ok().Text;

    private void Serve(string name, params string[] options) => Bundt(["run", "-d", "--name", name, "--hostname", name, .. options, "busybox", "sh", "-c", Server]).Ok();

    [Test]
    public void Containers_of_a_network_reach_each_other_and_the_host_and_those_of_another_do_not()
    {
        Bundt("network", "create", "shop").Ok();
        Bundt("network", "create", "--subnet", "10.77.0.0/24", "--ipv6", "other").Ok();
        Serve("web", "--network", "shop");
        Serve("till", "--network", "shop");
        Serve("spy", "--network", "other", "--ip", "10.77.0.9");
        var (web, spy) = (Address("web", "shop"), Address("spy", "other"));
        Assert.That((web, Address("till", "shop"), spy), Is.EqualTo(("172.18.0.2", "172.18.0.3", "10.77.0.9")));
        Assert.That(Fetch("till", web), Is.EqualTo("web"));
        Assert.That(FetchFromHost(web), Is.EqualTo("web"));
        Assert.That(Fetch("spy", web), Is.Null);
        Assert.That(Fetch("web", spy), Is.Null);
        Assert.That(Bundt("exec", "web", "cat", "/etc/hosts").Ok().Lines, Does.Contain($"{web}\tweb"));
        Assert.That(Bundt("exec", "spy", "ip", "-6", "addr", "show", "eth0").Ok().Stdout, Does.Contain("inet6 fd"));
    }

    [Test]
    public void A_container_is_in_several_networks_at_once()
    {
        Bundt("network", "create", "shop").Ok();
        Bundt("network", "create", "--internal", "vault").Ok();
        Serve("web", "--network", "shop", "--network", "vault");
        Serve("safe", "--network", "vault");
        Assert.That(Fetch("safe", Address("web", "vault")), Is.EqualTo("web"));
        Assert.That(Fetch("safe", Address("web", "shop")), Is.Null);
        Assert.That(Bundt("exec", "web", "ip", "route").Ok().Stdout, Does.Contain("default via 172.18.0.1 dev eth0"));
        Assert.That(Bundt("exec", "safe", "ip", "route").Ok().Stdout, Does.Not.Contain("default"));
        var network = JsonNode.Parse(Bundt("network", "inspect", "vault").Ok().Stdout)![0]!;
        Assert.That(network["Containers"]!.AsObject().Select(member => member.Value!["Name"]!.GetValue<string>()), Is.EquivalentTo(new[] { "web", "safe" }));
        Assert.That(Bundt("network", "rm", "vault").Exits(125).Stderr, Does.Contain("has active endpoints"));
    }

    [Test]
    public void A_daemon_that_is_killed_is_not_missed_and_the_next_one_knows_who_is_where()
    {
        Bundt("network", "create", "shop").Ok();
        Serve("web", "--network", "shop");
        Serve("till", "--network", "shop");
        var web = Address("web", "shop");
        _daemon.Kill();
        Assert.That(FetchFromHost(web), Is.EqualTo("web"));
        _daemon.Start();
        Assert.That(Address("web", "shop"), Is.EqualTo(web));
        Assert.That(Fetch("till", web), Is.EqualTo("web"));
        Serve("late", "--network", "shop");
        Assert.That(Address("late", "shop"), Is.EqualTo("172.18.0.4"));
        Bundt("rm", "-f", "web").Ok();
        Serve("next", "--network", "shop");
        Assert.That(Address("next", "shop"), Is.EqualTo(web));
    }

    [Test]
    public void The_default_bridge_is_what_the_daemon_is_told_and_keeps_its_subnet()
    {
        using var daemon = new Daemon("", ["--bip", "10.80.0.7/24", "--bridge", "cakes"]);
        daemon.Load("busybox");
        const string Line = "{{.Name}} {{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}} {{index .Options \"com.docker.network.bridge.name\"}}";
        Assert.That(daemon.Docker("network", "inspect", "-f", Line, "bridge").Run().Ok().Text, Is.EqualTo("bridge 10.80.0.0/24 10.80.0.7 cakes"));
        Assert.That(daemon.OnHost("ip", "-o", "link").Run().Ok().Lines, Has.Length.EqualTo(1), "nobody has needed the bridge");
        Assert.That(daemon.Docker("run", "--rm", "--mac-address", "92:d0:c6:0a:29:33", "busybox", "sh", "-c", "hostname -i; cat /sys/class/net/eth0/address").Run().Ok().Lines,
            Is.EqualTo(new[] { "10.80.0.1", "92:d0:c6:0a:29:33" }));
        var id = daemon.Bundt("run", "-d", "--network", "bridge", "busybox", "sleep", "1000").Run().Ok().Text;
        daemon.Kill();
        daemon.Start();
        Assert.That(daemon.Bundt("inspect", "-f", "{{.HostConfig.NetworkMode}} {{.NetworkSettings.Networks.bridge.IPAddress}}", id).Run().Ok().Text, Is.EqualTo("bridge 10.80.0.1"));
        Assert.That(daemon.Bundt("network", "inspect", "bridge").Run().Ok().Stdout, Does.Contain(id));
        Assert.That(daemon.Bundt("network", "rm", "bridge").Run().Exits(125).Stderr, Does.Contain("pre-defined"));
        Assert.That(daemon.Docker("run", "--rm", "--ip", "10.80.0.9", "busybox", "true").Run().Exits(125).Stderr, Does.Contain("user defined networks only"));
    }

    [Test]
    public void Without_a_bridge_or_the_packet_filters_library_the_other_modes_work()
    {
        using var daemon = new Daemon("lib=$(ldconfig -p | sed -n 's/.*libnftables.so.1 .*=> //p'); mount --bind /dev/null \"$(readlink -f \"$lib\")\"", []);
        daemon.Load("busybox");
        Assert.That(daemon.Bundt("run", "--rm", "busybox", "true").Run().Exits(125).Stderr, Does.Contain("bridge networks need libnftables.so.1"));
        foreach (var mode in (string[])["none", "host"])
        {
            Assert.That(daemon.Bundt("run", "--rm", "--network", mode, "busybox", "echo", mode).Run().Ok().Text, Is.EqualTo(mode));
        }

        using var bare = new Daemon("", ["--bridge", "none"]);
        bare.Load("busybox");
        foreach (var client in (Func<string[], Command>[])[bare.Bundt, bare.Docker])
        {
            Assert.That(client(["run", "--rm", "busybox", "ls", "/sys/class/net"]).Run().Ok().Lines, Is.EqualTo(new[] { "lo" }));
            Assert.That(client(["run", "--rm", "--network", "bridge", "busybox", "true"]).Run().Exits(125).Stderr, Does.Contain("network bridge not found"));
        }
    }

    [Test]
    public void Dockers_client_makes_shows_and_removes_networks()
    {
        Result Docker(params string[] arguments) => _daemon.Docker(arguments).Run();
        Docker("network", "create", "--subnet", "10.78.0.0/16", "--ip-range", "10.78.5.0/24", "--gateway", "10.78.5.254", "--label", "a=b", "shop").Ok();
        Assert.That(Docker("network", "ls", "--format", "{{.Name}} {{.Driver}}").Ok().Lines, Is.EqualTo(new[] { "bridge bridge", "host host", "none null", "shop bridge" }));
        Assert.That(Docker("network", "inspect", "-f", "{{range .IPAM.Config}}{{.Subnet}} {{.IPRange}} {{.Gateway}}{{end}} {{.Labels.a}}", "shop").Ok().Text, Is.EqualTo("10.78.0.0/16 10.78.5.0/24 10.78.5.254 b"));
        Assert.That(Docker("run", "--rm", "--network", "shop", "busybox", "hostname", "-i").Ok().Text, Is.EqualTo("10.78.5.0"));
        Assert.That(Docker("network", "create", "--subnet", "10.78.9.0/24", "overlaps").Exits(1).Stderr, Does.Contain("Pool overlaps"));
        Assert.That(Docker("network", "create", "shop").Exits(1).Stderr, Does.Contain("network with name shop already exists"));
        Assert.That(Docker("run", "--rm", "--network", "nowhere", "busybox", "true").Exits(125).Stderr, Does.Contain("network nowhere not found"));
        Assert.That(Docker("run", "--rm", "--network", "shop", "--ip", "10.79.0.1", "busybox", "true").Exits(125).Stderr, Does.Contain("belongs to no subnet of network shop"));
        Assert.That(Docker("network", "rm", "shop").Ok().Text, Is.EqualTo("shop"));
        Assert.That(Docker("network", "inspect", "shop").Exits(1).Stderr, Does.Contain("network shop not found"));
    }
}
