namespace Bundt.Engine;

/// <summary>How a container is to be in a network (Docker's EndpointRequest, as far as they are asked for).</summary>
public sealed record EndpointRequest
{
    /// <summary>The network's name or id.</summary>
    public required string Network { get; init; }

    /// <summary>Further names in it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>The address of version 4 that it asks for; "": any.</summary>
    public string Ipv4Address { get; init; } = "";

    /// <summary>The address of version 6 that it asks for; "": any.</summary>
    public string Ipv6Address { get; init; } = "";

    /// <summary>The hardware address that it asks for; "": any.</summary>
    public string MacAddress { get; init; } = "";
}
