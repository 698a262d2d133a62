using Bundt.Linux;
using Bundt.Linux.Network;

namespace Bundt.Engine.Networks;

/// <summary>The drivers of networks, by name, and what they have made on the host.</summary>
internal sealed class NetworkDrivers(PacketFilter filter, OwnMark mark)
{
    /// <summary>The names.</summary>
    public const string Bridge = "bridge", MacVlan = "macvlan", IpVlan = "ipvlan";

    private readonly BridgeDriver _bridge = new(filter, mark);
    private readonly VlanDriver _vlan = new(mark);

    /// <summary>Whether there is a driver of that name.</summary>
    public static bool Has(string name) => name is Bridge or MacVlan or IpVlan;

    /// <summary>The driver of a network.</summary>
    public INetworkDriver Of(Network network) => network.IsBridge ? _bridge : _vlan;

    /// <summary>Says which networks there will be, before the first of them is seen to: the packet filter forgets none of them meanwhile.</summary>
    public void Know(IEnumerable<Network> networks) => filter.Know([.. networks.Where(network => network.IsBridge).Select(network => network.Rules)], []);

    /// <summary>
    /// Removes the interfaces that daemons before this one have made and had not yet removed when they died: of networks and containers that are no more.
    /// A bridge with a container on it goes with a later daemon.
    /// </summary>
    /// <param name="isKnown">Whether there still is a network or a running container of that id, or a network on a parent of that name.</param>
    /// <param name="removed">Is told what is removed, and what cannot be, and why.</param>
    public void Sweep(Func<string, bool> isKnown, Action<string, BundtException?> removed)
    {
        using var host = NetworkStack.OpenOwn();
        var links = host.Links();
        var left = links.Where(link => mark.IdOn(link) is { } id && !isKnown(id)).ToList();
        var busy = links.Except(left).Select(link => link.Master).ToHashSet();
        foreach (var link in left)
        {
            if (busy.Contains(link.Index))
            {
                continue;
            }

            try
            {
                if (host.Remove(link.Name))
                {
                    removed(link.Name, null);
                }
            }
            catch (BundtException e)
            {
                removed(link.Name, e);
            }
        }
    }
}
