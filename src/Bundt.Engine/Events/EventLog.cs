using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Bundt.Engine;

/// <summary>The events of this daemon's life (the last 1,024), and those to come.</summary>
public sealed class EventLog
{
    private const int Kept = 1024;

    /// <summary>Events that wait for one reader. One that falls further behind has stopped reading: its stream ends.</summary>
    private const int Waiting = 16 * 1024;

    private readonly Lock _lock = new();
    private readonly Queue<EngineEvent> _past = new();
    private readonly List<Channel<EngineEvent>> _readers = [];

    /// <summary>Publishes one.</summary>
    public void Publish(EngineEvent engineEvent)
    {
        lock (_lock)
        {
            if (_past.Count == Kept)
            {
                _past.Dequeue();
            }

            _past.Enqueue(engineEvent);
            for (var i = _readers.Count - 1; i >= 0; i--)
            {
                if (!_readers[i].Writer.TryWrite(engineEvent))
                {
                    _readers[i].Writer.TryComplete();
                    _readers.RemoveAt(i);
                }
            }
        }
    }

    /// <summary>
    /// Past events since the time (none without it), then future ones until the time or cancellation. The reader is registered when this
    /// method returns: what is published from then on is not missed.
    /// </summary>
    public IAsyncEnumerable<EngineEvent> ReadAsync(DateTimeOffset? since, DateTimeOffset? until, CancellationToken cancellation)
    {
        var channel = Channel.CreateBounded<EngineEvent>(new BoundedChannelOptions(Waiting) { SingleReader = true });
        lock (_lock)
        {
            if (since is not null)
            {
                foreach (var past in _past.Where(p => p.Time >= since))
                {
                    channel.Writer.TryWrite(past);
                }
            }

            _readers.Add(channel);
        }

        return ReadAsync(channel, until, cancellation);
    }

    private async IAsyncEnumerable<EngineEvent> ReadAsync(
        Channel<EngineEvent> channel, DateTimeOffset? until, [EnumeratorCancellation] CancellationToken cancellation)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            if (until is { } end)
            {
                var wait = end - DateTimeOffset.UtcNow;
                if (wait <= TimeSpan.Zero)
                {
                    // Everything that there is to come has been written into the channel already.
                    channel.Writer.TryComplete();
                }
                else if (wait < TimeSpan.FromDays(40))
                {
                    deadline.CancelAfter(wait);
                }
            }

            while (await WaitAsync(channel, deadline.Token, cancellation).ConfigureAwait(false))
            {
                while (channel.Reader.TryRead(out var engineEvent))
                {
                    if (engineEvent.Time > until)
                    {
                        yield break;
                    }

                    yield return engineEvent;
                }
            }
        }
        finally
        {
            lock (_lock)
            {
                _readers.Remove(channel);
            }
        }
    }

    private static async ValueTask<bool> WaitAsync(Channel<EngineEvent> channel, CancellationToken deadline, CancellationToken cancellation)
    {
        try
        {
            return await channel.Reader.WaitToReadAsync(deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }
}
