using System.Net;
using System.Net.NetworkInformation;

namespace Bundt.Engine.Networks;

/// <summary>A running container's place in a network.</summary>
/// <param name="ContainerId">The container.</param>
/// <param name="Id">64 hex digits.</param>
/// <param name="Interface">The interface's name in the container ("eth0").</param>
/// <param name="Port">The name of its other end on the host; "" for what has none.</param>
/// <param name="Hardware">Hardware address.</param>
/// <param name="Ipv4">Address; null: none.</param>
/// <param name="Ipv6">Address; null: none.</param>
internal sealed record Endpoint(string ContainerId, string Id, string Interface, string Port, PhysicalAddress Hardware, IPAddress? Ipv4, IPAddress? Ipv6);
