using System.Net;
using Bundt.Linux;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>Bridges of the host, and the veth pairs by which containers are connected to them.</summary>
internal sealed class BridgeDriver(PacketFilter filter, OwnMark mark) : INetworkDriver
{
    private const int LinkLocalPrefix = 64;

    private static readonly IPAddress s_linkLocal = IPAddress.Parse("fe80::1");

    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _links = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Check(Network network, IEnumerable<Network> others)
    {
        if (others.FirstOrDefault(other => other.IsBridge && other.Bridge == network.Bridge) is { } other)
        {
            throw new BundtException(FailureKind.Forbidden, Phase.Network, $"network {network.Name} conflicts with network {other.Name}: networks have same bridge name ({other.Bridge})");
        }
    }

    /// <inheritdoc/>
    public void Ensure(Network network) => Link(network);

    /// <inheritdoc/>
    public void Remove(Network network, IEnumerable<Network> others)
    {
        lock (_lock)
        {
            _links.Remove(network.Id);
        }

        // Nobody comes in any more. The kernel takes tens of milliseconds, for which no other network has to wait.
        filter.Remove([network.Rules], []);
        using var host = NetworkStack.OpenOwn();

        // One that was there before is the user's.
        if (host.Find(network.Bridge) is { } link && mark.IdOn(link) is not null)
        {
            host.Remove(network.Bridge);
        }
    }

    /// <inheritdoc/>
    public void Connect(Network network, Endpoint endpoint, SafeFileHandle networkNamespace, bool routes)
    {
        using var host = NetworkStack.OpenOwn();
        try
        {
            Plug(host, network, endpoint, networkNamespace);
            ContainerInterface.Furnish(network, endpoint, networkNamespace, routes);
        }
        catch
        {
            host.Remove(endpoint.Port);
            throw;
        }
    }

    // The bridge may be gone that we believe to be there: somebody has removed it by hand, and it comes back with this.
    private void Plug(NetworkStack host, Network network, Endpoint endpoint, SafeFileHandle networkNamespace)
    {
        var bridge = Link(network);
        try
        {
            AddVeth();
        }
        catch (BundtException) when (host.IndexOf(network.Bridge) != bridge)
        {
            lock (_lock)
            {
                _links.Remove(network.Id);
            }

            bridge = Link(network);
            AddVeth();
        }

        void AddVeth() => host.AddVeth(
            endpoint.Port, bridge, networkNamespace, endpoint.Interface, endpoint.Hardware, network.Options.Mtu, mark.For(endpoint.ContainerId), !network.Options.Neighbours);
    }

    /// <inheritdoc/>
    public void Disconnect(Endpoint endpoint, SafeFileHandle? networkNamespace)
    {
        // The other end goes with this one.
        using var host = NetworkStack.OpenOwn();
        host.Remove(endpoint.Port);
    }

    private int Link(Network network)
    {
        lock (_lock)
        {
            if (_links.TryGetValue(network.Id, out var known))
            {
                return known;
            }

            using var host = NetworkStack.OpenOwn();
            var link = host.Find(network.Bridge);
            if (link is null)
            {
                // A hardware address of its own: else it has the lowest of its ports', and changes it as containers come and go, while others remember it.
                host.AddBridge(network.Bridge, HardwareAddress.Random(), network.Options.Mtu, mark.For(network.Id));
                link = host.Find(network.Bridge) ?? throw new BundtException(FailureKind.Internal, Phase.Network, $"bridge {network.Bridge} has vanished");
                foreach (var endpoint in network.Endpoints)
                {
                    // Of those who were on the bridge before it was removed the ports are still there.
                    host.Attach(endpoint.Port, link.Index, !network.Options.Neighbours);
                }
            }
            else if (link.Kind != "bridge")
            {
                throw new BundtException(FailureKind.Conflict, Phase.Network, $"interface {network.Bridge} is no bridge", "Name another one by -o com.docker.network.bridge.name=");
            }
            else if (link.Alias.StartsWith("bundt ", StringComparison.Ordinal) && mark.IdOn(link) is null)
            {
                throw new BundtException(
                    FailureKind.Conflict, Phase.Network, $"bridge {network.Bridge} is that of another daemon (\"{link.Alias}\")", "Name another one, by -o com.docker.network.bridge.name= or bundtd --bridge");
            }
            else if (!link.IsUp)
            {
                host.BringUp(link.Index, hasIpv6: false);
            }

            Configure(network);
            var has = host.Addresses().Where(address => address.Link == link.Index).Select(address => address.Address).ToHashSet();
            foreach (var subnet in network.Subnets)
            {
                if (subnet.Gateway is { } gateway && !has.Contains(gateway) && (subnet.IsIpv6 || network.Options.HasAddress))
                {
                    host.AddAddress(link.Index, gateway, subnet.Network.PrefixLength);
                }
            }

            // By this one the host asks for its neighbours when it forwards to them.
            if (network.Subnets.Any(subnet => subnet.IsIpv6) && !has.Any(address => address.IsIPv6LinkLocal))
            {
                host.AddAddress(link.Index, s_linkLocal, LinkLocalPrefix);
            }

            filter.Add([network.Rules], []);
            return _links[network.Id] = link.Index;
        }
    }

    // The host forwards, as Docker has it do; what is sent to one of its loopback addresses may come back from a bridge; and no container is its router.
    private static void Configure(Network network)
    {
        var (ipv4, ipv6) = (network.Subnets.Any(subnet => !subnet.IsIpv6), network.Subnets.Any(subnet => subnet.IsIpv6));
        if (ipv4)
        {
            KernelParameter.Set($"net/ipv4/conf/{network.Bridge}/route_localnet", "1");
        }

        if (ipv6)
        {
            KernelParameter.Set($"net/ipv6/conf/{network.Bridge}/disable_ipv6", "0");
            KernelParameter.Set($"net/ipv6/conf/{network.Bridge}/accept_ra", "0");
        }

        if (ipv4 && !network.Settings.Internal)
        {
            KernelParameter.Set("net/ipv4/ip_forward", "1");
        }

        if (ipv6 && !network.Settings.Internal)
        {
            KernelParameter.Set("net/ipv6/conf/all/forwarding", "1");
        }
    }
}
