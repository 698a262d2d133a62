using System.Buffers.Binary;
using System.Text;
using Bundt.Engine;

namespace Bundt.Daemon.Streams;

/// <summary>
/// Output for a client that can go on where it was through another daemon: it counts what it gets, and is told the position where counting
/// alone would be wrong.
/// </summary>
/// <param name="read">Located frames.</param>
/// <param name="seen">Where the client is; null: it does not know yet.</param>
/// <param name="source">Disposed with this.</param>
internal sealed class LocatedOutput(Func<CancellationToken, ValueTask<OutputFrame?>> read, OutputPosition? seen, IAsyncDisposable? source = null) : IAsyncDisposable
{
    /// <summary>Type of a frame: where the next output begins, stdout and stderr as 64 bits big endian.</summary>
    public const byte Position = 19;

    /// <summary>Type of a frame: when the next output was written, nanoseconds since 1970 as 64 bits big endian.</summary>
    public const byte Time = 20;

    private readonly Queue<OutputFrame> _ready = new();
    private readonly byte[] _position = new byte[16];
    private readonly byte[] _time = new byte[8];
    private OutputPosition? _seen = seen;
    private bool _located;
    private Task<OutputFrame?> _reading = Task.FromResult<OutputFrame?>(null);

    /// <summary>Whether each output is preceded by its time.</summary>
    public bool Timed { get; private init; }

    /// <summary>There is no log: what a client has not seen at the first position is lost.</summary>
    public AttachOptions? Unlogged { get; init; }

    /// <summary>That of a log.</summary>
    public static LocatedOutput Of(IAsyncEnumerable<OutputFrame> log, OutputPosition? seen, CancellationToken cancellation, bool timed = false)
    {
        IAsyncEnumerator<OutputFrame> frames = log.GetAsyncEnumerator(cancellation);
        return new LocatedOutput(_ => OutputPump.NextAsync(frames), seen, frames) { Timed = timed };
    }

    /// <summary>The next frame, null at the end; the bytes are valid until the next call.</summary>
    public ValueTask<OutputFrame?> ReadAsync(CancellationToken cancellation) => _ready.TryDequeue(out OutputFrame ready)
        ? ValueTask.FromResult<OutputFrame?>(ready)
        : new ValueTask<OutputFrame?>(_reading = ReadOnAsync(cancellation));

    /// <summary>Ends the reading: whoever cancels it has done so before.</summary>
    public async ValueTask DisposeAsync()
    {
        await ((Task)_reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (source is not null)
        {
            await source.DisposeAsync();
        }
    }

    private async Task<OutputFrame?> ReadOnAsync(CancellationToken cancellation)
    {
        while (_ready.Count == 0)
        {
            if (await read(cancellation) is not { } frame)
            {
                if (Unlogged is null || _located)
                {
                    return null;
                }

                // It has ended before anybody could ask its monitor how far it was.
                _located = true;
                return Told("bundt: output may be missing: it ended while no daemon was there, and there is no log\n");
            }

            Take(frame);
        }

        return _ready.Dequeue();
    }

    private static OutputFrame Told(string text) => new(OutputFrame.Note, default, Encoding.UTF8.GetBytes(text));

    private void Take(OutputFrame frame)
    {
        _located |= frame.At is not null;
        if (frame.At is { } at && at != _seen && (_seen is not { } seen || at.Later(seen) != seen))
        {
            if (Unlogged is not null && _seen is { } before)
            {
                TellLost(before, at);
            }

            BinaryPrimitives.WriteInt64BigEndian(_position, at.Stdout);
            BinaryPrimitives.WriteInt64BigEndian(_position.AsSpan(8), at.Stderr);
            _ready.Enqueue(new OutputFrame(Position, default, _position));
            _seen = at;
        }

        if (!frame.Bytes.IsEmpty)
        {
            if (Timed)
            {
                BinaryPrimitives.WriteInt64BigEndian(_time, frame.TimeNanoseconds);
                _ready.Enqueue(new OutputFrame(Time, default, _time));
            }

            _ready.Enqueue(frame);
            _seen = _seen?.Behind(frame.Stream, frame.Bytes.Length);
        }
    }

    private void TellLost(OutputPosition before, OutputPosition at)
    {
        foreach ((byte stream, string name, bool wanted) in ((byte, string, bool)[])[(1, "stdout", Unlogged!.Stdout), (2, "stderr", Unlogged.Stderr)])
        {
            long lost = at.Of(stream) - before.Of(stream);
            if (wanted && lost > 0)
            {
                _ready.Enqueue(Told($"bundt: {lost} bytes of {name} are lost: they were written while no daemon was there, and there is no log\n"));
            }
        }
    }
}
