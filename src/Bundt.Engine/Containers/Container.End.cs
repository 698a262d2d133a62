using System.Globalization;
using Bundt.Engine.Containers;
using Bundt.Engine.Monitors;
using Bundt.Engine.Settings;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Microsoft.Extensions.Logging;

namespace Bundt.Engine;

// The end of a run, and the end of the container.
public sealed partial class Container
{
    internal const string MonitorLostError = "monitor-lost";

    /// <summary>Removes it; Conflict when it runs and force is off.</summary>
    public async Task RemoveAsync(bool force, bool volumes, CancellationToken cancellation)
    {
        await AloneAsync(
            force ? Operation.RemoveByForce : Operation.Remove,
            async () =>
            {
                if (_process is { } process && ContainerStates.Lives(_state.Status))
                {
                    Publish("kill", ("signal", "9"));
                    _services.Processes.Kill(Id);
                    process.Signal(Signals.Kill);
                    await process.Ended.WaitAsync(cancellation).ConfigureAwait(false);
                }

                if (_state.Status == ContainerStatus.Dead)
                {
                    EndDamaged(force);
                }

                if (!_removed.Task.IsCompleted)
                {
                    await RemoveAloneAsync(volumes || Settings.AutoRemove).ConfigureAwait(false);
                }
            },
            cancellation).ConfigureAwait(false);
    }

    /// <summary>Ends what may still run of a container whose record is damaged.</summary>
    private void EndDamaged(bool force)
    {
        if (!force && MonitorRecord.Read(_directory.Path) is { } monitor && PidFd.ReadStartTime(monitor.InitPid) == monitor.InitStart)
        {
            throw new BundtException(
                FailureKind.Conflict, Phase.Remove, $"cannot remove container {Name} ({_state.Error}): it still runs", $"end it with: bundt rm -f {Name}");
        }

        _services.Processes.Kill(Id);
        _services.Processes.RemoveCgroup(Id);
        RemoveRunDirectory();
    }

    /// <summary>Called once for each run, when its end is known.</summary>
    private void RunEnded(MonitoredProcess process, ExitRecord? record, int exitCode)
    {
        List<TaskCompletionSource<ContainerState>> waiters;
        ContainerState state;
        lock (_sync)
        {
            if (_process != process)
            {
                return;
            }

            _process = null;
            _services.Ports.End(Id);
            Become(_state with
            {
                Status = ContainerStatus.Exited,
                Pid = 0,
                ExitCode = exitCode,
                OomKilled = record?.OomKills > 0,
                Error = record is null ? MonitorLostError : "",
                StartedAt = record?.Started ?? _state.StartedAt,
                FinishedAt = record?.Finished ?? DateTimeOffset.UtcNow,
            });
            state = _state;
            waiters = [.. _exitWaiters];
            _stopTimer?.Dispose();
            _stopTimer = null;
            _aftermath = AftermathAsync(process, record is not null);
            if (_networks is not null)
            {
                _services.Networks.Expect(_aftermath);
            }
        }

        if (record is not null && _services.Logger.IsEnabled(LogLevel.Debug))
        {
            _services.Logger.Ended(Id, (long)(DateTimeOffset.UtcNow - record.Finished).TotalMicroseconds);
        }

        if (state.OomKilled)
        {
            Publish("oom");
        }

        var seconds = state.FinishedAt - state.StartedAt is { Ticks: > 0 } duration ? (long)duration.TotalSeconds : 0;
        Publish(
            "die",
            ("exitCode", exitCode.ToString(CultureInfo.InvariantCulture)),
            ("execDuration", seconds.ToString(CultureInfo.InvariantCulture)));
        if (Settings.AutoRemove && !_restarting)
        {
            AutoRemoval = RemoveByItselfAsync();
        }

        foreach (var waiter in waiters)
        {
            waiter.TrySetResult(state);
        }
    }

    /// <summary>What may follow the answers: records, layers, cgroup, sockets. Never fails.</summary>
    private async Task AftermathAsync(MonitoredProcess process, bool recorded)
    {
        await Task.Yield();
        try
        {
            StoreEnd(recorded);

            // Whoever wants its addresses or ports waits for them already.
            LeaveNetworks();
            await process.MonitorGone.ConfigureAwait(false);
            _lease?.Dispose();
            _lease = null;
            _services.Processes.RemoveCgroup(Id);
            RemoveRunDirectory();
            _services.Prepared.Fill();
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            _services.Logger.Trouble(Id, "could not clean up after its end", e);
        }
        finally
        {
            process.Release();
        }
    }

    private void LeaveNetworks()
    {
        var left = _networks?.Members ?? [];
        try
        {
            _networks?.Leave(_services.Drivers);
        }
        catch (BundtException e)
        {
            _services.Logger.Trouble(Id, "could not leave its networks", e);
        }

        _networks = null;
        foreach (var (network, _) in left)
        {
            Publish("disconnect", network);
        }
    }

    private void StoreEnd(bool recorded)
    {
        var state = _state;
        if (Settings.AutoRemove || state.Status != ContainerStatus.Exited)
        {
            return;
        }

        try
        {
            Store(_stored with
            {
                StopDeadline = null,
                Paused = false,
                End = recorded
                    ? null
                    : new EndRecord { ExitCode = state.ExitCode, Error = state.Error, StartedAt = state.StartedAt, FinishedAt = state.FinishedAt },
            });
        }
        catch (BundtException) when (_state.Status != ContainerStatus.Exited)
        {
            // It has been removed meanwhile: nothing is to be told any more.
        }
    }

    private void MonitorLost(MonitoredProcess process)
    {
        _services.Logger.MonitorLost(Id);
        lock (_sync)
        {
            if (_process == process)
            {
                Become(_state with { Error = MonitorLostError });
            }
        }
    }

    private async Task RemoveByItselfAsync()
    {
        try
        {
            var grace = _adoptedAt + (long)Grace.TotalMilliseconds - Environment.TickCount64;
            if (grace > 0)
            {
                await Task.WhenAny(_removed.Task, Task.Delay(TimeSpan.FromMilliseconds(grace))).ConfigureAwait(false);
            }

            await _gate.WaitAsync().ConfigureAwait(false);
            try
            {
                if (!_removed.Task.IsCompleted && !ContainerStates.Lives(_state.Status) && !_restarting)
                {
                    await RemoveAloneAsync(volumes: true).ConfigureAwait(false);
                }
            }
            finally
            {
                _gate.Release();
            }
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            _services.Logger.Trouble(Id, "could not be removed", e);
        }
    }

    /// <summary>Removes a container that does not run; the gate is held.</summary>
    private Task RemoveAloneAsync(bool volumes)
    {
        lock (_sync)
        {
            Become(_state with { Status = ContainerStatus.Removing });
        }

        var anonymous = volumes ? _record.Mounts.Where(m => m is { Anonymous: true, Volume: not null }).ToList() : [];
        try
        {
            if (anonymous.Count > 0)
            {
                // If we die in between, the next daemon goes on.
                StoreIfPossible(_stored with { Removing = true, RemoveVolumes = true });
                foreach (var mount in anonymous)
                {
                    RemoveUnused(mount.Volume!);
                }
            }

            _services.Trash.Take(_directory.Path, _aftermath);
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            lock (_sync)
            {
                Become(_state with { Status = ContainerStatus.Dead, Error = BundtException.Reason(e) });
            }

            throw;
        }

        Forgotten();
        return Task.CompletedTask;
    }

    /// <summary>Removes an anonymous volume, unless another container has it too (--volumes-from): then it stays with that one.</summary>
    private void RemoveUnused(string volume)
    {
        try
        {
            _services.Volumes.Remove(volume, force: true);
        }
        catch (BundtException e) when (e.Kind == FailureKind.Conflict)
        {
            // As with docker, it is no reason to keep this container.
        }
    }

    /// <summary>It is gone: nobody finds it any more, those who wait are told.</summary>
    private void Forgotten()
    {
        _services.Containers.Remove(this);
        Prepared?.Dispose();
        Prepared = null;
        foreach (var exec in _execs.Values)
        {
            Forget(exec);
        }

        List<TaskCompletionSource<ContainerState>> waiters;
        List<Attachment> pending;
        lock (_sync)
        {
            waiters = [.. _exitWaiters];
            pending = [.. _pending];
            _pending.Clear();
        }

        Publish("destroy");
        foreach (var attachment in pending)
        {
            attachment.Begin(null, Task.CompletedTask);
        }

        _removed.TrySetResult(_state);
        foreach (var waiter in waiters)
        {
            waiter.TrySetResult(_state);
        }
    }
}
