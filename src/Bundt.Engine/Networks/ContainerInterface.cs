using System.Net;
using Bundt.Linux;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>An interface inside a container's network namespace.</summary>
internal static class ContainerInterface
{
    private const string Ipv6 = "net/ipv6/conf/";

    /// <summary>Brings it up, with its addresses and routes.</summary>
    /// <param name="network">The network.</param>
    /// <param name="endpoint">The container's place in it.</param>
    /// <param name="networkNamespace">Where the interface is.</param>
    /// <param name="routes">It is the way to everywhere else.</param>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public static void Furnish(Network network, Endpoint endpoint, SafeFileHandle networkNamespace, bool routes) => NetworkNamespace.Enter(networkNamespace, () =>
    {
        using var container = NetworkStack.OpenOwn();
        var link = container.IndexOf(endpoint.Interface) ?? throw new BundtException(FailureKind.Internal, Phase.Network, $"interface {endpoint.Interface} has vanished");
        Configure(network, endpoint);
        if (endpoint.Ipv4 is { } ipv4)
        {
            container.AddAddress(link, ipv4, network.SubnetOf(ipv4).Network.PrefixLength);
        }

        // An address of version 6 works at once only on what is up.
        container.BringUp(link, endpoint.Ipv6 is not null);
        if (endpoint.Ipv6 is { } ipv6)
        {
            container.AddAddress(link, ipv6, network.SubnetOf(ipv6).Network.PrefixLength);
        }

        if (!routes)
        {
            return;
        }

        foreach (var address in (ReadOnlySpan<IPAddress?>)[endpoint.Ipv4, endpoint.Ipv6])
        {
            if (WayOut(network, address, link) is { } route)
            {
                container.AddRoute(route);
            }
        }
    });

    /// <summary>The route to everywhere else; null: the network has none.</summary>
    /// <param name="network">The network.</param>
    /// <param name="address">The container's address in it, if it has one.</param>
    /// <param name="link">The number of its interface.</param>
    public static Route? WayOut(Network network, IPAddress? address, int link)
    {
        if (address is null || network.Settings.Internal)
        {
            return null;
        }

        var subnet = network.SubnetOf(address);
        var everywhere = new IPNetwork(subnet.IsIpv6 ? IPAddress.IPv6Any : IPAddress.Any, 0);
        return network.RoutesByLink ? new Route(everywhere, null, link)
            : subnet.Gateway is { } gateway ? new Route(everywhere, gateway, link)
            : null;
    }

    /// <summary>Removes it.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public static void Remove(string name, SafeFileHandle networkNamespace)
    {
        using var container = NetworkStack.Open(networkNamespace);
        container.Remove(name);
    }

    /// <summary>Turns IPv6 off in the network namespace of the calling thread, as Docker does, but on its loopback interface: it comes with the networks that have it.</summary>
    public static void WithoutIpv6()
    {
        if (Directory.Exists("/proc/sys/" + Ipv6))
        {
            KernelParameter.Set(Ipv6 + "all/disable_ipv6", "1");
            KernelParameter.Set(Ipv6 + "lo/disable_ipv6", "0");
        }
    }

    // As Docker has it, version 6 is off where no address of it is given; and on a bridge we are the router, not some container that says so. On a network
    // of others, the others are told where an address is now that was another interface's.
    private static void Configure(Network network, Endpoint endpoint)
    {
        if (Directory.Exists("/proc/sys/" + Ipv6))
        {
            KernelParameter.Set($"{Ipv6}{endpoint.Interface}/disable_ipv6", endpoint.Ipv6 is null ? "1" : "0");
            if (endpoint.Ipv6 is not null && network.IsBridge)
            {
                KernelParameter.Set($"{Ipv6}{endpoint.Interface}/accept_ra", "0");
            }
        }

        if (!network.IsBridge)
        {
            KernelParameter.Set($"net/ipv4/conf/{endpoint.Interface}/arp_notify", "1");
        }
    }
}
