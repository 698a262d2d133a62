using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Bundt.Engine.Networks;
using Bundt.Linux;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Tests.Networks;

/// <summary>
/// The rules with real packets: a host with two bridges and an internal one, containers on them, and a client on the host's LAN, each a network
/// namespace of the test's own. Needs root.
/// </summary>
public sealed class RuleSetTests
{
    private const string Lan = "192.0.2.1", Client = "192.0.2.9", Lan6 = "2001:db8::1", Client6 = "2001:db8::9";

    private readonly Dictionary<string, SafeFileHandle> _namespaces = [];
    private Nftables _filter = null!;
    private int _hardware;

    [OneTimeSetUp]
    public void MakeHosts()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root");
        }

        foreach (var name in (string[])["host", "client", "web", "shop", "other", "vault"])
        {
            _namespaces[name] = NetworkNamespace.Create();
        }

        using var host = NetworkStack.Open(_namespaces["host"]);
        Bridge(host, "lan", Lan, Lan6);
        Bridge(host, "br-one", "172.20.0.1", "fd00:20::1");
        Bridge(host, "br-two", "172.21.0.1", "fd00:21::1");
        Bridge(host, "br-in", "172.22.0.1", "fd00:22::1");
        Connect(host, "lan", "client", Client, Client6, routes: false);
        Connect(host, "br-one", "web", "172.20.0.2", "fd00:20::2");
        Connect(host, "br-one", "shop", "172.20.0.3", "fd00:20::3");
        Connect(host, "br-two", "other", "172.21.0.2", "fd00:21::2");
        Connect(host, "br-in", "vault", "172.22.0.2", "fd00:22::2");
        NetworkNamespace.Enter(_namespaces["host"], () =>
        {
            File.WriteAllText("/proc/sys/net/ipv4/ip_forward", "1");
            File.WriteAllText("/proc/sys/net/ipv6/conf/all/forwarding", "1");
            File.WriteAllText("/proc/sys/net/ipv4/conf/br-one/route_localnet", "1");
            _filter = Nftables.Open();
            _filter.Run(RuleSet.Replace(
                "bundt",
                [Rules("br-one", 20), Rules("br-two", 21), Rules("br-in", 22, isInternal: true)],
                [
                    Port(PortProtocol.Tcp, "0.0.0.0", 8080, "172.20.0.2", 80), Port(PortProtocol.Tcp, "::", 8080, "fd00:20::2", 80),
                    Port(PortProtocol.Udp, "0.0.0.0", 8080, "172.20.0.2", 81), Port(PortProtocol.Tcp, "127.0.0.1", 8081, "172.20.0.2", 80),
                    Port(PortProtocol.Tcp, Lan, 8082, "172.20.0.3", 80),
                ]));
        });
        using var client = NetworkStack.Open(_namespaces["client"]);
        var link = client.IndexOf("eth0")!.Value;
        client.AddRoute(new Route(IPNetwork.Parse("172.16.0.0/12"), IPAddress.Parse(Lan), link)); // a neighbour who tries it
        foreach (var name in (string[])["web", "shop", "other", "vault", "client"])
        {
            Listen(name, 80);
        }

        Listen("host", 9000);
    }

    [OneTimeTearDown]
    public void CloseHosts()
    {
        _filter?.Dispose();
        _listeners.ForEach(listener => listener.Dispose());
        foreach (var one in _namespaces.Values)
        {
            one.Dispose();
        }
    }

    [TestCase("client", Lan, 8080, "web", Client)]
    [TestCase("client", Lan6, 8080, "web", Client6)]
    [TestCase("client", Lan, 8082, "shop", Client)]
    [TestCase("host", Lan, 8080, "web", Lan)]
    [TestCase("host", "127.0.0.1", 8080, "web", "172.20.0.1")]
    [TestCase("host", "127.0.0.1", 8081, "web", "172.20.0.1")]
    [TestCase("host", "172.20.0.2", 80, "web", "172.20.0.1")]
    [TestCase("other", Lan, 8080, "web", "172.21.0.2")]
    [TestCase("other", "172.21.0.1", 8080, "web", "172.21.0.2")]
    [TestCase("shop", Lan, 8080, "web", "172.20.0.1")]
    [TestCase("shop", "172.20.0.1", 8080, "web", "172.20.0.1")]
    [TestCase("web", Lan, 8080, "web", "172.20.0.1")]
    [TestCase("web", Lan6, 8080, "web", "fd00:20::1")]
    [TestCase("shop", "172.20.0.2", 80, "web", "172.20.0.3")]
    [TestCase("web", Client, 80, "client", Lan)]
    [TestCase("web", Client6, 80, "client", Lan6)]
    [TestCase("vault", "172.22.0.1", 9000, "host", "172.22.0.2")]
    [TestCase("host", "172.22.0.2", 80, "vault", "172.22.0.1")]
    public void Who_may_arrives_and_is_seen_as(string from, string address, int port, string at, string seenAs) =>
        Assert.That(Ask(from, address, port, seconds: 10), Is.EqualTo($"{at} sees {seenAs}"));

    [TestCase("client", Lan, 8081)]
    [TestCase("client", "172.20.0.2", 80)]
    [TestCase("other", "172.20.0.2", 80)]
    [TestCase("vault", Client, 80)]
    [TestCase("vault", Lan, 8080)]
    [TestCase("web", "172.22.0.2", 80)]
    [TestCase("host", "127.0.0.1", 8082)]
    public void Who_may_not_does_not_arrive(string from, string address, int port) => Assert.That(Ask(from, address, port), Is.Null);

    [Test]
    public void Ports_are_added_and_deleted_while_others_stay()
    {
        PublishedPort[] ports = [Port(PortProtocol.Tcp, "0.0.0.0", 8090, "172.21.0.2", 80)];
        _filter.Run(RuleSet.Change("bundt", "add", [], ports));
        Assert.That(Ask("client", Lan, 8090), Is.EqualTo($"other sees {Client}"));
        _filter.Run(RuleSet.Change("bundt", "delete", [], ports));
        Assert.That(Ask("client", Lan, 8090), Is.Null);
        Assert.That(Ask("client", Lan, 8080), Is.EqualTo($"web sees {Client}"));
    }

    private readonly List<TcpListener> _listeners = [];

    private static PublishedPort Port(PortProtocol protocol, string host, ushort port, string container, ushort containerPort) =>
        new(protocol, IPAddress.Parse(host), port, IPAddress.Parse(container), containerPort);

    private static BridgeRules Rules(string name, int number, bool isInternal = false) =>
        new(name, [IPNetwork.Parse($"172.{number}.0.0/24"), IPNetwork.Parse($"fd00:{number}::/64")], isInternal, !isInternal);

    private static void Bridge(NetworkStack host, string name, string address, string address6)
    {
        host.AddBridge(name);
        var link = host.IndexOf(name)!.Value;
        host.BringUp(link, hasIpv6: false);
        host.AddAddress(link, IPAddress.Parse(address), 24);
        host.AddAddress(link, IPAddress.Parse(address6), 64);
    }

    private void Connect(NetworkStack host, string bridge, string name, string address, string address6, bool routes = true)
    {
        var hardware = new PhysicalAddress([2, 0, 0, 0, 0, (byte)++_hardware]);
        host.AddVeth("to-" + name, host.IndexOf(bridge)!.Value, _namespaces[name], "eth0", hardware);
        using var container = NetworkStack.Open(_namespaces[name]);
        var link = container.IndexOf("eth0")!.Value;
        container.BringUp(link, hasIpv6: false);
        container.AddAddress(link, IPAddress.Parse(address), 24);
        container.AddAddress(link, IPAddress.Parse(address6), 64);
        if (routes)
        {
            container.AddRoute(new Route(IPNetwork.Parse("0.0.0.0/0"), IPAddress.Parse(address[..address.LastIndexOf('.')] + ".1"), link));
            container.AddRoute(new Route(IPNetwork.Parse("::/0"), IPAddress.Parse(address6[..^1] + "1"), link));
        }
    }

    // Answers each connection with who it is and whom it sees.
    private void Listen(string name, int port)
    {
        NetworkNamespace.Enter(_namespaces[name], () =>
        {
            var listener = new TcpListener(IPAddress.IPv6Any, port);
            listener.Server.DualMode = true;
            listener.Start();
            _listeners.Add(listener);
            _ = ServeAsync(name, listener);
        });
    }

    private static async Task ServeAsync(string name, TcpListener listener)
    {
        while (true)
        {
            try
            {
                using var client = await listener.AcceptSocketAsync().ConfigureAwait(false);
                var address = ((IPEndPoint)client.RemoteEndPoint!).Address;
                await client.SendAsync(System.Text.Encoding.UTF8.GetBytes($"{name} sees {(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address)}")).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    // What the server says; null: nobody is reached. A bridge has its first carrier seconds after its first port, and no IPv6 before (linkwatch).
    private string? Ask(string from, string address, int port, int seconds = 1)
    {
        string? answer = null;
        NetworkNamespace.Enter(_namespaces[from], () =>
        {
            var to = new IPEndPoint(IPAddress.Parse(address), port);
            using var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 10_000 };
            try
            {
                if (!socket.ConnectAsync(to).Wait(TimeSpan.FromSeconds(seconds)))
                {
                    return;
                }

                var buffer = new byte[100];
                answer = System.Text.Encoding.UTF8.GetString(buffer, 0, socket.Receive(buffer));
            }
            catch (Exception e) when (e is SocketException or AggregateException)
            {
                answer = null;
            }
        });
        return answer;
    }
}
