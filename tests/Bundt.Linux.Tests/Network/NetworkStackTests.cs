using System.Net;
using System.Net.NetworkInformation;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Tests.Network;

/// <summary>Interfaces, addresses and routes of network namespaces that the test makes. Needs root.</summary>
public sealed class NetworkStackTests
{
    private static readonly PhysicalAddress s_hardware = PhysicalAddress.Parse("02-42-AC-11-00-02");

    private SafeFileHandle _host = null!;
    private SafeFileHandle _container = null!;

    [SetUp]
    public void MakeNamespaces()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root");
        }

        _host = NetworkNamespace.Create();
        _container = NetworkNamespace.Create();
    }

    [TearDown]
    public void CloseNamespaces()
    {
        _host?.Dispose();
        _container?.Dispose();
    }

    [Test]
    public void A_container_on_a_bridge_reaches_it()
    {
        using var host = NetworkStack.Open(_host);
        host.AddBridge("br-one", mtu: 1400);
        var bridge = host.IndexOf("br-one")!.Value;
        host.AddAddress(bridge, IPAddress.Parse("172.30.0.1"), 16);
        host.AddAddress(bridge, IPAddress.Parse("fd00:1::1"), 64);
        host.BringUp(bridge, hasIpv6: true);
        host.AddVeth("veth-one", bridge, _container, "eth0", s_hardware, 1400);

        using var container = NetworkStack.Open(_container);
        var eth0 = container.Links().Single(link => link.Name == "eth0");
        Assert.That(eth0.Address, Is.EqualTo(s_hardware));
        Assert.That((eth0.Kind, eth0.Mtu, eth0.IsUp), Is.EqualTo(("veth", 1400, false)));
        container.AddAddress(eth0.Index, IPAddress.Parse("172.30.0.2"), 16);
        container.AddAddress(eth0.Index, IPAddress.Parse("fd00:1::2"), 64);
        container.BringUp(eth0.Index, hasIpv6: true);
        container.AddRoute(new Route(IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("172.30.0.1"), eth0.Index));
        container.AddRoute(new Route(IPNetwork.Parse("::/0"), IPAddress.Parse("fd00:1::1"), eth0.Index));

        Assert.That(container.Addresses(), Has.Member(new LinkAddress(eth0.Index, IPAddress.Parse("172.30.0.2"), 16)).And.Member(new LinkAddress(eth0.Index, IPAddress.Parse("fd00:1::2"), 64)));
        Assert.That(container.Routes(), Has.Member(new Route(IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse("172.30.0.1"), eth0.Index))
            .And.Member(new Route(IPNetwork.Parse("172.30.0.0/16"), null, eth0.Index)).And.Member(new Route(IPNetwork.Parse("::/0"), IPAddress.Parse("fd00:1::1"), eth0.Index)));
        var port = host.Links().Single(link => link.Name == "veth-one");
        Assert.That((port.Master, port.IsUp), Is.EqualTo((bridge, true)));
        Assert.That(Send("172.30.0.2", "172.30.0.1"), Is.EqualTo("172.30.0.2"));
        Assert.That(Send("fd00:1::2", "fd00:1::1"), Is.EqualTo("fd00:1::2"));
    }

    [Test]
    public void What_is_there_already_is_a_conflict_and_what_is_missing_is_none()
    {
        using var host = NetworkStack.Open(_host);
        host.AddBridge("br-one");
        Assert.That(() => host.AddBridge("br-one"), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.Conflict).And.Message.Contains("br-one"));
        var bridge = host.IndexOf("br-one")!.Value;
        var address = IPAddress.Parse("10.9.8.1");
        host.AddAddress(bridge, address, 24);
        Assert.That(() => host.AddAddress(bridge, address, 24), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.Conflict));
        Assert.That((host.RemoveAddress(bridge, address, 24), host.RemoveAddress(bridge, address, 24)), Is.EqualTo((true, false)));
        Assert.That((host.Remove("br-one"), host.Remove("br-one"), host.IndexOf("br-one")), Is.EqualTo((true, false, (int?)null)));
    }

    [Test]
    public void The_kernel_says_itself_what_it_refuses()
    {
        using var host = NetworkStack.Open(_host);
        host.AddBridge("br-one");
        Assert.That(
            () => host.AddRoute(new Route(IPNetwork.Parse("10.0.0.0/8"), IPAddress.Parse("10.9.8.7"), host.IndexOf("br-one")!.Value)),
            Throws.TypeOf<BundtException>().With.Message.Contains("10.0.0.0/8 by 10.9.8.7"));
        Assert.That(() => host.AddBridge("a-name-that-is-too-long"), Throws.TypeOf<BundtException>());
    }

    [Test]
    public void An_interface_on_another_goes_into_the_container()
    {
        using var host = NetworkStack.Open(_host);
        host.AddBridge("lower");
        var lower = host.IndexOf("lower")!.Value;
        host.AddVlan("macvlan", lower, 4, _container, "eth0", s_hardware);
        using var container = NetworkStack.Open(_container);
        var eth0 = container.Links().Single(link => link.Name == "eth0");
        Assert.That((eth0.Kind, eth0.Address), Is.EqualTo(("macvlan", s_hardware)));
    }

    [Test]
    public void Many_interfaces_are_all_listed()
    {
        using var host = NetworkStack.Open(_host);
        for (var i = 0; i < 200; i++)
        {
            host.AddBridge($"br{i}");
        }

        Assert.That(host.Links().Count(link => link.Kind == "bridge"), Is.EqualTo(200));
    }

    [Test]
    public void A_rule_set_is_taken_whole_or_not_at_all() => NetworkNamespace.Enter(_host, () =>
    {
        using var filter = Nftables.Open();
        filter.Run("table inet cake { map ports { type inet_service : ipv4_addr . inet_service; }; }");
        filter.Run("add element inet cake ports { 8080 : 172.30.0.2 . 80 }");
        Assert.That(() => filter.Run("add element inet cake ports { 8081 : 172.30.0.3 . 80 }; add rule inet cake nochain accept"), Throws.TypeOf<BundtException>());
        Assert.That(filter.Run("list table inet cake"), Does.Contain("8080 : 172.30.0.2 . 80").And.Not.Contain("8081"));
    });

    // One datagram from the container to the host: the address that it seems to come from.
    private string Send(string from, string to)
    {
        System.Net.Sockets.Socket? receiver = null;
        NetworkNamespace.Enter(_host, () =>
        {
            receiver = new System.Net.Sockets.Socket(IPAddress.Parse(to).AddressFamily, System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp) { ReceiveTimeout = 10_000 };
            receiver.Bind(new IPEndPoint(IPAddress.Parse(to), 5353));
        });
        NetworkNamespace.Enter(_container, () =>
        {
            using var sender = new System.Net.Sockets.Socket(IPAddress.Parse(from).AddressFamily, System.Net.Sockets.SocketType.Dgram, System.Net.Sockets.ProtocolType.Udp);
            sender.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
            sender.SendTo([1], new IPEndPoint(IPAddress.Parse(to), 5353));
        });
        using (receiver)
        {
            System.Net.EndPoint sender = new IPEndPoint(IPAddress.Parse(to).AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
            receiver!.ReceiveFrom(new byte[8], ref sender);
            return ((IPEndPoint)sender).Address.ToString();
        }
    }
}
