namespace Bundt.Engine;

/// <summary>What a container is asked to be. Written once, at create. Field meanings are Docker's (Config and HostConfig).</summary>
public sealed record ContainerSettings
{
    /// <summary>The image's name as the user gave it.</summary>
    public required string Image { get; init; }

    /// <summary>Command; null: the image's.</summary>
    public IReadOnlyList<string>? Cmd { get; init; }

    /// <summary>Entrypoint; null: the image's; [""] or empty: none.</summary>
    public IReadOnlyList<string>? Entrypoint { get; init; }

    /// <summary>"KEY=value", or "KEY" to remove what the image sets.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>User; "": the image's.</summary>
    public string User { get; init; } = "";

    /// <summary>Working directory; "": the image's.</summary>
    public string WorkingDir { get; init; } = "";

    /// <summary>Hostname; "": the id's first 12 digits.</summary>
    public string Hostname { get; init; } = "";

    /// <summary>NIS domain name.</summary>
    public string Domainname { get; init; } = "";

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>A terminal.</summary>
    public bool Tty { get; init; }

    /// <summary>Stdin stays open.</summary>
    public bool OpenStdin { get; init; }

    /// <summary>Stdin closes with the first client.</summary>
    public bool StdinOnce { get; init; }

    /// <summary>What the client means to attach; only echoed by inspect.</summary>
    public bool AttachStdin { get; init; }

    /// <summary>What the client means to attach; only echoed by inspect.</summary>
    public bool AttachStdout { get; init; }

    /// <summary>What the client means to attach; only echoed by inspect.</summary>
    public bool AttachStderr { get; init; }

    /// <summary>First terminal size, rows and columns; 0: unset.</summary>
    public (int Rows, int Columns) ConsoleSize { get; init; }

    /// <summary>Signal that stop sends; null: the image's, else SIGTERM.</summary>
    public string? StopSignal { get; init; }

    /// <summary>Seconds stop waits; null: 10.</summary>
    public int? StopTimeout { get; init; }

    /// <summary>"80/tcp" …</summary>
    public IReadOnlyList<string> ExposedPorts { get; init; } = [];

    /// <summary>Ports that are to be published.</summary>
    public IReadOnlyList<PortBindingSettings> PortBindings { get; init; } = [];

    /// <summary>Every exposed port is published, at one of the host's that is free.</summary>
    public bool PublishAllPorts { get; init; }

    /// <summary>Anonymous volumes by path.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>"source:target[:options]".</summary>
    public IReadOnlyList<string> Binds { get; init; } = [];

    /// <summary>--volumes-from, only echoed by inspect: what it brings stands in <see cref="Mounts"/>.</summary>
    public IReadOnlyList<string> VolumesFrom { get; init; } = [];

    /// <summary>--mount.</summary>
    public IReadOnlyList<MountSettings> Mounts { get; init; } = [];

    /// <summary>--tmpfs: path to options.</summary>
    public IReadOnlyDictionary<string, string> Tmpfs { get; init; } = new Dictionary<string, string>();

    /// <summary>Remove when it ends.</summary>
    public bool AutoRemove { get; init; }

    /// <summary>"none", "host", "" for the default, "container:ID", or a network's name or id.</summary>
    public string NetworkMode { get; init; } = "";

    /// <summary>Containers on the default bridge that it knows by another name: "name:alias"; "ID:alias" once it is made.</summary>
    public IReadOnlyList<string> Links { get; init; } = [];

    /// <summary>How it is to be in its networks: that of the mode, and others.</summary>
    public IReadOnlyList<EndpointRequest> Networks { get; init; } = [];

    /// <summary>"private", "host", "none", "shareable", "container:ID"; "" for private.</summary>
    public string IpcMode { get; init; } = "";

    /// <summary>"host", "container:ID"; "" for private.</summary>
    public string PidMode { get; init; } = "";

    /// <summary>"host"; "" for private.</summary>
    public string UtsMode { get; init; } = "";

    /// <summary>"host" or "private"; "" for private.</summary>
    public string CgroupnsMode { get; init; } = "";

    /// <summary>"host": none; "" the default (none); "auto": a private range of 65536 ids; "HOSTUID:SIZE" …</summary>
    public string UsernsMode { get; init; } = "";

    /// <summary>All the kernel has.</summary>
    public bool Privileged { get; init; }

    /// <summary>Read-only root.</summary>
    public bool ReadonlyRootfs { get; init; }

    /// <summary>A minimal init.</summary>
    public bool Init { get; init; }

    /// <summary>Capabilities beyond the default.</summary>
    public IReadOnlyList<string> CapAdd { get; init; } = [];

    /// <summary>Capabilities taken away.</summary>
    public IReadOnlyList<string> CapDrop { get; init; } = [];

    /// <summary>"seccomp=unconfined", "seccomp={json}", "no-new-privileges", "apparmor=…", "label=…", "systempaths=unconfined".</summary>
    public IReadOnlyList<string> SecurityOpt { get; init; } = [];

    /// <summary>Null: the default list.</summary>
    public IReadOnlyList<string>? MaskedPaths { get; init; }

    /// <summary>Null: the default list.</summary>
    public IReadOnlyList<string>? ReadonlyPaths { get; init; }

    /// <summary>Supplementary groups, names or numbers.</summary>
    public IReadOnlyList<string> GroupAdd { get; init; } = [];

    /// <summary>Limits.</summary>
    public ResourceSettings Resources { get; init; } = new();

    /// <summary>rlimits.</summary>
    public IReadOnlyList<UlimitSettings> Ulimits { get; init; } = [];

    /// <summary>Sysctls.</summary>
    public IReadOnlyDictionary<string, string> Sysctls { get; init; } = new Dictionary<string, string>();

    /// <summary>Devices.</summary>
    public IReadOnlyList<DeviceSettings> Devices { get; init; } = [];

    /// <summary>Bytes of /dev/shm; 0: 64 MiB.</summary>
    public long ShmSize { get; init; }

    /// <summary>oom_score_adj.</summary>
    public int OomScoreAdj { get; init; }

    /// <summary>"host:ip" lines for /etc/hosts.</summary>
    public IReadOnlyList<string> ExtraHosts { get; init; } = [];

    /// <summary>Name servers for /etc/resolv.conf; empty: the host's.</summary>
    public IReadOnlyList<string> Dns { get; init; } = [];

    /// <summary>Options for /etc/resolv.conf.</summary>
    public IReadOnlyList<string> DnsOptions { get; init; } = [];

    /// <summary>Search domains for /etc/resolv.conf.</summary>
    public IReadOnlyList<string> DnsSearch { get; init; } = [];

    /// <summary>"json-file", "local", "none"; "" for ours. Options max-size and max-file.</summary>
    public string LogDriver { get; init; } = "";

    /// <summary>Log options.</summary>
    public IReadOnlyDictionary<string, string> LogOptions { get; init; } = new Dictionary<string, string>();

    /// <summary>Restart policy as asked for: name and maximum (acted on from issue 6).</summary>
    public (string Name, int MaximumRetryCount) RestartPolicy { get; init; } = ("no", 0);

    /// <summary>"linux/amd64" when asked for.</summary>
    public string? Platform { get; init; }

    /// <summary>OCI annotations.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = new Dictionary<string, string>();
}
