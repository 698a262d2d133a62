using System.Net;

namespace Bundt.Engine.Networks.Names;

/// <summary>
/// A container's place on a network as the network's name server needs it: what it is called there, and what it gets when it asks.
/// Copies made by "with" share their counters.
/// </summary>
internal sealed record NamedEndpoint
{
    /// <summary>
    /// Its names on this network, without the network's: the container's name, aliases, the first twelve digits of its id, its hostname, as
    /// Docker has them. The first one answers for its addresses (PTR).
    /// </summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Its addresses on this network. Also those by which it is known when it asks.</summary>
    public required IReadOnlyList<IPAddress> Addresses { get; init; }

    /// <summary>
    /// The servers that its user chose (--dns), asked instead of the host's, in this order; null: the host's. They are asked from the host's
    /// network namespace: a loopback address that means the container's own must not stand here.
    /// </summary>
    public IReadOnlyList<IPEndPoint>? Servers { get; init; }

    /// <summary>What is not ours may be asked outside. False for a container whose networks are all internal (CVE-2024-29018).</summary>
    public bool Forwards { get; init; } = true;

    /// <summary>The other networks that it is on: it sees their names too, whichever network's server it asks.</summary>
    public IReadOnlyList<NameZone> OtherZones { get; init; } = [];

    /// <summary>What it alone calls others (--link).</summary>
    public IReadOnlyList<NameLink> Links { get; init; } = [];

    /// <summary>Its own share of the queries on their way to other servers: what one container asks must not silence the others.</summary>
    public Quota Queries { get; } = new(256);

    /// <summary>Its own share of the TCP connections.</summary>
    public Quota Connections { get; } = new(32);
}

/// <summary>A private name for a container.</summary>
/// <param name="Alias">What the asking container calls it.</param>
/// <param name="Name">One of the names by which it is known on the network.</param>
internal sealed record NameLink(string Alias, string Name);
