using System.Globalization;
using System.Text.Json;
using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Logs;
using Bundt.Engine.Monitors;
using Bundt.Engine.Settings;
using Bundt.Linux;
using Bundt.Linux.Capabilities;
using Bundt.Linux.Files;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Spec;

namespace Bundt.Engine;

/// <summary>A further process in a container.</summary>
public sealed class Exec
{
    private const int CannotExecute = 126;
    private const int NotFound = 127;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>
    /// The log of a resumable exec: what was on its way through a killed daemon and, of a command that does not write all too fast, what it
    /// writes until the next daemon comes. It lies in memory (the run directory is a tmpfs), so there is little of it.
    /// </summary>
    private const long LogSize = 1 << 20;

    private const int LogFiles = 4;

    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a resumable exec's files may go.</summary>
    private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Made by another daemon: completes when its client has come back.</summary>
    private readonly TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile MonitoredProcess? _process;
    private int _started;

    /// <summary>Init of the container as it was when the launch began: it may have ended, and another life begun, since.</summary>
    private (int Pid, ulong Start) _target;

    internal Exec(Container container, string id, ExecSettings settings)
    {
        Container = container;
        Id = id;
        Settings = settings;
    }

    /// <summary>64 hex digits.</summary>
    public string Id { get; }

    /// <summary>Its container.</summary>
    public Container Container { get; }

    /// <summary>As asked for.</summary>
    public ExecSettings Settings { get; }

    private const string RecordName = "exec.json";

    /// <summary>Whether it runs.</summary>
    public bool Running => _process is not null && !_ended.Task.IsCompleted;

    /// <summary>Null while it runs or was never started; 126/127 when the command could not be executed.</summary>
    public int? ExitCode => _ended.Task.IsCompleted ? _ended.Task.Result : null;

    /// <summary>Host pid, 0 when not running.</summary>
    public int Pid => Running ? _process?.Pid ?? 0 : 0;

    /// <summary>When it ended, or null.</summary>
    internal DateTimeOffset? EndedAt { get; private set; }

    /// <summary>Socket and records: an exec does not outlive the boot, so what tells of it need not either.</summary>
    private string Directory => Container.Services.Paths.RunExec(Container.Id, Id);

    /// <summary>Starts it, with the streams attached when asked for. Conflict when it was started before.</summary>
    public async Task<Attachment?> StartAsync(AttachOptions? attach, (int Rows, int Columns) consoleSize, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Exec, $"exec command {Id} is already running");
        }

        await Task.CompletedTask.ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        var attachment = attach is null ? null : new Attachment(Settings.Tty, attach, _ => { }) { EndStdin = () => Container.EndStdinAsync(Directory) };
        try
        {
            // Below what is there: the directory of a container that has just gone, made anew, would be nobody's to remove.
            MakeBelow(Container.Services.Paths.RunContainer(Container.Id), Id);
            File.WriteAllBytes(Path.Combine(Directory, RecordName), JsonSerializer.SerializeToUtf8Bytes(Settings, RecordJson.Default.ExecSettings));
            var launched = Container.Services.Processes.Exec(Request(attachment, consoleSize is ( > 0, > 0) ? consoleSize : Settings.ConsoleSize));
            var process = new MonitoredProcess(Container.Services.Watch, Directory, launched.Pid, launched.StartTime, new PidFd(launched.MonitorPid, launched.MonitorPidFd));
            _process = process;
            Container.Publish("exec_start: " + string.Join(' ', Settings.Cmd), ("execID", Id));
            process.Watch(Ended, _ => { });
            attachment?.Begin(launched.Attached is { } socket ? new MonitorConnection(socket) { OnExit = process.Told } : null, process.Ended);
            return attachment;
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            EndedAt = DateTimeOffset.UtcNow;
            _ended.TrySetResult(e is BundtException { Kind: FailureKind.CommandNotFound } ? NotFound : CannotExecute);
            Publish(_ended.Task.Result);
            CleanUp();
            if (e is not BundtException { Kind: FailureKind.CommandNotFound or FailureKind.CommandNotExecutable or FailureKind.InvalidArgument } && TargetIsGone)
            {
                throw new BundtException(FailureKind.Conflict, Phase.Exec, $"container {Container.Id} is not running", null, e);
            }

            throw Describe(e as BundtException ?? new BundtException(FailureKind.Internal, Phase.State, $"its record cannot be written: {BundtException.Reason(e)}", null, e));
        }
    }

    /// <summary>An exec of the daemon before, from its directory: it runs, or its exit code is there. Null when neither can be told.</summary>
    internal static Exec? Adopt(Container container, string directory)
    {
        ExecSettings? settings;
        try
        {
            settings = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(directory, RecordName)), RecordJson.Default.ExecSettings);
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return null;
        }

        if (settings is null)
        {
            return null;
        }

        var exec = new Exec(container, Path.GetFileName(directory), settings) { _started = 1 };
        exec.KeepForResume();
        if (ExitRecord.Read(directory) is { } exit)
        {
            exec.EndedAt = exit.Finished;
            exec._ended.TrySetResult(exit.Status);
            _ = exec.CleanUpAsync(null);
            return exec;
        }

        if (MonitorRecord.Read(directory) is not { } monitor)
        {
            return null;
        }

        var process = new MonitoredProcess(
            container.Services.Watch, directory, monitor.InitPid, monitor.InitStart, PidFd.TryOpen(monitor.MonitorPid, monitor.MonitorStart));
        exec._process = process;
        process.Watch(exec.Ended, _ => { });
        if (settings is { AttachStdin: true, Tty: false })
        {
            _ = Container.EndStdinUnlessResumedAsync(exec.Directory, process, exec._resumed.Task);
        }

        return exec;
    }

    /// <summary>The daemon goes: nothing is watched any more.</summary>
    internal void LetGo() => _process?.Release();

    /// <summary>Waits for its end.</summary>
    public Task<int> WaitAsync(CancellationToken cancellation) => _ended.Task.WaitAsync(cancellation);

    /// <summary>Attaches the client that had started it through another daemon; its stdin and terminal are the client's again.</summary>
    public async Task<Attachment> ResumeAsync(AttachOptions attach, CancellationToken cancellation)
    {
        _resumed.TrySetResult();
        var attachment = new Attachment(Settings.Tty, attach, _ => { }) { EndStdin = () => Container.EndStdinAsync(Directory) };
        var connection = _process is { } process && Running ? await MonitorConnection.TryConnectAsync(Directory, cancellation).ConfigureAwait(false) : null;
        if (connection is not null)
        {
            await connection.SendAsync(MonitorMessage.Attach, new[] { (byte)attachment.Flags }, cancellation).ConfigureAwait(false);
        }

        attachment.Begin(connection, _ended.Task);
        return attachment;
    }

    /// <summary>Whether there is a log of its output.</summary>
    public bool Logged => Settings.Resumable && LogSettings.From(Container.Settings).Kept;

    /// <summary>Reads what a resumable exec has written.</summary>
    public IAsyncEnumerable<OutputFrame> ReadLogAsync(LogOptions options, CancellationToken cancellation) =>
        LogReader.ReadAsync(Directory, options, Container.Services.Watch, Running ? _ended.Task : null, cancellation);

    /// <summary>The client of a resumable exec has everything, or has gone: nothing need be kept any more.</summary>
    public void ReleaseOutput() => _read.TrySetResult();

    /// <summary>The size of its terminal.</summary>
    public Task ResizeAsync(int rows, int columns, CancellationToken cancellation) => Running
        ? Container.ResizeAsync(Directory, rows, columns, cancellation)
        : throw new BundtException(FailureKind.Conflict, Phase.Exec, $"exec {Id} is not running");

    /// <summary>Sends it a signal. False when it does not run.</summary>
    public bool Signal(string signal) => Running && _process is { } process && process.Signal(Signals.Parse(signal));

    private ExecRequest Request(Attachment? attachment, (int Rows, int Columns) size)
    {
        var (process, config, users) = Container.ForExec();
        _target = (process.Pid, process.StartTime);
        var own = config.Process!;
        var settings = Container.Settings;
        var user = users.Resolve(Settings.User.Length > 0 ? Settings.User : Container.Effective.User, settings.GroupAdd);
        return new ExecRequest
        {
            Id = Container.Id,
            ExecId = Id,
            InitPid = process.Pid,
            InitStart = process.StartTime,
            Config = config,
            Process = own with
            {
                Terminal = Settings.Tty,
                ConsoleSize = Settings.Tty && size is ( > 0, > 0) ? new ConsoleSize(size.Rows, size.Columns) : null,
                Args = Settings.Cmd,
                Cwd = Settings.WorkingDir.Length > 0 ? RuntimeConfigBuilder.WorkingDirectory(Settings.WorkingDir) : own.Cwd,
                Env = RuntimeConfigBuilder.Environment(
                    [.. Container.Effective.Env, .. Settings.Env],
                    settings.UtsMode == "host" ? Environment.MachineName : settings.Hostname,
                    Settings.Tty,
                    user.Home),
                User = new ProcessUser { Uid = user.Uid, Gid = user.Gid, AdditionalGids = user.AdditionalGids },
                Capabilities = Settings.Privileged ? DefaultSpec.CapabilitySets(CapabilityNames.All) : own.Capabilities,
                ApparmorProfile = Settings.Privileged ? null : own.ApparmorProfile,
            },
            Monitor = new MonitorSettings
            {
                StateDirectory = Directory,
                SocketDirectory = Directory,
                LogSize = Logged ? LogSize : 0,
                LogFiles = LogFiles,
                OpenStdin = attachment is { Options.Stdin: true },
                StdinOnce = attachment is { Options.Stdin: true }, // without a client for it, the monitor ends stdin at once
                Remove = true,
                Rows = size.Rows,
                Columns = size.Columns,
                AttachFlags = attachment?.Flags ?? 0,
            },
        };
    }

    /// <summary>Whether the container has ended under the launch: the kernel knows it before its end is recorded.</summary>
    private bool TargetIsGone => _target.Pid == 0
        ? !ContainerStates.Lives(Container.State.Status)
        : PidFd.ReadStat(_target.Pid) is not { } stat || stat.State is 'Z' or 'X' || stat.StartTime != _target.Start;

    private static void MakeBelow(string there, string path)
    {
        using var directory = DirectoryFd.OpenHost(there);
        directory.EnsureDirectory(path, OwnerOnly).Dispose();
    }

    private void Ended(MonitoredProcess process, ExitRecord? record, int exitCode)
    {
        EndedAt = DateTimeOffset.UtcNow;
        _ended.TrySetResult(exitCode);
        Publish(exitCode);
        _ = CleanUpAsync(process);
    }

    private void Publish(int exitCode) =>
        Container.Publish("exec_die", ("execID", Id), ("exitCode", exitCode.ToString(CultureInfo.InvariantCulture)));

    private async Task CleanUpAsync(MonitoredProcess? process)
    {
        if (process is not null)
        {
            await process.MonitorGone.ConfigureAwait(false);
            process.Release();
        }

        if (Settings.Resumable)
        {
            await _read.Task.ConfigureAwait(false);
        }

        CleanUp();
    }

    /// <summary>A client that has lost its daemon comes back soon, or never.</summary>
    private void KeepForResume() => _ = Task.WhenAll(_ended.Task, Task.Delay(Container.Grace)).ContinueWith(
        _ =>
        {
            if (!_resumed.Task.IsCompleted)
            {
                ReleaseOutput();
            }
        },
        TaskScheduler.Default);

    private void CleanUp()
    {
        try
        {
            RunDirectories.Remove(Directory);
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            // It goes with the container, which may be going right now.
            Container.Services.Logger.Trouble(Container.Id, "an exec's files were left for the container's removal", e);
        }
    }

    /// <summary>Docker's words around ours.</summary>
    private BundtException Describe(BundtException failure)
    {
        const string Prefix = "OCI runtime exec failed: exec failed: unable to start container process: ";
        var operation = failure.Operation;
        if (failure.Kind == FailureKind.CommandNotFound && !failure.Message.Contains("executable file not found", StringComparison.Ordinal))
        {
            operation = $"exec: \"{Settings.Cmd[0]}\": executable file not found in $PATH: {operation}";
        }

        return failure.Kind is FailureKind.Conflict or FailureKind.InvalidArgument
            ? failure
            : failure.Errno == Errno.None
                ? new BundtException(failure.Kind, failure.Phase, Prefix + operation, failure.Hint, failure)
                : new BundtException(failure.Phase, Prefix + operation, failure.Path, failure.Errno, failure.Hint, failure.Kind);
    }
}
