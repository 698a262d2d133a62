using System.Text;
using Bundt.Engine.Monitors;

namespace Bundt.Engine;

/// <summary>
/// A client's connection to the streams of a container or exec.
/// </summary>
public sealed class Attachment : IAsyncDisposable
{
    private readonly TaskCompletionSource<IStreams?> _streams = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Action<Attachment> _left;
    private volatile Task _ended = Task.CompletedTask;
    private OutputPosition? _at;
    private int _disposed;

    internal Attachment(bool tty, AttachOptions options, Action<Attachment> left)
    {
        Tty = tty;
        Options = options;
        _left = left;
    }

    /// <summary>Whether the streams are a terminal's (frames then are all of stream 1).</summary>
    public bool Tty { get; }

    internal AttachOptions Options { get; }

    /// <summary>How the process's stdin is ended.</summary>
    internal Func<Task> EndStdin { get; init; } = static () => Task.CompletedTask;

    /// <summary>What the monitor is told (native/monitor.h, enum attach_flags).</summary>
    internal int Flags => (Options.Stdin ? 1 : 0) | (Options.Stdout ? 2 : 0) | (Options.Stderr ? 4 : 0);

    /// <summary>The next output; null at the end (the exit has been recorded by then). The bytes are valid until the next call.</summary>
    public async ValueTask<OutputFrame?> ReadAsync(CancellationToken cancellation)
    {
        if (await Streams(cancellation).ConfigureAwait(false) is { } streams)
        {
            while (await streams.ReadAsync(cancellation).ConfigureAwait(false) is { } frame)
            {
                if (frame.Stream == (byte)MonitorMessage.Attached)
                {
                    if (Options.Located)
                    {
                        _at = ReadPosition(frame.Bytes.Span);
                        return new OutputFrame(0, 0, default) { At = _at };
                    }
                }
                else if (frame.Stream == 2 ? Options.Stderr : Options.Stdout)
                {
                    var begin = _at;
                    _at = begin?.Behind(frame.Stream, frame.Bytes.Length);
                    return frame with { At = begin };
                }
            }
        }

        await _ended.WaitAsync(cancellation).ConfigureAwait(false);
        return null;
    }

    /// <summary>Bytes for stdin. After the container's end they are dropped.</summary>
    public async ValueTask WriteStdinAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        if (Options.Stdin && !bytes.IsEmpty && await Streams(cancellation).ConfigureAwait(false) is { } streams)
        {
            await streams.SendAsync(MonitorMessage.Stdin, bytes, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>End of this client's stdin.</summary>
    public async ValueTask CloseStdinAsync(CancellationToken cancellation)
    {
        if (Options.Stdin && await Streams(cancellation).ConfigureAwait(false) is { } streams)
        {
            await streams.SendAsync(MonitorMessage.StdinClose, default, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Ends stdin through a connection of its own: that of this attachment may be stuck or gone.</summary>
    public Task EndStdinAsync() => Options.Stdin ? EndStdin() : Task.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Leave();
        return ValueTask.CompletedTask;
    }

    /// <summary>Detaches; the container goes on. What is being written to stdin is broken off.</summary>
    public void Leave()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _left(this);
            if (!_streams.TrySetResult(null) && _streams.Task.IsCompletedSuccessfully)
            {
                _streams.Task.Result?.Dispose();
            }
        }
    }

    /// <summary>Gives the streams, once: null when there will be none.</summary>
    /// <param name="streams">They are the attachment's from then on.</param>
    /// <param name="ended">Completes when the end of the process has been recorded.</param>
    internal void Begin(IStreams? streams, Task ended)
    {
        _ended = ended;
        if (!_streams.TrySetResult(streams))
        {
            streams?.Dispose();
        }
    }

    private static OutputPosition ReadPosition(ReadOnlySpan<byte> text)
    {
        var record = TextRecord.Parse(Encoding.ASCII.GetString(text));
        return new OutputPosition(record.Number("stdout"), record.Number("stderr"));
    }

    private ValueTask<IStreams?> Streams(CancellationToken cancellation) =>
        _streams.Task.IsCompletedSuccessfully ? new(_streams.Task.Result) : new(_streams.Task.WaitAsync(cancellation));
}
