using System.Threading.Channels;

namespace Bundt.Engine.Monitors;

/// <summary>
/// One connection for several attachments that were all there before the start: each gets everything from the first byte. A slow one is
/// waited for, one that has detached is not.
/// </summary>
internal sealed class SharedStreams
{
    private const int Ahead = 16;

    private readonly MonitorConnection _connection;
    private readonly List<Member> _members = [];

    private SharedStreams(MonitorConnection connection) => _connection = connection;

    /// <summary>Shares a connection among so many.</summary>
    public static IReadOnlyList<IStreams> Share(MonitorConnection connection, int count)
    {
        var shared = new SharedStreams(connection);
        for (var i = 0; i < count; i++)
        {
            shared._members.Add(new Member(shared));
        }

        IReadOnlyList<IStreams> members = [.. shared._members];
        _ = shared.PumpAsync();
        return members;
    }

    private async Task PumpAsync()
    {
        try
        {
            while (await _connection.ReadAsync(CancellationToken.None).ConfigureAwait(false) is { } frame)
            {
                var own = frame with { Bytes = frame.Bytes.ToArray() };
                foreach (var member in Members())
                {
                    await member.OfferAsync(own).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            foreach (var member in Members())
            {
                member.End();
            }
        }
    }

    private Member[] Members()
    {
        lock (_members)
        {
            return [.. _members];
        }
    }

    private void Leave(Member member)
    {
        bool last;
        lock (_members)
        {
            _members.Remove(member);
            last = _members.Count == 0;
        }

        if (last)
        {
            _connection.Dispose();
        }
    }

    private sealed class Member(SharedStreams shared) : IStreams
    {
        private readonly Channel<OutputFrame> _frames = Channel.CreateBounded<OutputFrame>(Ahead);
        private int _left;

        public async ValueTask OfferAsync(OutputFrame frame)
        {
            try
            {
                await _frames.Writer.WriteAsync(frame).ConfigureAwait(false);
            }
            catch (ChannelClosedException)
            {
                // It has detached.
            }
        }

        public void End() => _frames.Writer.TryComplete();

        public async ValueTask<OutputFrame?> ReadAsync(CancellationToken cancellation) =>
            await _frames.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false) && _frames.Reader.TryRead(out var frame) ? frame : null;

        public ValueTask SendAsync(MonitorMessage type, ReadOnlyMemory<byte> payload, CancellationToken cancellation) =>
            shared._connection.SendAsync(type, payload, cancellation);

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) != 0)
            {
                return;
            }

            _frames.Writer.TryComplete();
            while (_frames.Reader.TryRead(out _))
            {
            }

            shared.Leave(this);
        }
    }
}
