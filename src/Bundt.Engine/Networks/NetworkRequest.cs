namespace Bundt.Engine;

/// <summary>What a network is asked to be (POST /networks/create). Field meanings are Docker's.</summary>
public sealed record NetworkRequest
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>"bridge", "macvlan" or "ipvlan".</summary>
    public string Driver { get; init; } = "bridge";

    /// <summary>Addresses of version 4 are given.</summary>
    public bool EnableIpv4 { get; init; } = true;

    /// <summary>Addresses of version 6 are given.</summary>
    public bool EnableIpv6 { get; init; }

    /// <summary>Nothing goes out of it or comes in, but from and to the host.</summary>
    public bool Internal { get; init; }

    /// <summary>Only echoed: every network of ours can be attached to.</summary>
    public bool Attachable { get; init; }

    /// <summary>The driver's options ("com.docker.network.driver.mtu", "parent", …).</summary>
    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Subnets; those of a version that is enabled and not named here are chosen.</summary>
    public IReadOnlyList<SubnetRequest> Subnets { get; init; } = [];
}

/// <summary>A subnet as asked for. Texts as the user wrote them; null: not given.</summary>
/// <param name="Subnet">"172.20.0.0/16".</param>
/// <param name="Range">The part of it that addresses are given from; null: all.</param>
/// <param name="Gateway">The bridge's own address; null: the first of the range.</param>
/// <param name="Reserved">Addresses that are somebody else's, by name.</param>
public sealed record SubnetRequest(string? Subnet, string? Range, string? Gateway, IReadOnlyDictionary<string, string> Reserved);
