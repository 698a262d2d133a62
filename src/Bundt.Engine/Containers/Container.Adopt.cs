using System.Text.Json;
using Bundt.Engine.Containers;
using Bundt.Engine.Monitors;
using Bundt.Engine.Networks;
using Bundt.Images;
using Bundt.Linux;

namespace Bundt.Engine;

// How a container that another daemon has made comes into this one.
public sealed partial class Container
{
    /// <summary>
    /// So long does a container with --rm outlive its end at least after a new daemon has found it: its client has lost the old daemon, and
    /// comes back for the exit code.
    /// </summary>
    internal static TimeSpan Grace { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Tick count (ms); far in the past for what this daemon has started.</summary>
    private long _adoptedAt = NeverAdopted;

    /// <summary>Completes when a client has come back for stdin.</summary>
    private readonly TaskCompletionSource _stdinResumed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private const long NeverAdopted = long.MinValue / 2;

    /// <summary>It does not run: it never did, or its exit record says how it ended.</summary>
    internal void AdoptEnded(ExitRecord? exit, StateRecord stored)
    {
        _stored = stored;
        var state = exit switch
        {
            null => new ContainerState { Status = ContainerStatus.Created },
            { StartFailed: true } => new ContainerState
            {
                Status = ContainerStatus.Created,
                ExitCode = (Errno)exit.Errno switch
                {
                    Errno.ENOENT => NotFound,
                    Errno.EACCES or Errno.ENOEXEC or Errno.EISDIR => CannotExecute,
                    _ => CannotStart,
                },
                Error = "failed to start while no daemon was there: " + ((Errno)exit.Errno).Describe(),
            },
            _ => new ContainerState
            {
                Status = ContainerStatus.Exited,
                ExitCode = exit.Status,
                OomKilled = exit.OomKills > 0,
                StartedAt = exit.Started,
                FinishedAt = exit.Finished,
            },
        };
        if (stored.End is { } end)
        {
            state = state with
            {
                Status = end.FinishedAt is null ? state.Status : ContainerStatus.Exited,
                ExitCode = end.ExitCode,
                Error = end.Error,
                StartedAt = end.StartedAt,
                FinishedAt = end.FinishedAt,
            };
        }

        _state = state;
    }

    /// <summary>It ended, and nobody could record how.</summary>
    internal void AdoptLost(MonitorRecord monitor, string cause, StateRecord stored)
    {
        const int Unknown = 255;
        _stored = stored;
        // A start removes the record: one that is there is of this life.
        var end = stored.End ?? new EndRecord { ExitCode = Unknown, Error = cause, StartedAt = monitor.Started, FinishedAt = DateTimeOffset.UtcNow };
        _state = new ContainerState
        {
            Status = ContainerStatus.Exited,
            ExitCode = end.ExitCode,
            Error = end.Error,
            StartedAt = end.StartedAt,
            FinishedAt = end.FinishedAt,
        };
        StoreIfPossible(stored with { End = end, StopDeadline = null, Paused = false });
    }

    /// <summary>It runs.</summary>
    internal void AdoptRunning(MonitorRecord monitor, MonitoredProcess process, LayerLease lease, StateRecord stored)
    {
        _stored = stored;
        _lease = lease;
        try
        {
            _networks = ContainerNetworks.Adopt(_services.Networks, _services.Names, _services.Ports, _record, _services.Paths.RunContainer(Id));
        }
        catch (Exception e) when (e is JsonException or IOException or FormatException)
        {
            _services.Logger.Trouble(Id, "runs, but what it has of its networks cannot be read", e);
        }

        _process = process;
        _state = new ContainerState
        {
            Status = stored.Paused ? ContainerStatus.Paused : ContainerStatus.Running,
            Pid = monitor.InitPid,
            StartedAt = monitor.Started,
        };
    }

    /// <summary>Execs of the daemon before: those that run are watched, of those that have ended the exit code can be asked for.</summary>
    private void AdoptExecs()
    {
        var run = _services.Paths.RunContainer(Id);
        foreach (var path in Directory.Exists(run) ? Directory.GetDirectories(run) : [])
        {
            if (Exec.Adopt(this, path) is { } exec)
            {
                _execs[exec.Id] = exec;
                _services.Containers.Add(exec);
            }
            else
            {
                RunDirectories.Remove(path);
            }
        }
    }

    /// <summary>
    /// A start was meant to follow, or was tried, and never came about: nobody will start it again, and --rm says that nobody is to find it. What
    /// was made by create alone waits for its start.
    /// </summary>
    private bool IsHalfMade => Settings.AutoRemove && _state.Status == ContainerStatus.Created && (_record.StartFollows || _state.Error.Length > 0);

    /// <summary>Once all containers are known: what was under way is taken up again.</summary>
    internal void GoOn()
    {
        _adoptedAt = Environment.TickCount64;
        if (_state.Status is not (ContainerStatus.Created or ContainerStatus.Dead))
        {
            AdoptExecs();
        }

        if (_process is { } process)
        {
            if (_stored.StopDeadline is { } deadline)
            {
                KillAt(deadline);
            }

            process.Watch(RunEnded, MonitorLost);
            GoOnWithNetworks();
            if (Settings is { OpenStdin: true, StdinOnce: true, Tty: false })
            {
                _ = EndStdinUnlessResumedAsync(_services.Paths.RunContainer(Id), process, _stdinResumed.Task);
            }
        }
        else if (_stored.Removing || IsHalfMade)
        {
            _adoptedAt = NeverAdopted;
            _ = RemoveByItselfAsync();
        }
        else if (Settings.AutoRemove && _state.Status == ContainerStatus.Exited)
        {
            _ = RemoveByItselfAsync();
        }
    }

    /// <summary>The client whose stdin it was has lost its daemon: it comes back soon, or nobody will ever say that this was all.</summary>
    internal static async Task EndStdinUnlessResumedAsync(string runDirectory, MonitoredProcess process, Task resumed)
    {
        await Task.WhenAny(resumed, process.Ended, Task.Delay(Grace)).ConfigureAwait(false);
        if (resumed.IsCompleted || process.Ended.IsCompleted)
        {
            return;
        }

        await EndStdinAsync(runDirectory).ConfigureAwait(false);
    }

    /// <summary>Tells the monitor whose socket is in the directory that stdin has ended; nothing if it is gone.</summary>
    internal static async Task EndStdinAsync(string runDirectory)
    {
        using var connection = await MonitorConnection.TryConnectAsync(runDirectory, CancellationToken.None).ConfigureAwait(false);
        if (connection is not null)
        {
            await connection.SendAsync(MonitorMessage.Attach, new byte[] { 1 }, CancellationToken.None).ConfigureAwait(false);
            await connection.SendAsync(MonitorMessage.StdinClose, default, CancellationToken.None).ConfigureAwait(false);
            await connection.AnswerAsync(MonitorMessage.Attached, CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>The daemon goes: nothing is watched any more, the container runs on.</summary>
    internal void LetGo()
    {
        lock (_sync)
        {
            _stopTimer?.Dispose();
            _stopTimer = null;
        }

        foreach (var exec in _execs.Values)
        {
            exec.LetGo();
        }

        _process?.Release();
        _lease?.Dispose();
        Prepared?.Dispose();
    }
}
