using System.Buffers;
using System.IO.Pipelines;
using Bundt.Daemon.Server;

namespace Bundt.Daemon.Streams;

/// <summary>Docker's attach: raw bytes in, raw bytes or frames out.</summary>
internal sealed class RawSession(HijackedStream client, ProcessStreams process)
{
    private bool _broken;

    /// <summary>Whether the client typed the detach keys.</summary>
    public bool Detached { get; private set; }

    /// <summary>Frames (no terminal) or bare bytes.</summary>
    public required bool Framed { get; init; }

    /// <summary>Whether the client's bytes go to stdin; else they are dropped.</summary>
    public required bool Stdin { get; init; }

    /// <summary>Whether the client's FIN closes the process's stdin; else it ends the whole attach, output included, as dockerd does.</summary>
    public required bool CloseStdin { get; init; }

    /// <summary>The keys that detach, or null.</summary>
    public DetachKeys? Keys { get; init; }

    /// <summary>Runs until the output's end, the client's end or the detach keys.</summary>
    public async Task RunAsync()
    {
        Task input = Stdin ? PumpInputAsync() : Task.CompletedTask;
        try
        {
            await OutputPump.CopyAsync(process.Read, client.Output, Framed, client.Ended);
        }
        catch (OperationCanceledException) when (client.Ended.IsCancellationRequested)
        {
            // detached, or the client has gone
        }
        finally
        {
            client.End();
            await process.LeaveAsync(CloseStdin && (_broken || client.IsClientGone), input);
        }
    }

    private async Task PumpInputAsync()
    {
        await Task.Yield(); // the output's pump starts first
        CancellationToken ended = client.Ended;
        ArrayBufferWriter<byte>? kept = Keys is null ? null : new ArrayBufferWriter<byte>(256);
        try
        {
            while (true)
            {
                ReadResult result = await client.Input.ReadAsync(ended);
                foreach (ReadOnlyMemory<byte> piece in result.Buffer)
                {
                    if (piece.IsEmpty)
                    {
                        continue; // an empty sequence has one empty piece
                    }

                    if (kept is null)
                    {
                        await WriteAsync(piece, ended);
                        continue;
                    }

                    kept.ResetWrittenCount();
                    bool detach = Keys!.Pass(piece.Span, kept);
                    if (kept.WrittenCount > 0)
                    {
                        await WriteAsync(kept.WrittenMemory, ended);
                    }

                    if (detach)
                    {
                        Detached = true;
                        client.End();
                        return;
                    }
                }

                client.Input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                {
                    if (CloseStdin)
                    {
                        await process.CloseStdin(ended);
                    }
                    else
                    {
                        client.End();
                    }

                    return;
                }
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // the session is over
        }
        catch (IOException)
        {
            _broken = true;
            client.End(); // the connection broke
        }
    }

    private async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken ended)
    {
        ValueTask written = process.Write(bytes, ended);
        if (!written.IsCompleted)
        {
            client.WatchForHangUp();
        }

        await written;
    }
}
