using System.Net;
using System.Net.NetworkInformation;
using Bundt.Engine.Containers;
using Bundt.Engine.Settings;
using Bundt.Linux;

namespace Bundt.Engine.Networks;

/// <summary>A container's wish to be in a network, as its record keeps it: from start to start its addresses may be others.</summary>
internal sealed record NetworkMembership
{
    /// <summary>The network.</summary>
    public required string NetworkId { get; init; }

    /// <summary>Its name, for when it is gone.</summary>
    public required string NetworkName { get; init; }

    /// <summary>Further names in it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What it calls others there: "name:alias".</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>The network with the highest one is the way to everywhere else; among equals the first one by name.</summary>
    public int GatewayPriority { get; init; }

    /// <summary>Addresses that are asked for.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>The hardware address that is asked for; null: a random one.</summary>
    public string? Hardware { get; init; }

    /// <summary>Finds the networks that a container asks for. That of its network mode, by which it reaches everything else, comes first.</summary>
    /// <exception cref="BundtException">InvalidArgument: there is no such network, or what is asked for contradicts itself.</exception>
    public static IReadOnlyList<NetworkMembership> Resolve(NetworkStore networks, ContainerSettings settings)
    {
        var kind = NetworkChoice.Of(settings.NetworkMode);
        var result = new List<NetworkMembership>();
        if (kind == NetworkKind.Default)
        {
            var network = networks.Default ?? throw new BundtException(FailureKind.InvalidArgument, Phase.Network, $"network {NetworkStore.DefaultName} not found");
            var endpoint = settings.Networks.FirstOrDefault(endpoint => endpoint.Network == NetworkStore.DefaultName || endpoint.Network == network.Id);
            result.Add(Of(network, endpoint ?? new EndpointRequest { Network = network.Name }));
        }
        else if (kind == NetworkKind.Named)
        {
            var network = Find(networks, settings.NetworkMode);
            var endpoint = settings.Networks.FirstOrDefault(endpoint => endpoint.Network == network.Name || endpoint.Network == network.Id || endpoint.Network == settings.NetworkMode);
            result.Add(Of(network, endpoint ?? new EndpointRequest { Network = network.Name }));
        }

        foreach (var endpoint in settings.Networks)
        {
            var network = Find(networks, endpoint.Network);
            if (!result.Exists(member => member.NetworkId == network.Id))
            {
                result.Add(Of(network, endpoint));
            }
        }

        return result.Count == 0 || kind is NetworkKind.Named or NetworkKind.Default
            ? result
            : throw new BundtException(
                FailureKind.InvalidArgument, Phase.Request, "conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    }

    /// <summary>Whether it is this network. The default bridge stays what it is when it is made anew, with another subnet.</summary>
    public bool IsOf(Network network) => NetworkId == network.Id || (NetworkName == NetworkStore.DefaultName && network.Name == NetworkStore.DefaultName);

    /// <summary>The names by which others in the network find the container, its own one first. On the default bridge there are none.</summary>
    public IReadOnlyList<string> DnsNames(ContainerRecord record) => NetworkName == NetworkStore.DefaultName
        ? []
        : [.. ((IEnumerable<string>)[record.Name, .. Aliases, record.Id[..12], record.Settings.Hostname]).Where(name => name.Length > 0).Distinct(StringComparer.OrdinalIgnoreCase)];

    // Not NotFound: Docker's client takes that, when it creates a container, for a missing image, and pulls.
    private static Network Find(NetworkStore networks, string name) =>
        networks.TryFind(name) ?? throw new BundtException(FailureKind.InvalidArgument, Phase.Network, $"network {name} not found");

    /// <summary>A container's wish to be in a network.</summary>
    /// <exception cref="BundtException">InvalidArgument: what is asked for makes no sense there; Conflict: an address is not a container's to have.</exception>
    public static NetworkMembership Of(Network network, EndpointRequest endpoint)
    {
        if (network.Name == NetworkStore.DefaultName && endpoint.Aliases.Count > 0)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "network-scoped alias is supported only for containers in user defined networks");
        }

        var addresses = ((string[])[endpoint.Ipv4Address, endpoint.Ipv6Address]).Where(text => text.Length > 0).ToList();
        foreach (var text in addresses)
        {
            if (!IPAddress.TryParse(text, out var address))
            {
                throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid address \"{text}\" in network {network.Name}");
            }

            network.Check(address);
        }

        if (endpoint.MacAddress.Length > 0 && (!PhysicalAddress.TryParse(endpoint.MacAddress, out var hardware) || hardware.GetAddressBytes() is not { Length: 6 } bytes || (bytes[0] & 1) != 0))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid MAC address: {endpoint.MacAddress}");
        }

        if (endpoint.MacAddress.Length > 0 && network.Settings.Driver == NetworkDrivers.IpVlan)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "ipvlan interfaces do not support custom mac address assignment");
        }

        return new NetworkMembership
        {
            NetworkId = network.Id,
            NetworkName = network.Name,
            Aliases = endpoint.Aliases,
            Links = endpoint.Links,
            GatewayPriority = endpoint.GatewayPriority,
            Addresses = addresses,
            Hardware = endpoint.MacAddress.Length > 0 ? endpoint.MacAddress : null,
        };
    }
}
