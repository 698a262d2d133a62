using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>A network.</summary>
internal sealed record NetworkInspect
{
    public required string Name { get; init; }

    public required string Id { get; init; }

    public required string Created { get; init; }

    public string Scope { get; init; } = "local";

    public required string Driver { get; init; }

    [JsonPropertyName("EnableIPv4")]
    public bool EnableIpv4 { get; init; } = true;

    [JsonPropertyName("EnableIPv6")]
    public bool EnableIpv6 { get; init; }

    [JsonPropertyName("IPAM")]
    public Ipam Ipam { get; init; } = new();

    public bool Internal { get; init; }

    public bool Attachable { get; init; }

    public bool Ingress { get; init; }

    public ConfigFrom ConfigFrom { get; init; } = new("");

    public bool ConfigOnly { get; init; }

    public IReadOnlyDictionary<string, NetworkContainer> Containers { get; init; } = new Dictionary<string, NetworkContainer>();

    public IReadOnlyDictionary<string, string> Options { get; init; } = new Dictionary<string, string>();

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();
}

/// <summary>Addresses of a network.</summary>
internal sealed record Ipam
{
    public string? Driver { get; init; } = "default";

    public IReadOnlyDictionary<string, string?>? Options { get; init; }

    public IReadOnlyList<IpamSubnet?>? Config { get; init; }
}

/// <summary>A subnet of a network.</summary>
internal sealed record IpamSubnet
{
    public string? Subnet { get; init; }

    [JsonPropertyName("IPRange")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? IpRange { get; init; }

    public string? Gateway { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string?>? AuxiliaryAddresses { get; init; }
}

/// <summary>The body of POST /networks/create.</summary>
internal sealed record NetworkBody
{
    public string? Name { get; init; }

    public string? Driver { get; init; }

    public string? Scope { get; init; }

    [JsonPropertyName("EnableIPv4")]
    public bool? EnableIpv4 { get; init; }

    [JsonPropertyName("EnableIPv6")]
    public bool? EnableIpv6 { get; init; }

    [JsonPropertyName("IPAM")]
    public Ipam? Ipam { get; init; }

    public bool Internal { get; init; }

    public bool Attachable { get; init; }

    public bool Ingress { get; init; }

    public bool ConfigOnly { get; init; }

    public ConfigFrom? ConfigFrom { get; init; }

    public IReadOnlyDictionary<string, string?>? Options { get; init; }

    public IReadOnlyDictionary<string, string?>? Labels { get; init; }
}

/// <summary>The body of POST /networks/ID/connect and /networks/ID/disconnect; what Force is for (an endpoint that nobody knows of any more) does not happen here.</summary>
internal sealed record NetworkConnectBody
{
    public string? Container { get; init; }

    public EndpointSettings? EndpointConfig { get; init; }

    public bool Force { get; init; }
}

/// <summary>The answer of POST /networks/create.</summary>
internal sealed record NetworkCreated(string Id, string Warning);

/// <summary>Where a network's configuration comes from.</summary>
internal sealed record ConfigFrom(string Network);

/// <summary>A container in a network.</summary>
internal sealed record NetworkContainer
{
    public required string Name { get; init; }

    [JsonPropertyName("EndpointID")]
    public string EndpointId { get; init; } = "";

    public string MacAddress { get; init; } = "";

    [JsonPropertyName("IPv4Address")]
    public string Ipv4Address { get; init; } = "";

    [JsonPropertyName("IPv6Address")]
    public string Ipv6Address { get; init; } = "";
}

/// <summary>The answer of POST /networks/prune.</summary>
internal sealed record NetworkPrune(IReadOnlyList<string>? NetworksDeleted);
