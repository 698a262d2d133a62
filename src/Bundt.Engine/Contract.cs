using Bundt.Images;

namespace Bundt.Engine;

/// <summary>Where the daemon keeps things and what it defaults to.</summary>
public sealed record EngineOptions
{
    /// <summary>Durable state (/var/lib/bundt): images, containers, volumes, trash.</summary>
    public string Root { get; init; } = "/var/lib/bundt";

    /// <summary>Live state (/run/bundt): sockets.</summary>
    public string Run { get; init; } = "/run/bundt";

    /// <summary>Registries.</summary>
    public RegistryOptions Registries { get; init; } = new();
}

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

    /// <summary>"80/tcp" … (kept and shown; bridges come with issue 5).</summary>
    public IReadOnlyList<string> ExposedPorts { get; init; } = [];

    /// <summary>Anonymous volumes by path.</summary>
    public IReadOnlyList<string> Volumes { get; init; } = [];

    /// <summary>"source:target[:options]".</summary>
    public IReadOnlyList<string> Binds { get; init; } = [];

    /// <summary>--mount.</summary>
    public IReadOnlyList<MountSettings> Mounts { get; init; } = [];

    /// <summary>--tmpfs: path to options.</summary>
    public IReadOnlyDictionary<string, string> Tmpfs { get; init; } = new Dictionary<string, string>();

    /// <summary>Remove when it ends.</summary>
    public bool AutoRemove { get; init; }

    /// <summary>"none", "host", "" for the default, "container:ID".</summary>
    public string NetworkMode { get; init; } = "";

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

/// <summary>A --mount.</summary>
/// <param name="Type">"bind", "volume", "tmpfs".</param>
/// <param name="Source">Host path or volume name; null for an anonymous volume or tmpfs.</param>
/// <param name="Target">Absolute path in the container.</param>
/// <param name="ReadOnly">Read-only.</param>
/// <param name="Propagation">"rprivate" …; "" for the default.</param>
/// <param name="NoCopy">Do not fill a new volume from the image.</param>
/// <param name="TmpfsSize">Bytes, 0: unlimited.</param>
/// <param name="TmpfsMode">Mode, 0: 1777.</param>
/// <param name="VolumeDriverLabels">Labels of a volume that is made.</param>
/// <param name="CreateMountpoint">Create a missing bind source.</param>
/// <param name="NonRecursive">bind-nonrecursive.</param>
public sealed record MountSettings(
    string Type, string? Source, string Target, bool ReadOnly = false, string Propagation = "", bool NoCopy = false,
    long TmpfsSize = 0, int TmpfsMode = 0, IReadOnlyDictionary<string, string>? VolumeDriverLabels = null,
    bool CreateMountpoint = false, bool NonRecursive = false);

/// <summary>Limits; 0 or "" is unset, as in Docker.</summary>
public sealed record ResourceSettings
{
    /// <summary>Bytes.</summary>
    public long Memory { get; init; }

    /// <summary>Bytes of memory and swap together, -1: unlimited.</summary>
    public long MemorySwap { get; init; }

    /// <summary>Bytes, soft.</summary>
    public long MemoryReservation { get; init; }

    /// <summary>Billionths of a CPU.</summary>
    public long NanoCpus { get; init; }

    /// <summary>Relative weight (1024 is normal).</summary>
    public long CpuShares { get; init; }

    /// <summary>Microseconds.</summary>
    public long CpuPeriod { get; init; }

    /// <summary>Microseconds.</summary>
    public long CpuQuota { get; init; }

    /// <summary>"0-3,7".</summary>
    public string CpusetCpus { get; init; } = "";

    /// <summary>"0".</summary>
    public string CpusetMems { get; init; } = "";

    /// <summary>Processes and threads; null: the default of 4096 where the controller is at hand; -1 or 0: unlimited.</summary>
    public long? PidsLimit { get; init; }

    /// <summary>10 to 1000.</summary>
    public int BlkioWeight { get; init; }
}

/// <summary>An rlimit ("nofile", soft, hard; -1 is unlimited).</summary>
public sealed record UlimitSettings(string Name, long Soft, long Hard);

/// <summary>A device: host path, path inside, "rwm".</summary>
public sealed record DeviceSettings(string PathOnHost, string PathInContainer, string CgroupPermissions);

/// <summary>The states of a container. The table of transitions stands in ContainerStates.cs.</summary>
public enum ContainerStatus
{
    /// <summary>Made, never started.</summary>
    Created,
    /// <summary>Its process runs.</summary>
    Running,
    /// <summary>Frozen.</summary>
    Paused,
    /// <summary>Ended; see the exit code.</summary>
    Exited,
    /// <summary>Being removed.</summary>
    Removing,
    /// <summary>Damaged or half removed: only removal helps.</summary>
    Dead,
}

/// <summary>A snapshot of where a container stands.</summary>
public sealed record ContainerState
{
    /// <summary>The state.</summary>
    public ContainerStatus Status { get; init; }

    /// <summary>Host pid of init, 0 when not running.</summary>
    public int Pid { get; init; }

    /// <summary>0 to 255; 128+n for a signal.</summary>
    public int ExitCode { get; init; }

    /// <summary>The memory limit killed something in it.</summary>
    public bool OomKilled { get; init; }

    /// <summary>Why the last start failed, or how the monitor was lost; "".</summary>
    public string Error { get; init; } = "";

    /// <summary>Last start, or null.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>Last end, or null.</summary>
    public DateTimeOffset? FinishedAt { get; init; }
}

/// <summary>What wait waits for.</summary>
public enum WaitCondition
{
    /// <summary>Answers at once when it does not run.</summary>
    NotRunning,
    /// <summary>The end of the current or next run.</summary>
    NextExit,
    /// <summary>Its removal.</summary>
    Removed,
}

/// <summary>One mount point as inspect shows it.</summary>
public sealed record MountPoint(string Type, string? Name, string Source, string Destination, string Driver, string Mode, bool ReadWrite, string Propagation);

/// <summary>The engine: every container, volume and image of one root directory.</summary>
public sealed class ContainerEngine : IAsyncDisposable
{
    /// <summary>Opens the directories (locks the root), adopts what runs, finishes or cleans away what a crash left half-made.</summary>
    /// <exception cref="Linux.BundtException">Conflict when another daemon holds the root directory.</exception>
    public static Task<ContainerEngine> OpenAsync(EngineOptions options, Microsoft.Extensions.Logging.ILogger logger, CancellationToken cancellation) =>
        throw new NotImplementedException();

    /// <summary>Images.</summary>
    public ImageStore Images => throw new NotImplementedException();

    /// <summary>Volumes.</summary>
    public VolumeStore Volumes => throw new NotImplementedException();

    /// <summary>Events, in memory from the start of the daemon on.</summary>
    public EventLog Events => throw new NotImplementedException();

    /// <summary>The options it was opened with.</summary>
    public EngineOptions Options => throw new NotImplementedException();

    /// <summary>Makes a container from an image that is here; nothing runs yet. A null name gets an adjective_cake one.</summary>
    /// <exception cref="Linux.BundtException">NotFound image, Conflict name, InvalidArgument settings (one sentence that names the option).</exception>
    public Task<(Container Container, IReadOnlyList<string> Warnings)> CreateAsync(string? name, ContainerSettings settings, CancellationToken cancellation) =>
        throw new NotImplementedException();

    /// <summary>By full id, name (with or without a leading slash) or unambiguous id prefix.</summary>
    /// <exception cref="Linux.BundtException">NotFound "No such container: X".</exception>
    public Container Find(string nameOrId) => throw new NotImplementedException();

    /// <summary>All containers, newest first, the damaged ones too (status Dead).</summary>
    public IReadOnlyList<Container> List() => throw new NotImplementedException();

    /// <summary>An exec by id or unambiguous prefix.</summary>
    public Exec FindExec(string id) => throw new NotImplementedException();

    /// <summary>Lets go of everything; containers run on.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>One container. Its operations are serialised by itself; no other container waits for them.</summary>
public sealed class Container
{
    /// <summary>64 hex digits.</summary>
    public string Id => throw new NotImplementedException();

    /// <summary>Without a slash.</summary>
    public string Name => throw new NotImplementedException();

    /// <summary>"sha256:…" of the image's config.</summary>
    public string ImageId => throw new NotImplementedException();

    /// <summary>As asked for.</summary>
    public ContainerSettings Settings => throw new NotImplementedException();

    /// <summary>What is run: entrypoint and command, merged with the image's.</summary>
    public IReadOnlyList<string> Command => throw new NotImplementedException();

    /// <summary>Env, user, workdir, labels … after merging with the image's config (inspect's "Config").</summary>
    public Bundt.Oci.Image.ImageRunConfig Effective => throw new NotImplementedException();

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created => throw new NotImplementedException();

    /// <summary>Now.</summary>
    public ContainerState State => throw new NotImplementedException();

    /// <summary>Binds, volumes and tmpfs mounts.</summary>
    public IReadOnlyList<MountPoint> MountPoints => throw new NotImplementedException();

    /// <summary>Ids of execs that run.</summary>
    public IReadOnlyList<string> ExecIds => throw new NotImplementedException();

    /// <summary>How often it was restarted by policy.</summary>
    public int RestartCount => throw new NotImplementedException();

    /// <summary>Host paths that inspect shows.</summary>
    public (string Hostname, string Hosts, string ResolvConf, string Log) Files => throw new NotImplementedException();

    /// <summary>Bytes written to the writable layer and bytes of the image, for list?size=1.</summary>
    public (long Writable, long Root) MeasureSize() => throw new NotImplementedException();

    /// <summary>Starts it; NotModified when it runs already. Attachments made before get everything from the first byte.</summary>
    public Task StartAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Signal, then kill after the timeout. NotModified when it does not run. seconds: null the container's own, -1 forever.</summary>
    public Task StopAsync(string? signal, int? seconds, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Sends a signal ("KILL", "SIGHUP", "15"). Conflict when it does not run.</summary>
    public Task KillAsync(string signal, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Stop, if it runs, then start.</summary>
    public Task RestartAsync(string? signal, int? seconds, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Freezes it.</summary>
    public Task PauseAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Thaws it.</summary>
    public Task UnpauseAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Another name.</summary>
    public Task RenameAsync(string name, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Removes it; Conflict when it runs and force is off.</summary>
    public Task RemoveAsync(bool force, bool volumes, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>
    /// Waits. The registration is done when this method returns its task (synchronously), so that a caller can flush headers before a start.
    /// Answers the state at the end, also when the container was removed.
    /// </summary>
    public Task<ContainerState> WaitAsync(WaitCondition condition, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Attaches: to a running container's monitor now, to a created or exited one when it starts.</summary>
    public Task<Attachment> AttachAsync(AttachOptions options, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The size of its terminal. Conflict when it does not run.</summary>
    public Task ResizeAsync(int rows, int columns, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Reads the log. Frames come in order, byte-exact, cut at line ends where options need lines.</summary>
    public IAsyncEnumerable<OutputFrame> ReadLogsAsync(LogOptions options, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Makes an exec. Conflict when the container does not run or is paused.</summary>
    public Exec CreateExec(ExecSettings settings) => throw new NotImplementedException();
}

/// <summary>What an attach wants.</summary>
public sealed record AttachOptions(bool Stdin, bool Stdout, bool Stderr);

/// <summary>
/// A client's connection to the streams of a container or exec.
/// </summary>
public sealed class Attachment : IAsyncDisposable
{
    /// <summary>Whether the streams are a terminal's (frames then are all of stream 1).</summary>
    public bool Tty => throw new NotImplementedException();

    /// <summary>The next output; null at the end (the exit has been recorded by then). The bytes are valid until the next call.</summary>
    public ValueTask<OutputFrame?> ReadAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Bytes for stdin. After the container's end they are dropped.</summary>
    public ValueTask WriteStdinAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>End of this client's stdin.</summary>
    public ValueTask CloseStdinAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Detaches; the container goes on.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>A piece of output. Stream: 1 stdout, 2 stderr.</summary>
public readonly record struct OutputFrame(byte Stream, DateTimeOffset Time, ReadOnlyMemory<byte> Bytes);

/// <summary>What logs wants.</summary>
/// <param name="Stdout">stdout's lines.</param>
/// <param name="Stderr">stderr's lines.</param>
/// <param name="Follow">Go on until the container ends.</param>
/// <param name="Timestamps">The frames are whole lines that begin with RFC 3339 nanoseconds and a space.</param>
/// <param name="Since">Not older.</param>
/// <param name="Until">Not newer; ends a follow.</param>
/// <param name="Tail">The last n lines, or null.</param>
public sealed record LogOptions(bool Stdout, bool Stderr, bool Follow = false, bool Timestamps = false, DateTimeOffset? Since = null, DateTimeOffset? Until = null, int? Tail = null);

/// <summary>What an exec is asked to be.</summary>
public sealed record ExecSettings
{
    /// <summary>Command and arguments.</summary>
    public required IReadOnlyList<string> Cmd { get; init; }

    /// <summary>Environment on top of the container's.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>User; "": the container's.</summary>
    public string User { get; init; } = "";

    /// <summary>Working directory; "": the container's.</summary>
    public string WorkingDir { get; init; } = "";

    /// <summary>A terminal.</summary>
    public bool Tty { get; init; }

    /// <summary>Attach stdin.</summary>
    public bool AttachStdin { get; init; }

    /// <summary>Attach stdout.</summary>
    public bool AttachStdout { get; init; }

    /// <summary>Attach stderr.</summary>
    public bool AttachStderr { get; init; }

    /// <summary>All capabilities.</summary>
    public bool Privileged { get; init; }

    /// <summary>First terminal size.</summary>
    public (int Rows, int Columns) ConsoleSize { get; init; }

    /// <summary>"ctrl-p,ctrl-q"; kept for the API.</summary>
    public string DetachKeys { get; init; } = "";
}

/// <summary>A further process in a container.</summary>
public sealed class Exec
{
    /// <summary>64 hex digits.</summary>
    public string Id => throw new NotImplementedException();

    /// <summary>Its container.</summary>
    public Container Container => throw new NotImplementedException();

    /// <summary>As asked for.</summary>
    public ExecSettings Settings => throw new NotImplementedException();

    /// <summary>Whether it runs.</summary>
    public bool Running => throw new NotImplementedException();

    /// <summary>Null while it runs or was never started; 126/127 when the command could not be executed.</summary>
    public int? ExitCode => throw new NotImplementedException();

    /// <summary>Host pid, 0 when not running.</summary>
    public int Pid => throw new NotImplementedException();

    /// <summary>Starts it, with the streams attached when asked for. Conflict when it was started before.</summary>
    public Task<Attachment?> StartAsync(AttachOptions? attach, (int Rows, int Columns) consoleSize, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Waits for its end.</summary>
    public Task<int> WaitAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The size of its terminal.</summary>
    public Task ResizeAsync(int rows, int columns, CancellationToken cancellation) => throw new NotImplementedException();
}

/// <summary>Named and anonymous volumes.</summary>
public sealed class VolumeStore
{
    /// <summary>All.</summary>
    public IReadOnlyList<Volume> List() => throw new NotImplementedException();

    /// <summary>Makes one, or answers the one of that name. A null name gets 64 hex digits.</summary>
    public Volume Create(string? name, IReadOnlyDictionary<string, string> labels, IReadOnlyDictionary<string, string> options) => throw new NotImplementedException();

    /// <summary>One by name.</summary>
    public Volume Find(string name) => throw new NotImplementedException();

    /// <summary>Removes one; Conflict when a container uses it.</summary>
    public void Remove(string name, bool force) => throw new NotImplementedException();

    /// <summary>Removes those that no container uses; anonymous ones only unless <paramref name="all"/>. Answers names and bytes.</summary>
    public (IReadOnlyList<string> Names, long Bytes) Prune(bool all) => throw new NotImplementedException();
}

/// <summary>A volume.</summary>
public sealed record Volume(string Name, string MountPoint, DateTimeOffset Created, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Options, bool Anonymous);

/// <summary>One event, in Docker's words.</summary>
public sealed record EngineEvent(DateTimeOffset Time, string Type, string Action, string ActorId, IReadOnlyDictionary<string, string> Attributes);

/// <summary>The events of this daemon's life (the last 1,024), and those to come.</summary>
public sealed class EventLog
{
    /// <summary>Publishes one.</summary>
    public void Publish(EngineEvent engineEvent) => throw new NotImplementedException();

    /// <summary>Past events since the time, then future ones until the time or cancellation.</summary>
    public IAsyncEnumerable<EngineEvent> ReadAsync(DateTimeOffset? since, DateTimeOffset? until, CancellationToken cancellation) => throw new NotImplementedException();
}
