namespace Bundt.Engine;

/// <summary>How a container is to be in a network (Docker's EndpointRequest, as far as they are asked for).</summary>
public sealed record EndpointRequest
{
    /// <summary>The network's name or id.</summary>
    public required string Network { get; init; }

    /// <summary>Further names in it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What it calls others there: "name:alias".</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>The network with the highest one is the way to everywhere else.</summary>
    public int GatewayPriority { get; init; }

    /// <summary>The address of version 4 that it asks for; "": any.</summary>
    public string Ipv4Address { get; init; } = "";

    /// <summary>The address of version 6 that it asks for; "": any.</summary>
    public string Ipv6Address { get; init; } = "";

    /// <summary>The hardware address that it asks for; "": any.</summary>
    public string MacAddress { get; init; } = "";
}
