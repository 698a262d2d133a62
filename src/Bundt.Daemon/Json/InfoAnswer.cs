using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>The answer of GET /info (moby api/types/system/info.go).</summary>
internal sealed record InfoAnswer
{
    [JsonPropertyName("ID")]
    public required string Id { get; init; }

    public int Containers { get; init; }

    public int ContainersRunning { get; init; }

    public int ContainersPaused { get; init; }

    public int ContainersStopped { get; init; }

    public int Images { get; init; }

    public string Driver { get; init; } = "overlayfs";

    public IReadOnlyList<IReadOnlyList<string>> DriverStatus { get; init; } = [];

    public InfoPlugins Plugins { get; init; } = new();

    public bool MemoryLimit { get; init; }

    public bool SwapLimit { get; init; }

    public bool CpuCfsPeriod { get; init; }

    public bool CpuCfsQuota { get; init; }

    [JsonPropertyName("CPUShares")]
    public bool CpuShares { get; init; }

    [JsonPropertyName("CPUSet")]
    public bool CpuSet { get; init; }

    public bool PidsLimit { get; init; }

    public bool OomKillDisable { get; init; }

    [JsonPropertyName("IPv4Forwarding")]
    public bool Ipv4Forwarding { get; init; }

    public bool Debug { get; init; }

    [JsonPropertyName("NFd")]
    public int OpenFiles { get; init; }

    public int NGoroutines { get; init; }

    public required string SystemTime { get; init; }

    public string LoggingDriver { get; init; } = "local";

    public string CgroupDriver { get; init; } = "cgroupfs";

    public string CgroupVersion { get; init; } = "2";

    public int NEventsListener { get; init; }

    public required string KernelVersion { get; init; }

    public required string OperatingSystem { get; init; }

    [JsonPropertyName("OSVersion")]
    public required string OsVersion { get; init; }

    [JsonPropertyName("OSType")]
    public string OsType { get; init; } = "linux";

    public required string Architecture { get; init; }

    public string IndexServerAddress { get; init; } = "https://index.docker.io/v1/";

    public required InfoRegistries RegistryConfig { get; init; }

    [JsonPropertyName("NCPU")]
    public int Cpus { get; init; }

    public long MemTotal { get; init; }

    public IReadOnlyList<string>? GenericResources { get; init; }

    public required string DockerRootDir { get; init; }

    public string HttpProxy { get; init; } = "";

    public string HttpsProxy { get; init; } = "";

    public string NoProxy { get; init; } = "";

    public required string Name { get; init; }

    public IReadOnlyList<string> Labels { get; init; } = [];

    public bool ExperimentalBuild { get; init; }

    public required string ServerVersion { get; init; }

    public IReadOnlyDictionary<string, InfoRuntime> Runtimes { get; init; } = new Dictionary<string, InfoRuntime> { ["bundt"] = new("bundt-launcher") };

    public string DefaultRuntime { get; init; } = "bundt";

    public InfoSwarm Swarm { get; init; } = new();

    public bool LiveRestoreEnabled { get; init; } = true;

    public string Isolation { get; init; } = "";

    public string InitBinary { get; init; } = "bundt-launcher";

    public IReadOnlyList<string> SecurityOptions { get; init; } = [];

    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>What can be chosen from.</summary>
internal sealed record InfoPlugins
{
    public IReadOnlyList<string> Volume { get; init; } = ["local"];

    public IReadOnlyList<string> Network { get; init; } = ["host", "null"];

    public IReadOnlyList<string>? Authorization { get; init; }

    public IReadOnlyList<string> Log { get; init; } = ["json-file", "local", "none"];
}

/// <summary>How registries are spoken to.</summary>
internal sealed record InfoRegistries
{
    [JsonPropertyName("InsecureRegistryCIDRs")]
    public required IReadOnlyList<string> InsecureCidrs { get; init; }

    public required IReadOnlyDictionary<string, InfoRegistry> IndexConfigs { get; init; }

    public required IReadOnlyList<string> Mirrors { get; init; }
}

/// <summary>One registry.</summary>
internal sealed record InfoRegistry(string Name, IReadOnlyList<string> Mirrors, bool Secure, bool Official);

/// <summary>An OCI runtime.</summary>
internal sealed record InfoRuntime([property: JsonPropertyName("path")] string Path);

/// <summary>There is no swarm.</summary>
internal sealed record InfoSwarm
{
    [JsonPropertyName("NodeID")]
    public string NodeId { get; init; } = "";

    public string NodeAddr { get; init; } = "";

    public string LocalNodeState { get; init; } = "inactive";

    public bool ControlAvailable { get; init; }

    public string Error { get; init; } = "";

    public IReadOnlyList<string>? RemoteManagers { get; init; }
}
