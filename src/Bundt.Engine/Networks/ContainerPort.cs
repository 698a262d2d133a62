namespace Bundt.Engine;

/// <summary>A port of a running container that is published.</summary>
/// <param name="Port">In the container.</param>
/// <param name="Protocol">"tcp", "udp" or "sctp".</param>
/// <param name="HostAddress">"0.0.0.0" or "::" for all of the host's of that version.</param>
/// <param name="HostPort">On the host.</param>
public sealed record ContainerPort(ushort Port, string Protocol, string HostAddress, ushort HostPort);
