using System.Net;

namespace Bundt.Engine.Networks;

/// <summary>The transports whose ports can be published.</summary>
internal enum PortProtocol
{
    Tcp,
    Udp,
    Sctp,
}

/// <summary>A port of the host that leads to a container.</summary>
/// <param name="Protocol">The transport.</param>
/// <param name="Host">Address of the host; the unspecified one stands for all of its version.</param>
/// <param name="HostPort">The host's port.</param>
/// <param name="Container">The container's address, of the same version.</param>
/// <param name="ContainerPort">The container's port.</param>
internal sealed record PublishedPort(PortProtocol Protocol, IPAddress Host, ushort HostPort, IPAddress Container, ushort ContainerPort);
