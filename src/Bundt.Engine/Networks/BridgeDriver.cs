using System.Net;
using System.Net.Sockets;
using Bundt.Linux;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>Bridges of the host, and the veth pairs by which containers are connected to them.</summary>
internal sealed class BridgeDriver(PacketFilter filter)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _links = new(StringComparer.Ordinal);

    /// <summary>Sees to it that a network's bridge is there, has its addresses, and lets through what it should. What is there already is left.</summary>
    /// <exception cref="BundtException">The kernel refuses; Conflict: the name is that of another kind of interface.</exception>
    public int Ensure(Network network)
    {
        lock (_lock)
        {
            if (_links.TryGetValue(network.Id, out var known))
            {
                return known;
            }

            using var host = NetworkStack.OpenOwn();
            var link = host.Links().FirstOrDefault(link => link.Name == network.Bridge);
            if (link is null)
            {
                // One of its own: else it has the lowest of its ports', and changes it as containers come and go, while others remember it.
                host.AddBridge(network.Bridge, HardwareAddress.Random(), network.Options.Mtu);
            }
            else if (link.Kind != "bridge")
            {
                throw new BundtException(FailureKind.Conflict, Phase.Network, $"interface {network.Bridge} is no bridge", "Name another one by -o com.docker.network.bridge.name=");
            }

            var index = link?.Index ?? host.IndexOf(network.Bridge)!.Value;
            host.BringUp(index, hasIpv6: false);
            var has = host.Addresses().Where(address => address.Link == index).Select(address => address.Address).ToHashSet();
            foreach (var subnet in network.Subnets)
            {
                if (subnet.Gateway is { } gateway && !has.Contains(gateway))
                {
                    host.AddAddress(index, gateway, subnet.Network.PrefixLength);
                }
            }

            Forward(network);
            filter.Add([network.Rules], []);
            return _links[network.Id] = index;
        }
    }

    /// <summary>Removes a network's bridge.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Remove(Network network)
    {
        lock (_lock)
        {
            _links.Remove(network.Id);
            filter.Remove([network.Rules], []);
            using var host = NetworkStack.OpenOwn();
            host.Remove(network.Bridge);
        }
    }

    /// <summary>Connects a container: an interface in its network namespace, with addresses and routes.</summary>
    /// <param name="network">The network.</param>
    /// <param name="endpoint">The container's place in it.</param>
    /// <param name="networkNamespace">The container's network namespace.</param>
    /// <param name="routes">It is the way to everywhere else.</param>
    /// <exception cref="BundtException">The kernel refuses; nothing is left.</exception>
    public void Connect(Network network, Endpoint endpoint, SafeFileHandle networkNamespace, bool routes)
    {
        var bridge = Ensure(network);
        using var host = NetworkStack.OpenOwn();
        host.AddVeth(endpoint.Port, bridge, networkNamespace, endpoint.Interface, endpoint.Hardware, network.Options.Mtu);
        try
        {
            using var container = NetworkStack.Open(networkNamespace);
            var link = container.IndexOf(endpoint.Interface) ?? throw new BundtException(FailureKind.Internal, Phase.Network, $"interface {endpoint.Interface} has vanished");

            // First up, then the addresses: one of version 6 works at once only so.
            container.BringUp(link, endpoint.Ipv6 is not null);
            foreach (var address in (ReadOnlySpan<IPAddress?>)[endpoint.Ipv4, endpoint.Ipv6])
            {
                if (address is null)
                {
                    continue;
                }

                var subnet = network.Subnets.First(subnet => subnet.Network.Contains(address));
                container.AddAddress(link, address, subnet.Network.PrefixLength);
                if (routes && subnet.Gateway is { } gateway && !network.Settings.Internal)
                {
                    container.AddRoute(new Route(new IPNetwork(subnet.IsIpv6 ? IPAddress.IPv6Any : IPAddress.Any, 0), gateway, link));
                }
            }
        }
        catch
        {
            host.Remove(endpoint.Port);
            throw;
        }
    }

    /// <summary>Disconnects a container. If its network namespace is gone, so is the interface.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public static void Disconnect(Endpoint endpoint)
    {
        using var host = NetworkStack.OpenOwn();
        host.Remove(endpoint.Port);
    }

    // The host forwards, as Docker has it do; and what is sent to one of its loopback addresses may come back from a bridge.
    private static void Forward(Network network)
    {
        if (!network.Settings.Internal)
        {
            foreach (var subnet in network.Subnets)
            {
                Set(subnet.IsIpv6 ? "net/ipv6/conf/all/forwarding" : "net/ipv4/ip_forward");
            }
        }

        if (network.Subnets.Any(subnet => subnet.Network.BaseAddress.AddressFamily == AddressFamily.InterNetwork))
        {
            Set($"net/ipv4/conf/{network.Bridge}/route_localnet");
        }
    }

    private static void Set(string parameter)
    {
        var path = "/proc/sys/" + parameter;
        if (File.ReadAllText(path).Trim() != "1")
        {
            File.WriteAllText(path, "1");
        }
    }
}
