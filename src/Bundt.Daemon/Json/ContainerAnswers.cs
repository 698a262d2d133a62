using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>The answer of GET /containers/{id}/json.</summary>
internal sealed record ContainerInspect
{
    public required string Id { get; init; }

    public required string Created { get; init; }

    public required string Path { get; init; }

    public required IReadOnlyList<string> Args { get; init; }

    public required ContainerStateBody State { get; init; }

    public required string Image { get; init; }

    public required string ResolvConfPath { get; init; }

    public required string HostnamePath { get; init; }

    public required string HostsPath { get; init; }

    public required string LogPath { get; init; }

    public required string Name { get; init; }

    public int RestartCount { get; init; }

    public string Driver { get; init; } = "overlayfs";

    public string Platform { get; init; } = "linux";

    public string MountLabel { get; init; } = "";

    public string ProcessLabel { get; init; } = "";

    public string AppArmorProfile { get; init; } = "";

    [JsonPropertyName("ExecIDs")]
    public IReadOnlyList<string>? ExecIds { get; init; }

    public required HostConfig HostConfig { get; init; }

    public GraphDriver GraphDriver { get; init; } = new();

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SizeRw { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SizeRootFs { get; init; }

    public required IReadOnlyList<MountPointBody> Mounts { get; init; }

    public required ContainerConfig Config { get; init; }

    public required NetworkSettings NetworkSettings { get; init; }
}

/// <summary>The storage driver; what it holds is nobody's business.</summary>
internal sealed record GraphDriver
{
    public Dictionary<string, string>? Data { get; init; }

    public string Name { get; init; } = "overlayfs";
}

/// <summary>"State" of inspect.</summary>
internal sealed record ContainerStateBody
{
    public required string Status { get; init; }

    public bool Running { get; init; }

    public bool Paused { get; init; }

    public bool Restarting { get; init; }

    [JsonPropertyName("OOMKilled")]
    public bool OomKilled { get; init; }

    public bool Dead { get; init; }

    public int Pid { get; init; }

    public int ExitCode { get; init; }

    public required string Error { get; init; }

    public required string StartedAt { get; init; }

    public required string FinishedAt { get; init; }
}

/// <summary>A mount point of inspect and list.</summary>
internal sealed record MountPointBody
{
    public required string Type { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Name { get; init; }

    public required string Source { get; init; }

    public required string Destination { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Driver { get; init; }

    public required string Mode { get; init; }

    [JsonPropertyName("RW")]
    public bool ReadWrite { get; init; }

    public required string Propagation { get; init; }
}

/// <summary>"NetworkSettings" of inspect; the top-level addresses are the default bridge's.</summary>
internal sealed record NetworkSettings
{
    public string Bridge { get; init; } = "";

    [JsonPropertyName("SandboxID")]
    public string SandboxId { get; init; } = "";

    public string SandboxKey { get; init; } = "";

    public IReadOnlyDictionary<string, IReadOnlyList<PortBinding>?> Ports { get; init; } = new Dictionary<string, IReadOnlyList<PortBinding>?>();

    [JsonPropertyName("EndpointID")]
    public string EndpointId { get; init; } = "";

    public string Gateway { get; init; } = "";

    [JsonPropertyName("IPAddress")]
    public string IpAddress { get; init; } = "";

    [JsonPropertyName("IPPrefixLen")]
    public int IpPrefixLength { get; init; }

    public string MacAddress { get; init; } = "";

    public required IReadOnlyDictionary<string, EndpointSettings> Networks { get; init; }
}

/// <summary>Addresses that the user wants at an endpoint.</summary>
internal sealed record EndpointAddresses
{
    [JsonPropertyName("IPv4Address")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ipv4Address { get; init; }

    [JsonPropertyName("IPv6Address")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ipv6Address { get; init; }

    [JsonPropertyName("LinkLocalIPs")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string?>? LinkLocalIps { get; init; }
}

/// <summary>A container's end of a network.</summary>
internal sealed record EndpointSettings
{
    [JsonPropertyName("IPAMConfig")]
    public EndpointAddresses? IpamConfig { get; init; }

    public IReadOnlyList<string>? Links { get; init; }

    public IReadOnlyList<string>? Aliases { get; init; }

    public string MacAddress { get; init; } = "";

    public IReadOnlyDictionary<string, string?>? DriverOpts { get; init; }

    /// <summary>Of API version 1.48: read, and not shown by 1.47.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? GwPriority { get; init; }

    [JsonPropertyName("NetworkID")]
    public string NetworkId { get; init; } = "";

    [JsonPropertyName("EndpointID")]
    public string EndpointId { get; init; } = "";

    public string Gateway { get; init; } = "";

    [JsonPropertyName("IPAddress")]
    public string IpAddress { get; init; } = "";

    [JsonPropertyName("IPPrefixLen")]
    public int IpPrefixLength { get; init; }

    [JsonPropertyName("IPv6Gateway")]
    public string Ipv6Gateway { get; init; } = "";

    [JsonPropertyName("GlobalIPv6Address")]
    public string GlobalIpv6Address { get; init; } = "";

    [JsonPropertyName("GlobalIPv6PrefixLen")]
    public int GlobalIpv6PrefixLength { get; init; }

    [JsonPropertyName("DNSNames")]
    public IReadOnlyList<string>? DnsNames { get; init; }
}

/// <summary>A port of a line of GET /containers/json; without an address and a public port it is only exposed.</summary>
internal sealed record SummaryPort(
    [property: JsonPropertyName("IP"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Ip,
    int PrivatePort,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? PublicPort,
    string Type);

/// <summary>A line of GET /containers/json.</summary>
internal sealed record ContainerSummary
{
    public required string Id { get; init; }

    public required IReadOnlyList<string> Names { get; init; }

    public required string Image { get; init; }

    [JsonPropertyName("ImageID")]
    public required string ImageId { get; init; }

    public required string Command { get; init; }

    public long Created { get; init; }

    public IReadOnlyList<SummaryPort> Ports { get; init; } = [];

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SizeRw { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? SizeRootFs { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    public required string State { get; init; }

    public required string Status { get; init; }

    public required SummaryHostConfig HostConfig { get; init; }

    public required SummaryNetworks NetworkSettings { get; init; }

    public required IReadOnlyList<MountPointBody> Mounts { get; init; }
}

/// <summary>What a list shows of the HostConfig.</summary>
internal sealed record SummaryHostConfig(string NetworkMode)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
}

/// <summary>What a list shows of the networks.</summary>
internal sealed record SummaryNetworks(IReadOnlyDictionary<string, EndpointSettings> Networks);

/// <summary>The answer of POST /containers/prune.</summary>
internal sealed record ContainerPrune(IReadOnlyList<string> ContainersDeleted, long SpaceReclaimed);

/// <summary>The answer of GET /containers/{id}/top.</summary>
internal sealed record TopAnswer(IReadOnlyList<IReadOnlyList<string>> Processes, IReadOnlyList<string> Titles);
