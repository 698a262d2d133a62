using Bundt.Engine;

namespace Bundt.Daemon.Streams;

/// <summary>What follows the first bytes of each stream in a log: the part that a client has not seen yet.</summary>
internal sealed class LogRest(IAsyncEnumerable<OutputFrame> log, long stdoutSeen, long stderrSeen) : IAsyncDisposable
{
    private readonly IAsyncEnumerator<OutputFrame> _frames = log.GetAsyncEnumerator();
    private long _stdoutSeen = stdoutSeen;
    private long _stderrSeen = stderrSeen;

    /// <summary>The next output, null at the end.</summary>
    public async ValueTask<OutputFrame?> ReadAsync(CancellationToken cancellation)
    {
        while (await _frames.MoveNextAsync())
        {
            cancellation.ThrowIfCancellationRequested();
            OutputFrame frame = _frames.Current;
            ReadOnlyMemory<byte> rest = frame.Stream == 2 ? Skip(frame.Bytes, ref _stderrSeen) : Skip(frame.Bytes, ref _stdoutSeen);
            if (!rest.IsEmpty)
            {
                return frame with { Bytes = rest };
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _frames.DisposeAsync();

    private static ReadOnlyMemory<byte> Skip(ReadOnlyMemory<byte> bytes, ref long seen)
    {
        int skipped = (int)Math.Min(seen, bytes.Length);
        seen -= skipped;
        return bytes[skipped..];
    }
}
