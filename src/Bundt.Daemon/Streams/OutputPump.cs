using System.IO.Pipelines;
using Bundt.Daemon.Server;
using Bundt.Engine;

namespace Bundt.Daemon.Streams;

/// <summary>Copies output to a client, one flush for what is there at once.</summary>
internal static class OutputPump
{
    /// <summary>Bytes that may wait for their flush while more output is at hand.</summary>
    private const int FlushThreshold = 128 * 1024;

    /// <summary>Copies until the output's end (true), or until the client takes no more (false).</summary>
    /// <param name="read">The source.</param>
    /// <param name="output">The client.</param>
    /// <param name="framed">With frame headers, or the bare bytes of a terminal.</param>
    /// <param name="cancellation">Ends both.</param>
    public static async Task<bool> CopyAsync(
        Func<CancellationToken, ValueTask<OutputFrame?>> read, PipeWriter output, bool framed, CancellationToken cancellation)
    {
        while (true)
        {
            ValueTask<OutputFrame?> next = read(cancellation);
            if (!next.IsCompleted && output.UnflushedBytes > 0 && !await FlushAsync(output, cancellation))
            {
                return false;
            }

            if (await next is not { } frame)
            {
                return output.UnflushedBytes == 0 || await FlushAsync(output, cancellation);
            }

            if (framed)
            {
                HijackedStream.WriteFrame(output, frame.Stream, frame.Bytes.Span);
            }
            else
            {
                HijackedStream.WriteBytes(output, frame.Bytes.Span);
            }

            if (output.UnflushedBytes >= FlushThreshold && !await FlushAsync(output, cancellation))
            {
                return false;
            }
        }
    }

    /// <summary>Copies a log.</summary>
    public static async Task<bool> CopyAsync(IAsyncEnumerable<OutputFrame> log, PipeWriter output, bool framed, CancellationToken cancellation)
    {
        await using IAsyncEnumerator<OutputFrame> frames = log.GetAsyncEnumerator(cancellation);
        return await CopyAsync(_ => NextAsync(frames), output, framed, cancellation);
    }

    /// <summary>The next frame, or null at the end.</summary>
    public static ValueTask<OutputFrame?> NextAsync(IAsyncEnumerator<OutputFrame> frames)
    {
        ValueTask<bool> moved = frames.MoveNextAsync();
        return moved.IsCompletedSuccessfully ? ValueTask.FromResult<OutputFrame?>(moved.Result ? frames.Current : null) : AwaitAsync(moved, frames);

        static async ValueTask<OutputFrame?> AwaitAsync(ValueTask<bool> moved, IAsyncEnumerator<OutputFrame> frames) =>
            await moved ? frames.Current : null;
    }

    private static async ValueTask<bool> FlushAsync(PipeWriter output, CancellationToken cancellation)
    {
        FlushResult result = await output.FlushAsync(cancellation);
        return !result.IsCompleted && !result.IsCanceled;
    }
}
