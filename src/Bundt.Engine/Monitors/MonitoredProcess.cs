using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Linux.Watches;

namespace Bundt.Engine.Monitors;

/// <summary>
/// One life of a container's or exec's process under its monitor. Announces its end once: with the exit record, or without one when the
/// monitor was killed and init has ended too.
/// </summary>
internal sealed class MonitoredProcess
{
    /// <summary>The exit code where nothing tells it.</summary>
    private const int UnknownExit = 255;

    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);

    private readonly KernelWatch _watch;
    private readonly string _directory;
    private readonly PidFd? _monitor;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _monitorGone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Action<MonitoredProcess, ExitRecord?, int> _onEnd = (_, _, _) => { };
    private Action<MonitoredProcess> _onMonitorLost = _ => { };
    private IDisposable? _exitWatch;
    private IDisposable? _monitorWatch;
    private PidFd? _init;
    private int _announced;
    private volatile bool _released;

    /// <summary>A process that runs.</summary>
    /// <param name="watch">Tells of ends.</param>
    /// <param name="directory">Where the monitor keeps its files.</param>
    /// <param name="pid">Init, host pid.</param>
    /// <param name="startTime">Of init, field 22 of its stat.</param>
    /// <param name="monitor">The monitor's pidfd; null: it is gone already.</param>
    public MonitoredProcess(KernelWatch watch, string directory, int pid, ulong startTime, PidFd? monitor)
    {
        _watch = watch;
        _directory = directory;
        _monitor = monitor;
        Pid = pid;
        StartTime = startTime;
    }

    public int Pid { get; }

    public ulong StartTime { get; }

    /// <summary>Completes when the end has been recorded and announced, never with an error.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Completes when the monitor is gone: the overlay is released by then.</summary>
    public Task MonitorGone => _monitorGone.Task;

    /// <summary>Begins to watch.</summary>
    /// <param name="onEnd">Called once, on a pool thread: the exit record, or null with the exit code that could be found out.</param>
    /// <param name="onMonitorLost">Called when the monitor was killed and init goes on.</param>
    public void Watch(Action<MonitoredProcess, ExitRecord?, int> onEnd, Action<MonitoredProcess> onMonitorLost)
    {
        _onEnd = onEnd;
        _onMonitorLost = onMonitorLost;
        _exitWatch = _watch.WatchDirectory(
            _directory,
            DirectoryChanges.MovedTo,
            (what, name) =>
            {
                if (name == ExitRecord.FileName || (what & DirectoryChanges.Unknown) != 0)
                {
                    Queue(static process => process.LookForRecord());
                }
            });
        if (_monitor is null)
        {
            MonitorEnded();
        }
        else
        {
            _monitorWatch = _watch.WatchProcess(
                _monitor.Handle, () => Queue(static process => process.MonitorEnded()));
        }

        // It may have ended before the watch stood; and its end may have come before the watch's field was set.
        LookForRecord();
        if (Volatile.Read(ref _announced) != 0)
        {
            _exitWatch.Dispose();
        }
    }

    /// <summary>The monitor itself has told how it ended.</summary>
    public void Told(ExitRecord record) => Announce(record, record.Status);

    /// <summary>Sends a signal to init. False when it has ended.</summary>
    public bool Signal(int signal)
    {
        using var pidFd = PidFd.TryOpen(Pid, StartTime);
        return pidFd is not null && pidFd.Signal(signal);
    }

    /// <summary>Lets go of everything; nothing is announced any more.</summary>
    public void Release()
    {
        _released = true;
        _exitWatch?.Dispose();
        _monitorWatch?.Dispose();
        _monitor?.Dispose();
        _init?.Dispose();
    }

    private void LookForRecord()
    {
        if (Volatile.Read(ref _announced) == 0 && !_released && ExitRecord.Read(_directory) is { } record)
        {
            Announce(record, record.Status);
        }
    }

    private void MonitorEnded()
    {
        if (_released)
        {
            return;
        }

        // A child of ours leaves no zombie; somebody else's is not ours to reap.
        _ = _monitor?.Reap();
        LookForRecord();
        _monitorGone.TrySetResult();
        if (Volatile.Read(ref _announced) == 0)
        {
            MonitorLost();
        }

        _monitor?.Dispose();
    }

    private void MonitorLost()
    {
        _init = PidFd.TryOpen(Pid, StartTime);
        if (_init is null)
        {
            Announce(null, UnknownExit);
            return;
        }

        _onMonitorLost(this);
        var init = _init;
        _watch.WatchProcess(
            init.Handle,
            () => Queue(process =>
            {
                process.Announce(null, process.ZombieExitCode() ?? init.ExitCode() ?? UnknownExit);
                init.Dispose();
            }));
    }

    // Reading a record fails while the daemon has no descriptor left. That passes, and the end of a run is not to be missed for it.
    private void Queue(Action<MonitoredProcess> step) => ThreadPool.UnsafeQueueUserWorkItem(
        static work =>
        {
            try
            {
                work.Step(work.Process);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or BundtException)
            {
                Task.Delay(s_again).ContinueWith(_ => work.Process.Queue(work.Step), TaskScheduler.Default);
            }
        },
        (Process: this, Step: step),
        preferLocal: false);

    /// <summary>
    /// How init ended, while whoever has inherited it has not reaped it: the last field of its stat (proc_pid_stat(5)). Once it is reaped,
    /// its pidfd tells (Linux 6.15).
    /// </summary>
    private int? ZombieExitCode()
    {
        try
        {
            if (PidFd.ReadStartTime(Pid) != StartTime)
            {
                return null;
            }

            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/stat")).TrimEnd();
            var status = int.Parse(stat.AsSpan(stat.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture);
            return PidFd.ReadStartTime(Pid) != StartTime ? null : (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private void Announce(ExitRecord? record, int exitCode)
    {
        if (Interlocked.Exchange(ref _announced, 1) != 0 || _released)
        {
            return;
        }

        _exitWatch?.Dispose();
        try
        {
            _onEnd(this, record, exitCode);
        }
        finally
        {
            _ended.TrySetResult();
        }
    }
}
