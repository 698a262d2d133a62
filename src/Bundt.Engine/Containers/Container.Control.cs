using System.Buffers.Binary;
using System.Globalization;
using Bundt.Engine.Containers;
using Bundt.Engine.Monitors;
using Bundt.Engine.Settings;
using Bundt.Linux;

namespace Bundt.Engine;

// What is done to a container that runs: signals, stop, pause, size, name.
public sealed partial class Container
{
    private const int DefaultStopSeconds = 10;

    /// <summary>A timer takes no more than 49 days (2^32 ms); what is later is waited for in several steps.</summary>
    private static readonly TimeSpan s_longestTimer = TimeSpan.FromDays(40);

    /// <summary>Signal, then kill after the timeout. NotModified when it does not run. seconds: null the container's own, -1 forever.</summary>
    public async Task StopAsync(string? signal, int? seconds, CancellationToken cancellation)
    {
        var number = Signals.Parse(signal ?? Effective.StopSignal ?? "TERM");
        MonitoredProcess? process = null;
        await AloneAsync(
            Operation.Stop,
            () =>
            {
                process = _process;
                BeginStop(number, seconds ?? Settings.StopTimeout ?? DefaultStopSeconds);
                return Task.CompletedTask;
            },
            cancellation).ConfigureAwait(false);

        // The deadline is the container's, not the caller's: who goes away stops nothing.
        await process!.Ended.WaitAsync(cancellation).ConfigureAwait(false);
        Publish("stop");
    }

    /// <summary>Sends a signal ("KILL", "SIGHUP", "15"). Conflict when it does not run.</summary>
    public async Task KillAsync(string signal, CancellationToken cancellation)
    {
        var number = Signals.Parse(signal.Length == 0 ? "KILL" : signal);
        MonitoredProcess? process = null;
        await AloneAsync(
            Operation.Kill,
            () =>
            {
                process = _process;
                SendSignal(number);
                if (number == Signals.Parse(Effective.StopSignal ?? "TERM") && _state.Status == ContainerStatus.Paused)
                {
                    Thaw();
                }

                return Task.CompletedTask;
            },
            cancellation).ConfigureAwait(false);
        if (number == Signals.Kill)
        {
            await process!.Ended.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Stop, if it runs, then start.</summary>
    public async Task RestartAsync(string? signal, int? seconds, CancellationToken cancellation)
    {
        _restarting = true;
        try
        {
            if (ContainerStates.Lives(_state.Status))
            {
                try
                {
                    await StopAsync(signal, seconds, cancellation).ConfigureAwait(false);
                }
                catch (BundtException e) when (e.Kind == FailureKind.NotModified)
                {
                    // It has just ended by itself.
                }
            }

            await StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (BundtException e) when (e.Kind == FailureKind.NotModified)
        {
            // Somebody else has just started it.
        }
        finally
        {
            _restarting = false;
        }

        Publish("restart");
    }

    /// <summary>Freezes it.</summary>
    public Task PauseAsync(CancellationToken cancellation) => AloneAsync(
        Operation.Pause,
        () =>
        {
            _services.Processes.SetFrozen(Id, frozen: true);
            lock (_sync)
            {
                if (_state.Status == ContainerStatus.Running)
                {
                    Become(_state with { Status = ContainerStatus.Paused });
                }
            }

            StoreIfPossible(_stored with { Paused = true });
            Publish("pause");
            return Task.CompletedTask;
        },
        cancellation);

    /// <summary>Thaws it.</summary>
    public Task UnpauseAsync(CancellationToken cancellation) => AloneAsync(
        Operation.Unpause,
        () =>
        {
            Thaw();
            return Task.CompletedTask;
        },
        cancellation);

    /// <summary>Another name.</summary>
    public Task RenameAsync(string name, CancellationToken cancellation) => AloneAsync(
        Operation.Rename,
        () =>
        {
            var plain = ContainerNames.Check(name);
            var old = Name;
            if (plain == old)
            {
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Request, "Renaming a container with the same name as its current name");
            }

            if (_services.Containers.Take(plain, Id) is { } holder)
            {
                throw ContainerNames.Taken(plain, holder);
            }

            try
            {
                var renamed = _record with { Name = plain };
                _directory.Write(renamed);
                _record = renamed;
                _networks?.Name(renamed);
            }
            catch
            {
                _services.Containers.Give(plain, Id);
                throw;
            }

            _services.Containers.Give(old, Id);
            Publish("rename", ("oldName", "/" + old));
            return Task.CompletedTask;
        },
        cancellation);

    /// <summary>The size of its terminal. Conflict when it does not run.</summary>
    public async Task ResizeAsync(int rows, int columns, CancellationToken cancellation)
    {
        Require(Operation.Resize);
        await ResizeAsync(_services.Paths.RunContainer(Id), rows, columns, cancellation).ConfigureAwait(false);
        Publish(
            "resize",
            ("height", rows.ToString(CultureInfo.InvariantCulture)),
            ("width", columns.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Tells the monitor whose socket is in the directory a terminal's size; nothing if it is gone.</summary>
    internal static async Task ResizeAsync(string directory, int rows, int columns, CancellationToken cancellation)
    {
        if (rows is < 0 or > ushort.MaxValue || columns is < 0 or > ushort.MaxValue)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid terminal size {rows}x{columns}");
        }

        using var connection = await MonitorConnection.TryConnectAsync(directory, cancellation).ConfigureAwait(false);
        if (connection is not null)
        {
            var size = new byte[4];
            BinaryPrimitives.WriteUInt16BigEndian(size, (ushort)rows);
            BinaryPrimitives.WriteUInt16BigEndian(size.AsSpan(2), (ushort)columns);
            await connection.SendAsync(MonitorMessage.Resize, size, cancellation).ConfigureAwait(false);
            // Attaching to nothing is answered after what was sent before: the terminal has its size when we return.
            await connection.SendAsync(MonitorMessage.Attach, new byte[1], cancellation).ConfigureAwait(false);
            await connection.AnswerAsync(MonitorMessage.Attached, cancellation).ConfigureAwait(false);
        }
    }

    private void BeginStop(int signal, int seconds)
    {
        SendSignal(signal);
        if (_state.Status == ContainerStatus.Paused)
        {
            Thaw();
        }

        if (seconds >= 0 && signal != Signals.Kill)
        {
            var deadline = DateTimeOffset.UtcNow.AddSeconds(seconds);
            KillAt(deadline);
            if (seconds > 0)
            {
                StoreIfPossible(_stored with { StopDeadline = deadline });
            }
        }
    }

    /// <summary>Kills what is left at that time, unless it has ended.</summary>
    private void KillAt(DateTimeOffset deadline)
    {
        var wait = deadline - DateTimeOffset.UtcNow;
        lock (_sync)
        {
            if (_process is { } process)
            {
                _stopTimer?.Dispose();
                _stopTimer = wait > s_longestTimer
                    ? new Timer(_ => KillAt(deadline), null, s_longestTimer, Timeout.InfiniteTimeSpan)
                    : new Timer(_ => KillAll(process), null, wait > TimeSpan.Zero ? wait : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void KillAll(MonitoredProcess process)
    {
        if (process.Ended.IsCompleted)
        {
            return;
        }

        try
        {
            Publish("kill", ("signal", Signals.Kill.ToString(CultureInfo.InvariantCulture)));
            _services.Processes.Kill(Id);
            process.Signal(Signals.Kill);
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            _services.Logger.Trouble(Id, "could not be killed", e);
        }
    }

    private void SendSignal(int signal)
    {
        Publish("kill", ("signal", signal.ToString(CultureInfo.InvariantCulture)));
        _process?.Signal(signal);
    }

    private void Thaw()
    {
        _services.Processes.SetFrozen(Id, frozen: false);
        lock (_sync)
        {
            if (_state.Status == ContainerStatus.Paused)
            {
                Become(_state with { Status = ContainerStatus.Running });
            }
        }

        StoreIfPossible(_stored with { Paused = false });
        Publish("unpause");
    }
}
