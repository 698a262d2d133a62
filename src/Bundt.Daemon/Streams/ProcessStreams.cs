using Bundt.Engine;

namespace Bundt.Daemon.Streams;

/// <summary>The streams of a container or exec as the pumps see them.</summary>
/// <param name="Read">The next output, null at the end; bytes valid until the next call.</param>
/// <param name="Write">Bytes for stdin.</param>
/// <param name="CloseStdin">End of this client's stdin.</param>
internal sealed record ProcessStreams(
    Func<CancellationToken, ValueTask<OutputFrame?>> Read,
    Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> Write,
    Func<CancellationToken, ValueTask> CloseStdin)
{
    /// <summary>
    /// Gives them up: what waits to be written to stdin waits no longer. Else a client that vanishes while the process does not read would stay
    /// attached, and the process would wait for it to take its output.
    /// </summary>
    public Action Leave { get; init; } = static () => { };

    /// <summary>Those of an attachment.</summary>
    public static ProcessStreams Of(Attachment attachment) =>
        new(attachment.ReadAsync, attachment.WriteStdinAsync, attachment.CloseStdinAsync) { Leave = attachment.Leave };
}
