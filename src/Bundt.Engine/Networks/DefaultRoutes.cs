using Bundt.Engine.Containers;
using Bundt.Linux;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>Which of a container's networks is its way to everywhere else: one for each version of IP.</summary>
internal static class DefaultRoutes
{
    /// <summary>The networks, those first that are the way before others: as Docker has it, by priority, then by name. An internal one never is.</summary>
    public static IReadOnlyList<(Network Network, Endpoint Endpoint)> Order(ContainerRecord record, IEnumerable<(Network Network, Endpoint Endpoint)> members) =>
        [.. members
            .OrderBy(member => member.Network.Settings.Internal)
            .ThenByDescending(member => record.Networks.FirstOrDefault(asked => asked.IsOf(member.Network))?.GatewayPriority ?? 0)
            .ThenBy(member => member.Network.Name, StringComparer.Ordinal)];

    /// <summary>Makes the default routes lead through the first network that has a gateway. Routes that the container has made itself stay.</summary>
    /// <param name="networkNamespace">The container's.</param>
    /// <param name="ordered">Its networks.</param>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public static void Set(SafeFileHandle networkNamespace, IReadOnlyList<(Network Network, Endpoint Endpoint)> ordered)
    {
        using var container = NetworkStack.Open(networkNamespace);
        var links = container.Links().ToDictionary(link => link.Name, link => link.Index, StringComparer.Ordinal);
        var there = container.Routes().Where(route => route.Destination.PrefixLength == 0).ToList();
        foreach (var isIpv6 in (ReadOnlySpan<bool>)[false, true])
        {
            var possible = ordered
                .Where(member => links.ContainsKey(member.Endpoint.Interface))
                .Select(member => ContainerInterface.WayOut(member.Network, isIpv6 ? member.Endpoint.Ipv6 : member.Endpoint.Ipv4, links[member.Endpoint.Interface]))
                .OfType<Route>().ToList();
            foreach (var other in possible.Skip(1).Where(there.Contains))
            {
                container.RemoveRoute(other);
            }

            if (possible is [var route, ..] && !there.Contains(route))
            {
                try
                {
                    container.AddRoute(route);
                }
                catch (BundtException e) when (e.Kind == FailureKind.Conflict)
                {
                    // One of the container's own making.
                }
            }
        }
    }
}
