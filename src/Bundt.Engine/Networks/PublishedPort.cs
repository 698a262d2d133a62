using System.Net;

namespace Bundt.Engine.Networks;

/// <summary>The transports whose ports can be published, by their IP protocol numbers.</summary>
internal enum PortProtocol
{
    Tcp = 6,
    Udp = 17,
    Sctp = 132,
}

/// <summary>A port of the host that leads to a container.</summary>
/// <param name="Protocol">The transport.</param>
/// <param name="Host">Address of the host; the unspecified one stands for all of its version.</param>
/// <param name="HostPort">The host's port.</param>
/// <param name="Container">The container's address, of the same version.</param>
/// <param name="ContainerPort">The container's port.</param>
internal sealed record PublishedPort(PortProtocol Protocol, IPAddress Host, ushort HostPort, IPAddress Container, ushort ContainerPort)
{
    /// <summary>Whether both cannot be: packets for the one are packets for the other.</summary>
    public bool Collides(PublishedPort other) =>
        Protocol == other.Protocol && HostPort == other.HostPort && Host.AddressFamily == other.Host.AddressFamily
        && (Host.Equals(other.Host) || IsAny(Host) || IsAny(other.Host));

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
