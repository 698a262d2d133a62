using System.Net;
using Bundt.Engine.Containers;
using Bundt.Engine.Networks;
using Bundt.Linux;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Tests.Networks;

/// <summary>Networks on a host that is a network namespace of the test's own. Needs root.</summary>
public sealed class NetworkStoreTests
{
    private string _root = "";
    private SafeFileHandle _host = null!;
    private PacketFilter _filter = null!;
    private NetworkDrivers _drivers = null!;
    private NetworkStore _store = null!;

    [SetUp]
    public void MakeHost()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root");
        }

        _root = Directory.CreateTempSubdirectory().FullName;
        _host = NetworkNamespace.Create();
        _filter = new PacketFilter("bundt");
        _store = Open();
    }

    [TearDown]
    public void RemoveHost()
    {
        _filter?.Dispose();
        _host?.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    private NetworkStore Open(List<string>? damaged = null) =>
        new(_root, new EventLog(), _drivers = new NetworkDrivers(_filter, new OwnMark("test")), (name, why) => damaged?.Add(name + ": " + why));

    private void Remove(string network) => _store.RemoveAsync(network).GetAwaiter().GetResult();

    private static SubnetRequest Asked(string subnet, string? gateway = null) => new(subnet, null, gateway, new Dictionary<string, string>());

    private void OnHost(Action action) => NetworkNamespace.Enter(_host, action);

    [Test]
    public void A_network_is_a_bridge_with_its_gateways_address_and_is_gone_when_it_is_removed() => OnHost(() =>
    {
        using var host = NetworkStack.OpenOwn();
        var network = _store.Create(new NetworkRequest { Name = "shop", EnableIpv6 = true, Subnets = [Asked("10.5.0.0/16")] });
        var bridge = host.Links().Single(link => link.Name == "br-" + network.Id[..12]);
        Assert.That((bridge.Kind, bridge.IsUp), Is.EqualTo(("bridge", true)));
        var addresses = host.Addresses().Where(address => address.Link == bridge.Index).ToList();
        Assert.That(addresses, Has.Member(new LinkAddress(bridge.Index, IPAddress.Parse("10.5.0.1"), 16)));
        Assert.That(addresses.Single(address => address.Address.IsIPv6UniqueLocal).Prefix, Is.EqualTo(64));
        Remove("shop");
        Assert.That(host.Links().Select(link => link.Name), Is.EqualTo(new[] { "lo" }));
        Assert.That(Directory.GetFiles(_root), Is.Empty);
    });

    [Test]
    public void A_chosen_subnet_is_none_that_the_host_has_a_route_to() => OnHost(() =>
    {
        using var host = NetworkStack.OpenOwn();
        host.AddBridge("vpn");
        var link = host.IndexOf("vpn")!.Value;
        host.BringUp(link, hasIpv6: false);
        host.AddAddress(link, IPAddress.Parse("172.17.44.1"), 24);
        _store.SetDefault(new DefaultBridge(), e => Assert.Fail(e.Message));
        Assert.That(_store.Default!.Subnets.Single().Network, Is.EqualTo(IPNetwork.Parse("172.18.0.0/16")));
        Assert.That(_store.Create(new NetworkRequest { Name = "next" }).Subnets.Single().Network, Is.EqualTo(IPNetwork.Parse("172.19.0.0/16")));
        Assert.That(_store.List(), Has.Count.EqualTo(2).And.Member(_store.Default));
    });

    [Test]
    public void What_cannot_be_is_refused_and_changes_nothing() => OnHost(() =>
    {
        _store.Create(new NetworkRequest { Name = "shop", Subnets = [Asked("10.5.0.0/16")] });
        BundtException Refusal(NetworkRequest settings) => Assert.Throws<BundtException>(() => _store.Create(settings))!;
        Assert.That(Refusal(new NetworkRequest { Name = "shop" }).Kind, Is.EqualTo(FailureKind.Conflict));
        Assert.That(Refusal(new NetworkRequest { Name = "host" }).Kind, Is.EqualTo(FailureKind.Conflict));
        Assert.That(Refusal(new NetworkRequest { Name = "a/b" }).Message, Does.Contain("invalid network name"));
        Assert.That(Refusal(new NetworkRequest { Name = "b", Subnets = [Asked("10.5.7.0/24")] }).Message, Does.Contain("Pool overlaps").And.Contains("10.5.0.0/16 of network shop"));
        Assert.That(Refusal(new NetworkRequest { Name = "b", Subnets = [Asked("10.6.0.0/16"), Asked("10.6.3.0/24")] }).Message, Does.Contain("overlap"));
        Assert.That(Refusal(new NetworkRequest { Name = "b", Subnets = [Asked("10.6.0.0/16", "10.7.0.1")] }).Message, Does.Contain("not in subnet"));
        Assert.That(Refusal(new NetworkRequest { Name = "b", Subnets = [Asked("", "10.7.0.1")] }).Message, Does.Contain("needs its subnet"));
        Assert.That(Refusal(new NetworkRequest { Name = "b", Driver = "overlay" }).Kind, Is.EqualTo(FailureKind.NotFound));
        Assert.That(Refusal(new NetworkRequest { Name = "b", Options = new Dictionary<string, string> { ["com.docker.network.bridge.name"] = "lo" } }).Message, Does.Contain("is no bridge"));
        using var host = NetworkStack.OpenOwn();
        Assert.That(_store.List().Select(network => network.Name), Is.EqualTo(new[] { "shop" }));
        Assert.That(host.Links(), Has.Count.EqualTo(2));
        Assert.That(Directory.GetFiles(_root), Has.Length.EqualTo(1));
    });

    [Test]
    public void A_container_is_connected_and_its_network_stays_while_it_is() => OnHost(() =>
    {
        using var container = NetworkNamespace.Create();
        using var host = NetworkStack.OpenOwn();
        var network = _store.Create(new NetworkRequest { Name = "shop", EnableIpv6 = true });
        var endpoint = network.Enter(ContainerNames.NewId(), "eth0", [], null);
        var driver = _drivers.Of(network);
        driver.Connect(network, endpoint, container, routes: true);
        using (var inside = NetworkStack.Open(container))
        {
            var eth0 = inside.Links().Single(link => link.Name == "eth0");
            Assert.That((eth0.IsUp, eth0.Address), Is.EqualTo((true, endpoint.Hardware)));
            Assert.That(inside.Addresses().Select(address => address.Address), Has.Member(endpoint.Ipv4).And.Member(endpoint.Ipv6));
            Assert.That(inside.Routes().Where(route => route.Destination.PrefixLength == 0).Select(route => route.Gateway),
                Is.EquivalentTo(network.Subnets.Select(subnet => subnet.Gateway)));
        }

        Assert.That(() => Remove("shop"), Throws.TypeOf<BundtException>().With.Message.Contains("has active endpoints").And.Property("Kind").EqualTo(FailureKind.Forbidden));
        driver.Disconnect(endpoint, null);
        driver.Disconnect(endpoint, null);
        network.Leave(endpoint.ContainerId);
        Remove(network.Id[..10]);
        Assert.That(host.Links(), Has.Count.EqualTo(1));
    });

    [Test]
    public void What_a_daemon_has_left_of_what_is_gone_is_swept_and_nothing_else() => OnHost(() =>
    {
        var (dead, alive) = (ContainerNames.NewId(), ContainerNames.NewId());
        using var host = NetworkStack.OpenOwn();
        using var container = NetworkNamespace.Create();
        var network = _store.Create(new NetworkRequest { Name = "shop" });
        var gone = new Network(network.Record with { Id = ContainerNames.NewId(), Subnets = [] });
        _drivers.Of(gone).Ensure(gone);
        new NetworkDrivers(_filter, new OwnMark("other")).Of(gone).Ensure(new Network(gone.Record with { Id = ContainerNames.NewId() }));
        host.AddBridge("docker0");
        _drivers.Of(network).Connect(network, network.Enter(dead, "eth0", [], null), container, routes: true);
        _drivers.Of(network).Connect(network, network.Enter(alive, "eth1", [], null), container, routes: false);
        var stays = host.Links().Where(link => link.Name != gone.Bridge && !link.Alias.EndsWith(dead, StringComparison.Ordinal)).Select(link => link.Name).ToList();

        // The record of one that was being made is all that there is of it.
        var record = network.Record with { Id = ContainerNames.NewId(), Settings = new NetworkRequest { Name = "half" }, Subnets = [Asked("10.9.0.0/24")] };
        File.WriteAllText(Path.Combine(_root, record.Id + ".json"), System.Text.Json.JsonSerializer.Serialize(record, RecordJson.Default.NetworkRecord));
        var removed = new List<string>();
        Open().BringUp(new HashSet<string> { alive }, (name, _) => removed.Add(name), (_, e) => Assert.Fail(e.Message));
        Assert.That(removed, Has.Count.EqualTo(2).And.Member(gone.Bridge));
        Assert.That(host.Links().Select(link => link.Name), Is.EquivalentTo(stays.Append("br-" + record.Id[..12])));
        Assert.That(stays, Has.Count.EqualTo(5)); // lo, shop's bridge and port, docker0, the other daemon's
    });

    [Test]
    public void A_bridge_that_was_there_before_stays_the_users_and_that_of_another_daemon_is_not_taken() => OnHost(() =>
    {
        using var host = NetworkStack.OpenOwn();
        host.AddBridge("lan0");
        host.AddBridge("bundt0", alias: "bundt other 1");
        NetworkRequest On(string bridge) => new() { Name = bridge, Options = new Dictionary<string, string> { ["com.docker.network.bridge.name"] = bridge } };
        _store.Create(On("lan0"));
        Assert.That(() => _store.Create(On("lan0") with { Name = "twice" }), Throws.TypeOf<BundtException>().With.Message.Contains("networks have same bridge name"));
        Assert.That(() => _store.Create(On("bundt0")), Throws.TypeOf<BundtException>().With.Message.Contains("that of another daemon"));
        Remove("lan0");
        Assert.That(host.Links().Select(link => link.Name), Is.EquivalentTo(new[] { "lo", "lan0", "bundt0" }));
    });

    [TestCase("macvlan", "")]
    [TestCase("macvlan", "com.docker.network.driver.mtu=1400")]
    [TestCase("macvlan", "macvlan_mode=private")]
    [TestCase("ipvlan", "")]
    [TestCase("ipvlan", "ipvlan_mode=l3")]
    [TestCase("ipvlan", "ipvlan_mode=l3s")]
    public void A_container_is_on_the_network_of_a_parent_interface(string driver, string option) => OnHost(() =>
    {
        using var host = NetworkStack.OpenOwn();
        using var lan = NetworkNamespace.Create();
        using var container = NetworkNamespace.Create();
        if (driver == "ipvlan" && !HasKind(host, driver))
        {
            Assert.Ignore("this kernel has no ipvlan");
        }

        host.AddBridge("switch");
        host.AddVeth("uplink", host.IndexOf("switch")!.Value, lan, "eth9", HardwareAddress.Random());
        var parent = HasKind(host, "vlan") ? "switch.7" : "switch";
        var options = option.Split('=') is [var key, var value] ? new Dictionary<string, string> { [key] = value } : [];
        var network = _store.Create(new NetworkRequest { Name = "lan", Driver = driver, Options = new Dictionary<string, string>(options) { ["parent"] = parent }, Subnets = [Asked("10.5.0.0/24", "10.5.0.254")] });
        Assert.That(host.Find(parent), Has.Property("IsUp").True);
        var second = _store.Create(new NetworkRequest { Name = "more", Driver = driver, Options = new Dictionary<string, string>(options) { ["parent"] = parent } });
        Assert.That(
            () => _store.Create(new NetworkRequest { Name = "alone", Driver = "macvlan", Options = new Dictionary<string, string> { ["parent"] = parent, ["macvlan_mode"] = "passthru" } }),
            Throws.TypeOf<BundtException>().With.Message.Contains("already using parent interface " + parent));
        var endpoint = network.Enter(ContainerNames.NewId(), "eth0", [], null);
        _drivers.Of(network).Connect(network, endpoint, container, routes: true);
        using (var inside = NetworkStack.Open(container))
        {
            Assert.That(inside.Find("eth0"), Has.Property("Kind").EqualTo(driver).And.Property("IsUp").True.And.Property("Mtu").EqualTo(options.ContainsKey("com.docker.network.driver.mtu") ? 1400 : 1500));
            Assert.That(inside.Addresses().Select(address => address.Address), Has.Member(IPAddress.Parse("10.5.0.1")));
            Assert.That(inside.Routes().Single(route => route.Destination.PrefixLength == 0).Gateway, Is.EqualTo(option.EndsWith("l3", StringComparison.Ordinal) || option.EndsWith("l3s", StringComparison.Ordinal) ? null : IPAddress.Parse("10.5.0.254")));
            _drivers.Of(network).Disconnect(endpoint, container);
            Assert.That(inside.Find("eth0"), Is.Null);
        }

        network.Leave(endpoint.ContainerId);
        Remove(network.Id);
        Assert.That(host.Find(parent), Is.Not.Null, "another network is on it");
        Open().BringUp(new HashSet<string>(), (name, _) => Assert.Fail(name), (_, e) => Assert.Fail(e.Message));
        Remove(second.Id);
        Assert.That(host.Find("switch.7"), Is.Null);
        Assert.That(host.Find("switch"), Is.Not.Null);
    });

    // Not every kernel has all kinds of interfaces: the one of the development machine has no VLANs and no dummies, QEMU's has both.
    private bool HasKind(NetworkStack host, string kind)
    {
        try
        {
            host.AddBridge("probe");
            var probe = host.IndexOf("probe")!.Value;
            if (kind == "vlan")
            {
                host.AddTagged("probe.1", probe, 1, "");
            }
            else if (kind == "ipvlan")
            {
                host.AddVlan(kind, probe, 0, _host, "probe.1", null);
            }
            else
            {
                host.AddDummy("probe.1", "");
            }

            return true;
        }
        catch (BundtException e) when (e.Errno == Errno.EOPNOTSUPP)
        {
            return false;
        }
        finally
        {
            host.Remove("probe.1");
            host.Remove("probe");
        }
    }

    [Test]
    public void Without_a_parent_a_macvlan_leads_nowhere() => OnHost(() =>
    {
        using var host = NetworkStack.OpenOwn();
        if (!HasKind(host, "dummy"))
        {
            Assert.Ignore("this kernel has no dummy interfaces");
        }

        var network = _store.Create(new NetworkRequest { Name = "inside", Driver = "macvlan" });
        Assert.That((network.Settings.Internal, host.Find("dm-" + network.Id[..12])?.Kind), Is.EqualTo((true, "dummy")));
        Remove("inside");
        Assert.That(host.Links().Select(link => link.Name), Is.EqualTo(new[] { "lo" }));
    });

    [Test]
    public void What_a_driver_cannot_do_is_refused() => OnHost(() =>
    {
        using var host = NetworkStack.OpenOwn();
        BundtException Refusal(string driver, params (string Key, string Value)[] options) => Assert.Throws<BundtException>(
            () => _store.Create(new NetworkRequest { Name = "b", Driver = driver, Options = options.ToDictionary(option => option.Key, option => option.Value) }))!;
        Assert.That(Refusal("macvlan", ("parent", "eth77")).Message, Does.Contain("there is no interface eth77"));
        Assert.That(Refusal("macvlan", ("parent", "eth77.5")).Message, Does.Contain("no interface eth77 on the host"));
        Assert.That(Refusal("macvlan", ("parent", "lo")).Message, Does.Contain("loopback"));
        Assert.That(Refusal("macvlan", ("parent", "lo.4095")).Message, Does.Contain("1 to 4094"));
        Assert.That(Refusal("macvlan", ("macvlan_mode", "l2")).Message, Does.Contain("requested macvlan mode 'l2' is not valid"));
        Assert.That(Refusal("ipvlan", ("ipvlan_mode", "bridge")).Message, Does.Contain("requested ipvlan mode 'bridge' is not valid"));
        Assert.That(Refusal("bridge", ("com.docker.network.bridge.gateway_mode_ipv4", "routed")).Kind, Is.EqualTo(FailureKind.NotImplemented));
        Assert.That(host.Links().Select(link => link.Name), Is.EqualTo(new[] { "lo" }));
        Assert.That(Directory.GetFiles(_root), Is.Empty);
    });

    [Test]
    public void Networks_are_there_again_after_a_restart_and_damage_is_told()
    {
        OnHost(() => _store.Create(new NetworkRequest { Name = "shop", Labels = new Dictionary<string, string> { ["a"] = "b" } }));
        File.WriteAllText(Path.Combine(_root, new string('0', 64) + ".json"), "{\"cake\":");
        var damaged = new List<string>();
        var again = Open(damaged);
        Assert.That(again.TryFind("shop")!.Record.Subnets.Single().Subnet, Is.EqualTo(_store.TryFind("shop")!.Subnets.Single().Network.ToString()));
        Assert.That(again.TryFind("shop")!.Settings.Labels["a"], Is.EqualTo("b"));
        Assert.That(damaged.Single(), Does.StartWith("0000"));
    }

    // Another container stays: what follows the waiting may be on another thread, which is in the machine's own network namespace.
    [Test]
    public void Whether_a_network_is_in_use_is_asked_once_those_that_have_ended_are_out_of_it() => OnHost(() =>
    {
        var (leaving, stays) = (new string('a', 64), new string('b', 64));
        var network = _store.Create(new NetworkRequest { Name = "shop" });
        network.Enter(leaving, "eth0", [], null);
        network.Enter(stays, "eth0", [], null);
        var left = new TaskCompletionSource();
        _store.Expect(left.Task);
        var removal = _store.RemoveAsync("shop");
        Assert.That(removal.IsCompleted, Is.False);
        network.Leave(leaving);
        left.SetResult();
        Assert.That(
            () => removal.GetAwaiter().GetResult(),
            Throws.TypeOf<BundtException>().With.Message.Contains($"has active endpoints (1, the first one of container {stays[..12]})"));
        Assert.That(_store.Left().IsCompleted);
    });

    [Test]
    public void The_rules_know_bridges_and_ports_and_are_restored_when_somebody_flushes_them() => OnHost(() =>
    {
        using var nft = Nftables.Open();
        var network = _store.Create(new NetworkRequest { Name = "shop" });
        var port = new PublishedPort(PortProtocol.Tcp, IPAddress.Any, 8080, IPAddress.Parse("172.17.0.2"), 80);
        _filter.Restore();
        _filter.Add([], [port]);
        var before = nft.Run("list table inet bundt");
        Assert.That(before, Does.Contain("tcp . 8080 : 172.17.0.2 . 80").And.Contain(network.Bridge));
        nft.Run("flush ruleset");
        _filter.Restore();
        Assert.That(nft.Run("list table inet bundt"), Is.EqualTo(before));
        nft.Run("flush ruleset");
        _filter.Remove([], [port]);
        Assert.That(nft.Run("list table inet bundt"), Does.Not.Contain("8080").And.Contain(network.Bridge));
    });
}
