using System.Diagnostics;
using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Monitors;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Runtime.Launch;
using Microsoft.Extensions.Logging;

namespace Bundt.Engine;

// Starting: from the record to a running process under a monitor.
public sealed partial class Container
{
    private const int CannotExecute = 126;
    private const int NotFound = 127;
    private const int CannotStart = 128;

    /// <summary>Starts it; NotModified when it runs already. Attachments made before get everything from the first byte.</summary>
    public Task StartAsync(CancellationToken cancellation) => AloneAsync(Operation.Start, () => StartAloneAsync(cancellation), cancellation);

    private async Task StartAloneAsync(CancellationToken cancellation)
    {
        // The overlay of the run before must be released: the kernel would accept a second mount of it, with undefined results.
        await _aftermath.WaitAsync(cancellation).ConfigureAwait(false);
        List<Attachment> attachments;
        lock (_sync)
        {
            attachments = [.. _pending];
            _pending.Clear();
        }

        try
        {
            var flags = attachments.Aggregate(0, (f, a) => f | a.Flags);
            var prepared = Prepared;
            Prepared = null;
            var begun = Stopwatch.GetTimestamp();
            var preparation = await StartPreparation.MakeAsync(_services, _record, _directory, prepared, flags, cancellation).ConfigureAwait(false);
            try
            {
                if (!_fresh)
                {
                    _directory.BeginLife(_stored != new StateRecord());
                    _stored = new StateRecord();
                }

                _fresh = false;
                var gathered = Stopwatch.GetTimestamp();
                var launched = _services.Processes.Launch(preparation.Request);
                LogTimes(begun, gathered, launched.Stamps);
                _lease = preparation.Lease;
                _networks = preparation.Networks;
                _config = preparation.Request.Config;
                Launched(launched, attachments);
                if (_record.UserNamespace is null)
                {
                    _services.Prepared.Want(ImageId, Settings.AutoRemove);
                }
            }
            catch
            {
                preparation.Lease.Dispose();
                preparation.Networks.Leave(_services.Drivers);
                throw;
            }
            finally
            {
                preparation.Request.Root?.Dispose();
                preparation.Request.NetworkNamespace?.Dispose();
            }
        }
        catch (Exception e)
        {
            throw await StartFailedAsync(e, attachments).ConfigureAwait(false);
        }
    }

    private void LogTimes(long begun, long gathered, IReadOnlyList<ulong> stamps)
    {
        if (!_services.Logger.IsEnabled(LogLevel.Debug) || stamps.Count < 5)
        {
            return;
        }

        var seen = Stopwatch.GetTimestamp();
        long Since(ulong stamp) => ((long)stamp - begun) / 1000; // the stopwatch counts ns of the same clock
        _services.Logger.Started(
            Id, (gathered - begun) / 1000, Since(stamps[0]), Since(stamps[1]), Since(stamps[2]), Since(stamps[3]), Since(stamps[4]), (seen - begun) / 1000);
    }

    private void Launched(LaunchedProcess launched, List<Attachment> attachments)
    {
        var process = new MonitoredProcess(_services.Watch, _directory.Path, launched.Pid, launched.StartTime, new PidFd(launched.MonitorPid, launched.MonitorPidFd));
        lock (_sync)
        {
            _process = process;
            _adoptedAt = NeverAdopted;
            Become(_state with
            {
                Status = ContainerStatus.Running,
                Pid = launched.Pid,
                ExitCode = 0,
                Error = "",
                OomKilled = false,
                StartedAt = DateTimeOffset.UtcNow,
                FinishedAt = null,
            });
            // Who attached while it was being launched comes too late for the first byte, but not for the rest.
            foreach (var late in _pending)
            {
                _ = AttachLateAsync(late, process);
            }

            _pending.Clear();
        }

        foreach (var (network, _) in _networks?.Members ?? [])
        {
            Publish("connect", network);
        }

        TellLinked();

        Publish("start");
        process.Watch(RunEnded, MonitorLost);
        if (attachments.Count > 0 && launched.Attached is { } socket)
        {
            var connection = new MonitorConnection(socket) { OnExit = process.Told };
            IReadOnlyList<IStreams> streams = attachments.Count == 1 ? [connection] : SharedStreams.Share(connection, attachments.Count);
            for (var i = 0; i < attachments.Count; i++)
            {
                attachments[i].Begin(streams[i], process.Ended);
            }
        }
    }

    private async Task AttachLateAsync(Attachment attachment, MonitoredProcess process)
    {
        var connection = await MonitorConnection.TryConnectAsync(_services.Paths.RunContainer(Id), CancellationToken.None).ConfigureAwait(false);
        if (connection is not null)
        {
            await connection.SendAsync(MonitorMessage.Attach, new[] { (byte)attachment.Flags }, CancellationToken.None).ConfigureAwait(false);
        }

        attachment.Begin(connection, process.Ended);
    }

    /// <summary>Records why a start failed, tells those who wait, and answers what the caller is told.</summary>
    private async Task<Exception> StartFailedAsync(Exception cause, List<Attachment> attachments)
    {
        foreach (var attachment in attachments)
        {
            attachment.Begin(null, Task.CompletedTask);
        }

        if (cause is OperationCanceledException)
        {
            return cause;
        }

        var told = cause is BundtException failure ? Describe(failure) : cause;
        var exitCode = (cause as BundtException)?.Kind switch
        {
            FailureKind.CommandNotFound => NotFound,
            FailureKind.CommandNotExecutable => CannotExecute,
            _ => CannotStart,
        };
        List<TaskCompletionSource<ContainerState>> waiters;
        lock (_sync)
        {
            Become(_state with { ExitCode = exitCode, Error = told.Message });
            waiters = [.. _exitWaiters];
        }

        try
        {
            _directory.AbandonLife();
            Store(_stored with
            {
                End = new EndRecord { ExitCode = exitCode, Error = told.Message, StartedAt = _state.StartedAt, FinishedAt = _state.FinishedAt },
            });
            RemoveRunDirectory();
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            _services.Logger.Trouble(Id, "a failed start could not be recorded", e);
        }

        Publish("die", ("exitCode", exitCode.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        foreach (var waiter in waiters)
        {
            waiter.TrySetResult(_state);
        }

        if (Settings.AutoRemove)
        {
            await RemoveAloneAsync(volumes: true).ConfigureAwait(false);
        }

        return told;
    }

    /// <summary>Docker's words around ours: clients derive 126 and 127 from them.</summary>
    private BundtException Describe(BundtException failure)
    {
        const string Prefix = "failed to create task for container: ";
        var operation = failure.Operation;
        if (failure.Kind == FailureKind.CommandNotFound
            && !failure.Message.Contains("executable file not found", StringComparison.Ordinal)
            && !failure.Message.Contains("o such file or directory", StringComparison.Ordinal))
        {
            operation = $"exec: \"{Command[0]}\": executable file not found in $PATH: {operation}";
        }
        else if (failure.Kind == FailureKind.CommandNotExecutable
            && !failure.Message.Contains("permission denied", StringComparison.Ordinal)
            && !failure.Message.Contains("is a directory", StringComparison.Ordinal))
        {
            operation = $"exec: \"{Command[0]}\": permission denied: {operation}";
        }

        return failure.Errno == Errno.None
            ? new BundtException(failure.Kind, failure.Phase, Prefix + operation, failure.Hint, failure)
            : new BundtException(failure.Phase, Prefix + operation, failure.Path, failure.Errno, failure.Hint, failure.Kind);
    }

    private void RemoveRunDirectory() => RunDirectories.Remove(_services.Paths.RunContainer(Id));
}
