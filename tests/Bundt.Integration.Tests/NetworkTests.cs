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

    private void OnHost(params string[] command) => _daemon.OnHost(command).Run().Ok();

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
        Bundt("network", "create", "--subnet", "10.79.0.0/24", "shop").Ok();
        Serve("web", "--network", "shop");
        Serve("till", "--network", "shop");
        var web = Address("web", "shop");
        _daemon.Kill();
        Assert.That(FetchFromHost(web), Is.EqualTo("web"));
        _daemon.Start();
        Assert.That(Address("web", "shop"), Is.EqualTo(web));
        Assert.That(Fetch("till", web), Is.EqualTo("web"));
        Serve("late", "--network", "shop");
        Assert.That(Address("late", "shop"), Is.EqualTo("10.79.0.4"));
        Bundt("rm", "-f", "web").Ok();
        Serve("next", "--network", "shop", "--ip", web);
        Assert.That(Address("next", "shop"), Is.EqualTo(web));
    }

    [TestCase("--userns=auto")]
    [TestCase("--userns=1000000:65536", "--sysctl=net.ipv4.conf.eth0.log_martians=1", "--sysctl=net.ipv6.conf.all.disable_ipv6=0")]
    public void A_container_with_a_user_namespace_owns_the_network_that_it_is_given(params string[] options)
    {
        Bundt("network", "create", "--ipv6", "--subnet", "fd00:77::/64", "--subnet", "10.77.0.0/24", "shop").Ok();
        Bundt("network", "create", "plain").Ok();
        Serve("web", ["--network", "shop", "--network", "plain", "--cap-add", "NET_ADMIN", .. options]);
        Serve("till", "--network", "shop");
        Assert.That(Fetch("till", Address("web", "shop")), Is.EqualTo("web"));
        Assert.That(Fetch("web", Address("till", "shop")), Is.EqualTo("till"));
        Bundt("exec", "web", "ip", "addr", "add", "10.99.0.1/32", "dev", "eth0").Ok();
        Assert.That(Bundt("exec", "web", "cat", "/proc/self/uid_map").Ok().Text, Does.Not.Contain("4294967295"));
        string Parameter(string name) => Bundt("exec", "web", "cat", "/proc/sys/net/" + name).Ok().Text;
        Assert.That(Parameter("ipv4/conf/eth0/log_martians"), Is.EqualTo(options.Length > 1 ? "1" : "0"));
        Assert.That((Parameter("ipv6/conf/eth0/disable_ipv6"), Parameter("ipv6/conf/eth1/disable_ipv6")), Is.EqualTo(("0", options.Length > 1 ? "0" : "1")));
        Assert.That(Bundt("run", "--rm", "--network", "shop", options[0], "busybox", "sh", "-c", "exit 7").ExitCode, Is.EqualTo(7));
        Assert.That(Bundt("run", "--rm", "--network", "shop", options[0], "busybox", "/nothing").ExitCode, Is.EqualTo(127));
        Eventually.True(() => Links().Count(link => link.StartsWith("veth", StringComparison.Ordinal)) == 3, () => string.Join(' ', Links()));
    }

    [Test]
    public void IPv6_is_there_where_it_is_asked_for_and_nowhere_else()
    {
        Bundt("network", "create", "plain").Ok();
        Bundt("network", "create", "--ipv6", "--ipv4=false", "--subnet", "fd00:78::/64", "--subnet", "10.9.0.0/16", "six").Ok();
        Serve("old", "--network", "plain");
        Serve("new", "--network", "six", "--ip6", "fd00:78::99");
        Serve("too", "--network", "six", "--sysctl", "net.ipv6.conf.all.disable_ipv6=0");
        string Parameter(string container, string name) => Bundt("exec", container, "cat", "/proc/sys/net/ipv6/conf/" + name).Ok().Text;
        Assert.That((Parameter("old", "all/disable_ipv6"), Parameter("old", "lo/disable_ipv6"), Parameter("old", "eth0/disable_ipv6")), Is.EqualTo(("1", "0", "1")));
        Assert.That((Parameter("new", "lo/disable_ipv6"), Parameter("new", "eth0/disable_ipv6"), Parameter("new", "eth0/accept_ra")), Is.EqualTo(("0", "0", "0")));
        Assert.That(Bundt("exec", "old", "ip", "-6", "addr", "show", "eth0").Ok().Text, Is.Empty);
        var addresses = Bundt("exec", "new", "ip", "addr", "show", "eth0").Ok().Stdout;
        Assert.That(addresses, Does.Contain("inet6 fd00:78::99/64").And.Not.Contain("inet "));
        Assert.That(addresses.Split('\n').Single(line => line.Contains("fd00:78::99", StringComparison.Ordinal)), Does.Not.Contain("tentative")); // the link's own may be
        Assert.That(Bundt("exec", "new", "ip", "-6", "route").Ok().Stdout, Does.Contain("default via fd00:78::1 dev eth0"));
        Assert.That(Bundt("exec", "too", "sh", "-c", "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 2 fd00:78::99 80 | tail -n 1").Ok().Text, Is.EqualTo("new"));
        Assert.That(FetchFromHost("[fd00:78::99]"), Is.EqualTo("new"));
        Assert.That(Bundt("network", "create", "--ipv4=false", "nothing").Exits(125).Stderr, Does.Contain("IPv4 or IPv6 must be enabled"));
    }

    [Test]
    public void The_options_of_a_bridge_do_what_they_say()
    {
        Bundt("network", "create", "-o", "com.docker.network.bridge.name=shop0", "-o", "com.docker.network.driver.mtu=1400", "-o", "com.docker.network.bridge.enable_icc=false",
            "-o", "com.docker.network.container_iface_prefix=lan", "-o", "com.example.unknown=cake", "shop").Ok();
        Serve("web", "--network", "shop");
        Serve("till", "--network", "shop");
        Assert.That(Links(), Does.Contain("shop0"));
        Assert.That(Bundt("exec", "web", "cat", "/sys/class/net/lan0/mtu").Ok().Text, Is.EqualTo("1400"));
        Assert.That(FetchFromHost(Address("web", "shop")), Is.EqualTo("web"));
        Assert.That(Fetch("till", Address("web", "shop")), Is.Null);
        Assert.That(Bundt("network", "inspect", "-f", "{{index .Options \"com.example.unknown\"}}", "shop").Ok().Text, Is.EqualTo("cake"));
        Assert.That(Bundt("network", "create", "-o", "com.docker.network.bridge.gateway_mode_ipv4=routed", "else").Exits(125).Stderr, Does.Contain("gateway_mode_ipv4=routed is not supported"));
    }

    [Test]
    public void Who_gets_the_address_of_another_is_reached_at_once()
    {
        Bundt("network", "create", "--subnet", "10.77.0.0/24", "shop").Ok();
        Serve("till", "--network", "shop");
        for (var i = 0; i < 5; i++)
        {
            Serve($"web{i}", "--network", "shop", "--ip", "10.77.0.9");
            Eventually.True(() => Fetch("till", "10.77.0.9") == $"web{i}" && FetchFromHost("10.77.0.9") == $"web{i}", "the new one is not reached", 2);
            Bundt("rm", "-f", $"web{i}").Ok();
        }
    }

    [Test]
    public void A_bridge_that_somebody_removes_is_back_with_all_its_containers_at_the_next_start()
    {
        var id = Bundt("network", "create", "shop").Ok().Text;
        Serve("web", "--network", "shop");
        OnHost("ip", "link", "del", "br-" + id[..12]);
        Serve("till", "--network", "shop");
        Assert.That(Fetch("till", Address("web", "shop")), Is.EqualTo("web"));
        Assert.That(FetchFromHost(Address("web", "shop")), Is.EqualTo("web"));
        OnHost("ip", "link", "del", "br-" + id[..12]);
        _daemon.Kill();
        _daemon.Start();
        Assert.That(Fetch("till", Address("web", "shop")), Is.EqualTo("web"));
    }

    [Test]
    public void Containers_of_a_macvlan_are_on_the_network_of_the_parent()
    {
        OnHost("ip", "link", "add", "switch", "type", "bridge");
        OnHost("ip", "link", "set", "switch", "up");
        OnHost("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "nic");
        OnHost("sh", "-c", "ip link set uplink master switch && ip link set uplink up && ip link set nic up && ip addr add 10.55.0.1/24 dev switch");
        try
        {
            Bundt("network", "create", "-d", "macvlan", "--subnet", "10.66.0.0/24", "--gateway", "10.66.0.254", "--aux-address", "printer=10.66.0.1", "-o", "parent=nic", "lan").Ok();
            OnHost("ip", "addr", "add", "10.66.0.254/24", "dev", "switch");
            Serve("web", "--network", "lan");
            Serve("till", "--network", "lan", "--mac-address", "02:42:aa:bb:cc:dd");
            Assert.That((Address("web", "lan"), Address("till", "lan")), Is.EqualTo(("10.66.0.2", "10.66.0.3")));
            Assert.That(Fetch("till", "10.66.0.2"), Is.EqualTo("web"));
            Assert.That(FetchFromHost("10.66.0.2"), Is.EqualTo("web"));
            Assert.That(Bundt("exec", "till", "cat", "/sys/class/net/eth0/address").Ok().Text, Is.EqualTo("02:42:aa:bb:cc:dd"));
            Assert.That(Bundt("exec", "till", "ip", "route").Ok().Stdout, Does.Contain("default via 10.66.0.254 dev eth0"));
            Assert.That(Fetch("till", "10.55.0.1"), Is.Null); // nobody listens there: but the way is not blocked
            Bundt("exec", "till", "ping", "-c", "1", "-W", "2", "10.55.0.1").Ok();
            Assert.That(Bundt("network", "inspect", "-f", "{{.Driver}} {{.Options.parent}} {{len .Containers}}", "lan").Ok().Text, Is.EqualTo("macvlan nic 2"));
            _daemon.Kill();
            _daemon.Start();
            Bundt("rm", "-f", "web").Ok();
            Serve("next", "--network", "lan");
            Assert.That(Address("next", "lan"), Is.EqualTo("10.66.0.2"));
            Eventually.True(() => Fetch("till", "10.66.0.2") == "next" && FetchFromHost("10.66.0.2") == "next", "the new one is not reached", 3);
            Assert.That(Bundt("network", "create", "-d", "macvlan", "-o", "parent=eth9", "none-such").Exits(125).Stderr, Does.Contain("there is no interface eth9"));
        }
        finally
        {
            Bundt("rm", "-f", "web", "till", "next");
            OnHost("ip", "link", "del", "uplink");
            OnHost("ip", "link", "del", "switch");
        }
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
        string Seen() => daemon.Bundt("inspect", "-f", "{{.HostConfig.NetworkMode}} {{.NetworkSettings.Networks.bridge.IPAddress}}", id).Run().Ok().Text;
        var before = Seen();
        daemon.Kill();
        daemon.Start();
        Assert.That(Seen(), Is.EqualTo(before).And.StartsWith("bridge 10.80.0."));
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
