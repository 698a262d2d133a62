using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Logs;
using Bundt.Engine.Monitors;
using Bundt.Engine.Networks;
using Bundt.Engine.Settings;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Engine;

/// <summary>One container. Its operations are serialised by itself; no other container waits for them.</summary>
[SuppressMessage(
    "Design", "CA1001:Types that own disposable fields should be disposable", Justification = "a semaphore without a wait handle holds nothing; the timer goes with the run")]
public sealed partial class Container
{
    private readonly EngineServices _services;
    private readonly ContainerDirectory _directory;

    /// <summary>One operation at a time. What only reads, waits or attaches does not need it, nor does the end of a run.</summary>
    private readonly SemaphoreSlim _gate = new(1, 1);

    /// <summary>Guards the fields below; held for a few instructions only.</summary>
    private readonly Lock _sync = new();
    private readonly List<TaskCompletionSource<ContainerState>> _exitWaiters = [];
    private readonly TaskCompletionSource<ContainerState> _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Attachment> _pending = [];
    private readonly ConcurrentDictionary<string, Exec> _execs = new(StringComparer.Ordinal);
    private volatile ContainerRecord _record;
    private volatile ContainerState _state;
    private StateRecord _stored = new();
    private MonitoredProcess? _process;
    private LayerLease? _lease;

    /// <summary>The networks that it is in; null: it does not run.</summary>
    private ContainerNetworks? _networks;

    /// <summary>What the process was launched with; null: not by this daemon, or never.</summary>
    private RuntimeConfig? _config;

    /// <summary>What was made ahead of it, until its first start.</summary>
    internal PreparedContainer? Prepared { get; set; }

    /// <summary>What follows the last run: release of the layers, of the cgroup. The next start waits for it.</summary>
    private Task _aftermath = Task.CompletedTask;
    private Timer? _stopTimer;
    private bool _restarting;

    /// <summary>Just made: there is no life before whose files would have to be put away.</summary>
    private bool _fresh;

    internal Container(EngineServices services, ContainerRecord record, ContainerState state, bool fresh = false)
    {
        _fresh = fresh;
        _services = services;
        _record = record;
        _state = state;
        _directory = new ContainerDirectory(services.Paths.Container(record.Id));
    }

    /// <summary>64 hex digits.</summary>
    public string Id => _record.Id;

    /// <summary>Without a slash.</summary>
    public string Name => _record.Name;

    /// <summary>"sha256:…" of the image's config.</summary>
    public string ImageId => _record.ImageId;

    /// <summary>As asked for.</summary>
    public ContainerSettings Settings => _record.Settings;

    /// <summary>The AppArmor profile that it runs under: "unconfined", or "" where there is no AppArmor.</summary>
    public string AppArmorProfile => AppArmor.ProfileOf(Settings, SecurityOptions.Parse(Settings.SecurityOpt));

    /// <summary>What is run: entrypoint and command, merged with the image's.</summary>
    public IReadOnlyList<string> Command => ImageMerge.Command(_record.Effective);

    /// <summary>Env, user, workdir, labels … after merging with the image's config (inspect's "Config").</summary>
    public Bundt.Oci.Image.ImageRunConfig Effective => _record.Effective;

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created => _record.Created;

    /// <summary>Now.</summary>
    public ContainerState State => _state;

    /// <summary>Binds, volumes and tmpfs mounts.</summary>
    public IReadOnlyList<MountPoint> MountPoints =>
        [.. _record.Mounts.Select(m => new MountPoint(
            m.Type,
            m.Volume,
            m.Source,
            m.Destination,
            m.Type == "volume" ? "local" : "",
            m.Mode.Length > 0 || m.Type != "volume" ? m.Mode : "z",
            !m.ReadOnly,
            m.Propagation.Length > 0 ? m.Propagation : m.Type == "bind" ? "rprivate" : ""))];

    /// <summary>Ids of execs that run.</summary>
    public IReadOnlyList<string> ExecIds => [.. _execs.Values.Where(e => e.Running).Select(e => e.Id)];

    /// <summary>How often it was restarted by policy.</summary>
    public int RestartCount { get; }

    /// <summary>Its networks, and what it has in each of them while it runs.</summary>
    public IReadOnlyList<ContainerEndpoint> Endpoints
    {
        get
        {
            var (record, running) = (_record, _networks?.Members);
            return [.. record.Networks.Select(member => ContainerEndpoint.Of(
                record, member, running?.Where(one => member.IsOf(one.Network)).Select(one => ((Network, Endpoint)?)one).FirstOrDefault()))];
        }
    }

    /// <summary>The ports of the host that lead to it while it runs.</summary>
    public IReadOnlyList<ContainerPort> Ports =>
        [.. (_networks?.Ports ?? []).Select(port => new ContainerPort(port.ContainerPort, port.Protocol.ToString().ToLowerInvariant(), port.Host.ToString(), port.HostPort))];

    /// <summary>Host paths that inspect shows.</summary>
    public (string Hostname, string Hosts, string ResolvConf, string Log) Files =>
        (_directory.In(NetworkFiles.Hostname), _directory.In(NetworkFiles.Hosts), _directory.In(NetworkFiles.ResolvConf), LogFiles.Current(_directory.Path));

    /// <summary>Completes when a container with --rm that has ended is gone, or could not be removed: from then on its name is free.</summary>
    public Task AutoRemoval { get; private set; } = Task.CompletedTask;

    internal ContainerRecord Record => _record;

    internal EngineServices Services => _services;

    internal ContainerDirectory OwnDirectory => _directory;

    /// <summary>The process while it lives.</summary>
    internal MonitoredProcess? Process => _process;

    /// <summary>Completes when all that followed the last run is done.</summary>
    internal Task Aftermath => _aftermath;

    /// <summary>Bytes written to the writable layer and bytes of the image, for list?size=1.</summary>
    public (long Writable, long Root) MeasureSize()
    {
        long writable = 0;
        try
        {
            writable = TreeSize.Of(_directory.Upper);
            return (writable, writable + _services.Images.Find(ImageId).Size);
        }
        catch (BundtException e) when (e.Kind == FailureKind.NotFound || e.Errno == Errno.ENOENT)
        {
            // Its image, or itself, has just been removed.
            return (writable, writable);
        }
    }

    /// <summary>
    /// Waits. The registration is done when this method returns its task (synchronously), so that a caller can flush headers before a start.
    /// Answers the state at the end, also when the container was removed.
    /// </summary>
    public Task<ContainerState> WaitAsync(WaitCondition condition, CancellationToken cancellation)
    {
        TaskCompletionSource<ContainerState> waiter;
        lock (_sync)
        {
            if (condition == WaitCondition.Removed)
            {
                return _removed.Task.WaitAsync(cancellation);
            }

            if (_removed.Task.IsCompleted || (condition == WaitCondition.NotRunning && !ContainerStates.Lives(_state.Status)))
            {
                return Task.FromResult(_state);
            }

            // Who waits is told on the very thread that learns of the end: on the way of `run` every hand-over counts.
            waiter = new TaskCompletionSource<ContainerState>();
            _exitWaiters.Add(waiter);
        }

        return WaitAsync(waiter, cancellation);
    }

    /// <summary>Attaches: to a running container's monitor now, to a created or exited one when it starts.</summary>
    public async Task<Attachment> AttachAsync(AttachOptions options, CancellationToken cancellation)
    {
        var attachment = new Attachment(Settings.Tty, options with { Stdin = options.Stdin && Settings.OpenStdin }, Detached)
        {
            EndStdin = () => EndStdinAsync(_services.Paths.RunContainer(Id)),
        };
        if (attachment.Options.Stdin)
        {
            _stdinResumed.TrySetResult();
        }

        MonitoredProcess? process;
        lock (_sync)
        {
            switch (_state.Status)
            {
                case ContainerStatus.Paused when !options.Again:
                    throw new BundtException(FailureKind.Conflict, Phase.Run, $"container {Id} is paused, unpause the container before attach");
                case ContainerStatus.Removing or ContainerStatus.Dead when !options.Again:
                    throw new BundtException(FailureKind.Conflict, Phase.Run, $"container {Id} is marked for removal and cannot be attached to");
                case ContainerStatus.Running or ContainerStatus.Paused:
                    process = _process;
                    break;
                case var _ when options.Again:
                    process = null;
                    attachment.Begin(null, Task.CompletedTask);
                    break;
                default:
                    process = null;
                    _pending.Add(attachment);
                    break;
            }
        }

        if (process is not null)
        {
            var connection = await MonitorConnection.TryConnectAsync(_services.Paths.RunContainer(Id), cancellation).ConfigureAwait(false);
            if (connection is not null)
            {
                await connection.SendAsync(MonitorMessage.Attach, new[] { (byte)attachment.Flags }, cancellation).ConfigureAwait(false);
            }

            // No monitor any more: it has just ended, there is nothing to read but the end.
            attachment.Begin(connection, process.Ended);
        }

        Publish("attach");
        return attachment;
    }

    /// <summary>Reads the log. Frames come in order, byte-exact, cut at line ends where options need lines.</summary>
    public IAsyncEnumerable<OutputFrame> ReadLogsAsync(LogOptions options, CancellationToken cancellation)
    {
        if (!LogSettings.From(Settings).Kept)
        {
            throw new BundtException(FailureKind.NotImplemented, Phase.Run, "configured logging driver does not support reading");
        }

        Task? ended;
        lock (_sync)
        {
            ended = ContainerStates.Lives(_state.Status) ? _process?.Ended : null;
        }

        return LogReader.ReadAsync(_directory.Path, options, _services.Watch, ended, cancellation);
    }

    internal void Publish(string action, params ReadOnlySpan<(string Key, string Value)> more)
    {
        var attributes = new Dictionary<string, string>(Effective.Labels, StringComparer.Ordinal) { ["image"] = Settings.Image, ["name"] = Name };
        foreach (var (key, value) in more)
        {
            attributes[key] = value;
        }

        _services.Events.Publish(new EngineEvent(DateTimeOffset.UtcNow, "container", action, Id, attributes));
    }

    private async Task<ContainerState> WaitAsync(TaskCompletionSource<ContainerState> waiter, CancellationToken cancellation)
    {
        try
        {
            return await waiter.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_sync)
            {
                _exitWaiters.Remove(waiter);
            }
        }
    }

    private void Detached(Attachment attachment)
    {
        lock (_sync)
        {
            _pending.Remove(attachment);
        }
    }

    /// <summary>Runs an operation alone, if the state allows it.</summary>
    private async Task AloneAsync(Operation operation, Func<Task> action, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (_removed.Task.IsCompleted)
            {
                throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"No such container: {Id}");
            }

            Require(operation);
            await action().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private void Require(Operation operation)
    {
        var state = _state;
        if (ContainerStates.Refuse(state.Status, operation, Id, Name) is { } refusal)
        {
            throw state is { Status: ContainerStatus.Dead, Error.Length: > 0 }
                ? new BundtException(refusal.Kind, refusal.Phase, $"container {Name} is dead ({state.Error}): {refusal.Message}", $"remove it: bundt rm {Name}")
                : refusal;
        }
    }

    /// <summary>Writes what the monitor's files do not tell, if it has changed.</summary>
    private void Store(StateRecord stored)
    {
        if (stored != _stored)
        {
            _directory.Write(stored);
            _stored = stored;
        }
    }

    /// <summary>The same where a disk that is full must not stand in the way: what was asked for is done, only a daemon to come will not know of it.</summary>
    private void StoreIfPossible(StateRecord stored)
    {
        try
        {
            Store(stored);
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            _services.Logger.Trouble(Id, "its state could not be recorded", e);
        }
    }

    /// <summary>Moves to another state; with <see cref="_sync"/> held. The table has the last word.</summary>
    private void Become(ContainerState state)
    {
        if (state.Status != _state.Status && !ContainerStates.MayBecome(_state.Status, state.Status))
        {
            throw new InvalidOperationException($"container {Id}: no way from {_state.Status} to {state.Status}");
        }

        _state = state;
    }
}
