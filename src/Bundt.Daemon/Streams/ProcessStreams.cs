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
    /// <summary>How long a monitor may take to hear that a client is gone.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Gives them up: what waits to be written to stdin waits no longer. Else a client that vanishes while the process does not read would stay
    /// attached, and the process would wait for it to take its output.
    /// </summary>
    public Action Leave { get; init; } = static () => { };

    /// <summary>Ends stdin beside these streams, which may be stuck or given up.</summary>
    public Func<Task> EndStdin { get; init; } = static () => Task.CompletedTask;

    /// <summary>
    /// Leaves. Of a client that has gone the monitor must be told that it will send no more: for the monitor a killed daemon looks the same. In its
    /// order behind what was sent, if the process reads; beside it otherwise.
    /// </summary>
    /// <param name="clientGone">It was the client that ended the session, and its stdin is the process's.</param>
    /// <param name="input">The pump of its input, which ends now.</param>
    public async Task LeaveAsync(bool clientGone, Task input)
    {
        bool told = !clientGone || await TryCloseStdinAsync();
        Leave();
        await input;
        if (!told)
        {
            await EndStdin();
        }
    }

    private async Task<bool> TryCloseStdinAsync()
    {
        using var limit = new CancellationTokenSource(s_patience);
        try
        {
            await CloseStdin(limit.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Those of an attachment.</summary>
    public static ProcessStreams Of(Attachment attachment) =>
        new(attachment.ReadAsync, attachment.WriteStdinAsync, attachment.CloseStdinAsync) { Leave = attachment.Leave, EndStdin = attachment.EndStdinAsync };
}
