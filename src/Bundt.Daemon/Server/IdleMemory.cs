namespace Bundt.Daemon.Server;

/// <summary>Gives the memory of a burst of requests back once nobody has asked for a while, so that a daemon at rest stays small.</summary>
internal sealed class IdleMemory : IDisposable
{
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(5);

    private readonly Timer _timer;
    private long _lastRequest;
    private int _armed;

    public IdleMemory() => _timer = new Timer(static state => ((IdleMemory)state!).Look(), this, Timeout.Infinite, Timeout.Infinite);

    /// <summary>A request was answered. While the daemon rests no timer runs.</summary>
    public void Touch()
    {
        Volatile.Write(ref _lastRequest, Environment.TickCount64);
        if (Volatile.Read(ref _armed) == 0 && Interlocked.Exchange(ref _armed, 1) == 0)
        {
            _timer.Change(s_quiet, Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        if (Environment.TickCount64 - Volatile.Read(ref _lastRequest) < s_quiet.TotalMilliseconds)
        {
            _timer.Change(s_quiet, Timeout.InfiniteTimeSpan);
            return;
        }

        Volatile.Write(ref _armed, 0);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }
}
