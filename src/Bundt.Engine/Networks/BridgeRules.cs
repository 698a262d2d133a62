using System.Net;

namespace Bundt.Engine.Networks;

/// <summary>What the packet filter knows of a bridge.</summary>
/// <param name="Name">The interface's name.</param>
/// <param name="Subnets">The subnets of those who are on it.</param>
/// <param name="Internal">Nothing is forwarded from it or to it.</param>
/// <param name="Masquerade">What leaves by it for elsewhere has the host's address.</param>
internal sealed record BridgeRules(string Name, IReadOnlyList<IPNetwork> Subnets, bool Internal, bool Masquerade);
