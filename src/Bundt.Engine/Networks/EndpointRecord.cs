using System.Net;
using System.Net.NetworkInformation;

namespace Bundt.Engine.Networks;

/// <summary>An endpoint as it is written down.</summary>
internal sealed record EndpointRecord
{
    public required string NetworkId { get; init; }

    public required string Id { get; init; }

    public required string Interface { get; init; }

    public required string Port { get; init; }

    public required string Hardware { get; init; }

    public string? Ipv4 { get; init; }

    public string? Ipv6 { get; init; }

    /// <summary>The ports of the host that lead to it.</summary>
    public IReadOnlyList<PublishedPortRecord> Ports { get; init; } = [];

    public static EndpointRecord Of(Network network, Endpoint endpoint, IEnumerable<PublishedPort> ports) => new()
    {
        Ports = [.. ports.Where(port => port.Container.Equals(endpoint.Ipv4) || port.Container.Equals(endpoint.Ipv6)).Select(PublishedPortRecord.Of)],
        NetworkId = network.Id,
        Id = endpoint.Id,
        Interface = endpoint.Interface,
        Port = endpoint.Port,
        Hardware = endpoint.Hardware.ToString(),
        Ipv4 = endpoint.Ipv4?.ToString(),
        Ipv6 = endpoint.Ipv6?.ToString(),
    };

    public Endpoint ToEndpoint(string containerId) =>
        new(containerId, Id, Interface, Port, Hardware.Length == 0 ? PhysicalAddress.None : PhysicalAddress.Parse(Hardware), Ipv4 is null ? null : IPAddress.Parse(Ipv4), Ipv6 is null ? null : IPAddress.Parse(Ipv6));
}

/// <summary>A published port as it is written down.</summary>
internal sealed record PublishedPortRecord(int Protocol, string Host, ushort HostPort, string Container, ushort ContainerPort)
{
    public static PublishedPortRecord Of(PublishedPort port) => new((int)port.Protocol, port.Host.ToString(), port.HostPort, port.Container.ToString(), port.ContainerPort);

    public PublishedPort ToPort() => new((PortProtocol)Protocol, IPAddress.Parse(Host), HostPort, IPAddress.Parse(Container), ContainerPort);
}
