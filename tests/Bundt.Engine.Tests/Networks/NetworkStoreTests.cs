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
        _filter = new PacketFilter();
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
        new(_root, new EventLog(), new BridgeDriver(_filter), (name, why) => damaged?.Add(name + ": " + why));

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
        _store.Remove("shop");
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
        Assert.That(_store.Default().Subnets.Single().Network, Is.EqualTo(IPNetwork.Parse("172.18.0.0/16")));
        Assert.That(_store.Create(new NetworkRequest { Name = "next" }).Subnets.Single().Network, Is.EqualTo(IPNetwork.Parse("172.19.0.0/16")));
        Assert.That(_store.List(), Has.Count.EqualTo(2).And.Member(_store.Default()));
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
        var driver = new BridgeDriver(_filter);
        driver.Connect(network, endpoint, container, routes: true);
        using (var inside = NetworkStack.Open(container))
        {
            var eth0 = inside.Links().Single(link => link.Name == "eth0");
            Assert.That((eth0.IsUp, eth0.Address), Is.EqualTo((true, endpoint.Hardware)));
            Assert.That(inside.Addresses().Select(address => address.Address), Has.Member(endpoint.Ipv4).And.Member(endpoint.Ipv6));
            Assert.That(inside.Routes().Where(route => route.Destination.PrefixLength == 0).Select(route => route.Gateway),
                Is.EquivalentTo(network.Subnets.Select(subnet => subnet.Gateway)));
        }

        Assert.That(() => _store.Remove("shop"), Throws.TypeOf<BundtException>().With.Message.Contains("has active endpoints").And.Property("Kind").EqualTo(FailureKind.Forbidden));
        BridgeDriver.Disconnect(endpoint);
        BridgeDriver.Disconnect(endpoint);
        network.Leave(endpoint.ContainerId);
        _store.Remove(network.Id[..10]);
        Assert.That(host.Links(), Has.Count.EqualTo(1));
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
