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
    /// <summary>Those of an attachment.</summary>
    public static ProcessStreams Of(Attachment attachment) => new(attachment.ReadAsync, attachment.WriteStdinAsync, attachment.CloseStdinAsync);
}
