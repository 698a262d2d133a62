using System.Text.Json.Serialization;

namespace Bundt.Daemon.Json;

/// <summary>A container's "HostConfig", in and out (moby api/types/container/hostconfig.go, in its order).</summary>
internal sealed record HostConfig
{
    public IReadOnlyList<string>? Binds { get; init; }

    public string? ContainerIDFile { get; init; }

    public LogConfig? LogConfig { get; init; }

    public string? NetworkMode { get; init; }

    public Dictionary<string, IReadOnlyList<PortBinding>?>? PortBindings { get; init; }

    public RestartPolicy? RestartPolicy { get; init; }

    public bool AutoRemove { get; init; }

    public string? VolumeDriver { get; init; }

    public IReadOnlyList<string>? VolumesFrom { get; init; }

    public IReadOnlyList<int>? ConsoleSize { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string?>? Annotations { get; init; }

    [JsonConverter(typeof(StringListConverter))]
    public IReadOnlyList<string>? CapAdd { get; init; }

    [JsonConverter(typeof(StringListConverter))]
    public IReadOnlyList<string>? CapDrop { get; init; }

    public string? CgroupnsMode { get; init; }

    public IReadOnlyList<string>? Dns { get; init; }

    public IReadOnlyList<string>? DnsOptions { get; init; }

    public IReadOnlyList<string>? DnsSearch { get; init; }

    public IReadOnlyList<string>? ExtraHosts { get; init; }

    public IReadOnlyList<string>? GroupAdd { get; init; }

    public string? IpcMode { get; init; }

    public string? Cgroup { get; init; }

    public IReadOnlyList<string>? Links { get; init; }

    public int OomScoreAdj { get; init; }

    public string? PidMode { get; init; }

    public bool Privileged { get; init; }

    public bool PublishAllPorts { get; init; }

    public bool ReadonlyRootfs { get; init; }

    public IReadOnlyList<string>? SecurityOpt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string?>? StorageOpt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string?>? Tmpfs { get; init; }

    [JsonPropertyName("UTSMode")]
    public string? UtsMode { get; init; }

    public string? UsernsMode { get; init; }

    public long ShmSize { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string?>? Sysctls { get; init; }

    public string? Runtime { get; init; }

    public string? Isolation { get; init; }

    public long CpuShares { get; init; }

    public long Memory { get; init; }

    public long NanoCpus { get; init; }

    public string? CgroupParent { get; init; }

    public int BlkioWeight { get; init; }

    public IReadOnlyList<WeightDevice>? BlkioWeightDevice { get; init; }

    public IReadOnlyList<ThrottleDevice>? BlkioDeviceReadBps { get; init; }

    public IReadOnlyList<ThrottleDevice>? BlkioDeviceWriteBps { get; init; }

    [JsonPropertyName("BlkioDeviceReadIOps")]
    public IReadOnlyList<ThrottleDevice>? BlkioDeviceReadIops { get; init; }

    [JsonPropertyName("BlkioDeviceWriteIOps")]
    public IReadOnlyList<ThrottleDevice>? BlkioDeviceWriteIops { get; init; }

    public long CpuPeriod { get; init; }

    public long CpuQuota { get; init; }

    public long CpuRealtimePeriod { get; init; }

    public long CpuRealtimeRuntime { get; init; }

    public string? CpusetCpus { get; init; }

    public string? CpusetMems { get; init; }

    public IReadOnlyList<DeviceMapping>? Devices { get; init; }

    public IReadOnlyList<string>? DeviceCgroupRules { get; init; }

    public IReadOnlyList<DeviceRequest>? DeviceRequests { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long KernelMemory { get; init; }

    public long MemoryReservation { get; init; }

    public long MemorySwap { get; init; }

    public long? MemorySwappiness { get; init; }

    public bool? OomKillDisable { get; init; }

    public long? PidsLimit { get; init; }

    public IReadOnlyList<Ulimit>? Ulimits { get; init; }

    public long CpuCount { get; init; }

    public long CpuPercent { get; init; }

    [JsonPropertyName("IOMaximumIOps")]
    public long IoMaximumIops { get; init; }

    [JsonPropertyName("IOMaximumBandwidth")]
    public long IoMaximumBandwidth { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<MountBody>? Mounts { get; init; }

    public IReadOnlyList<string>? MaskedPaths { get; init; }

    public IReadOnlyList<string>? ReadonlyPaths { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Init { get; init; }
}

/// <summary>Where output is kept.</summary>
internal sealed record LogConfig(string? Type, IReadOnlyDictionary<string, string?>? Config);

/// <summary>A published port.</summary>
internal sealed record PortBinding(string? HostIp, string? HostPort);

/// <summary>A restart policy.</summary>
internal sealed record RestartPolicy(string? Name, int MaximumRetryCount);

/// <summary>A block device and its weight.</summary>
internal sealed record WeightDevice(string? Path, int Weight);

/// <summary>A block device and its rate.</summary>
internal sealed record ThrottleDevice(string? Path, ulong Rate);

/// <summary>A device of the host.</summary>
internal sealed record DeviceMapping(string? PathOnHost, string? PathInContainer, string? CgroupPermissions);

/// <summary>A request to a device driver (--gpus).</summary>
internal sealed record DeviceRequest(string? Driver);

/// <summary>An rlimit.</summary>
internal sealed record Ulimit(string? Name, long Hard, long Soft);
