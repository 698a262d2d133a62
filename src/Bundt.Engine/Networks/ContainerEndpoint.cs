using Bundt.Engine.Containers;

namespace Bundt.Engine.Networks;

/// <summary>A container in a network, as it is shown. What only a running container has is "" or 0 for one that does not run.</summary>
public sealed record ContainerEndpoint
{
    /// <summary>The network's id.</summary>
    public required string NetworkId { get; init; }

    /// <summary>The network's name.</summary>
    public required string NetworkName { get; init; }

    /// <summary>Further names in it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What it calls others there: "name:alias".</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>The names by which others find it.</summary>
    public IReadOnlyList<string> DnsNames { get; init; } = [];

    /// <summary>Addresses that it asks for.</summary>
    public IReadOnlyList<string> Wanted { get; init; } = [];

    /// <summary>The endpoint's id.</summary>
    public string Id { get; init; } = "";

    /// <summary>"02:42:ac:11:00:02".</summary>
    public string MacAddress { get; init; } = "";

    /// <summary>Address of version 4.</summary>
    public string Ipv4 { get; init; } = "";

    /// <summary>Bits of its network's prefix.</summary>
    public int Ipv4Prefix { get; init; }

    /// <summary>The way out.</summary>
    public string Ipv4Gateway { get; init; } = "";

    /// <summary>Address of version 6.</summary>
    public string Ipv6 { get; init; } = "";

    /// <summary>Bits of its network's prefix.</summary>
    public int Ipv6Prefix { get; init; }

    /// <summary>The way out.</summary>
    public string Ipv6Gateway { get; init; } = "";

    internal static ContainerEndpoint Of(ContainerRecord record, NetworkMembership member, (Network Network, Endpoint Endpoint)? running)
    {
        var shown = new ContainerEndpoint
        {
            NetworkId = member.NetworkId,
            NetworkName = member.NetworkName,
            Aliases = member.Aliases,
            Links = member.Links,
            DnsNames = member.DnsNames(record),
            Wanted = member.Addresses,
        };
        if (running is not var (network, endpoint))
        {
            return shown;
        }

        var ipv4 = network.Subnets.FirstOrDefault(subnet => endpoint.Ipv4 is { } address && subnet.Network.Contains(address));
        var ipv6 = network.Subnets.FirstOrDefault(subnet => endpoint.Ipv6 is { } address && subnet.Network.Contains(address));
        return shown with
        {
            Id = endpoint.Id,
            MacAddress = HardwareAddress.Text(endpoint.Hardware),
            Ipv4 = endpoint.Ipv4?.ToString() ?? "",
            Ipv4Prefix = ipv4?.Network.PrefixLength ?? 0,
            Ipv4Gateway = ipv4?.Gateway?.ToString() ?? "",
            Ipv6 = endpoint.Ipv6?.ToString() ?? "",
            Ipv6Prefix = ipv6?.Network.PrefixLength ?? 0,
            Ipv6Gateway = ipv6?.Gateway?.ToString() ?? "",
        };
    }
}
