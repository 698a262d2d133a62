using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;
using Bundt.Daemon.Server;

namespace Bundt.Daemon.Streams;

/// <summary>
/// Our own client's session after its one request: frames both ways with the header of native/monitor.h. Output is 1 and 2, then 17 with the
/// exit code; input is 33 stdin, 34 end of stdin, 35 size, 37 signal. A client that closes its connection detaches.
/// </summary>
internal sealed class FrameSession(HijackedStream client, ProcessStreams process)
{
    private const byte Exit = 17;
    private const byte Stdin = 33;
    private const byte StdinClose = 34;
    private const byte Resize = 35;
    private const byte Signal = 37;
    private const int HeaderBytes = 8;

    /// <summary>Longest message: monitor.h, MONITOR_MAX_MESSAGE.</summary>
    private const int MaxMessage = 65536;

    private bool _inputEnded;

    /// <summary>Sets the terminal's size.</summary>
    public required Func<int, int, CancellationToken, Task> OnResize { get; init; }

    /// <summary>Sends a signal.</summary>
    public required Func<string, CancellationToken, Task> OnSignal { get; init; }

    /// <summary>Runs until the output's end and the exit code, or until the client has gone.</summary>
    /// <param name="exitCode">Answers the exit code once it is recorded.</param>
    public async Task RunAsync(Func<CancellationToken, Task<int>> exitCode)
    {
        Task input = PumpInputAsync();
        try
        {
            if (await OutputPump.CopyAsync(process.Read, client.Output, framed: true, client.Ended))
            {
                await FinishAsync(client, await exitCode(client.Ended));
            }
        }
        catch (OperationCanceledException) when (client.Ended.IsCancellationRequested)
        {
            // detached
        }
        finally
        {
            client.End();
            await process.LeaveAsync(_inputEnded || client.IsClientGone, input);
        }
    }

    /// <summary>Writes the last frame.</summary>
    public static async Task FinishAsync(HijackedStream client, int exitCode)
    {
        WriteExit(client, exitCode);
        await client.FlushAsync();
    }

    private static void WriteExit(HijackedStream client, int exitCode)
    {
        Span<byte> text = stackalloc byte[11];
        exitCode.TryFormat(text, out int length, provider: System.Globalization.CultureInfo.InvariantCulture);
        client.WriteFrame(Exit, text[..length]);
    }

    private async Task PumpInputAsync()
    {
        CancellationToken ended = client.Ended;
        try
        {
            while (true)
            {
                ReadResult result = await client.Input.ReadAsync(ended);
                ReadOnlySequence<byte> buffer = result.Buffer;
                while (TryReadFrame(ref buffer, out byte type, out ReadOnlySequence<byte> payload))
                {
                    await TakeAsync(type, payload, ended);
                }

                client.Input.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted)
                {
                    _inputEnded = true;
                    client.End(); // our client never half-closes: it says 34
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // the session is over
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            _inputEnded = true;
            client.End();
        }
    }

    private static bool TryReadFrame(ref ReadOnlySequence<byte> buffer, out byte type, out ReadOnlySequence<byte> payload)
    {
        type = 0;
        payload = default;
        if (buffer.Length < HeaderBytes)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        buffer.Slice(0, HeaderBytes).CopyTo(header);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        if (length > MaxMessage)
        {
            throw new InvalidDataException("frame too long");
        }

        if (buffer.Length < HeaderBytes + length)
        {
            return false;
        }

        type = header[0];
        payload = buffer.Slice(HeaderBytes, length);
        buffer = buffer.Slice(HeaderBytes + length);
        return true;
    }

    private async ValueTask TakeAsync(byte type, ReadOnlySequence<byte> payload, CancellationToken ended)
    {
        switch (type)
        {
            case Stdin when !payload.IsEmpty:
                foreach (ReadOnlyMemory<byte> piece in payload)
                {
                    ValueTask written = process.Write(piece, ended);
                    if (!written.IsCompleted)
                    {
                        client.WatchForHangUp();
                    }

                    await written;
                }

                break;
            case StdinClose:
                await process.CloseStdin(ended);
                break;
            case Resize when payload.Length == 4:
                (int rows, int columns) = ReadSize(payload);
                await TolerateAsync(OnResize(rows, columns, ended));
                break;
            case Signal:
                await TolerateAsync(OnSignal(Encoding.ASCII.GetString(payload), ended));
                break;
            default:
                break; // a later client's message
        }
    }

    private static (int Rows, int Columns) ReadSize(ReadOnlySequence<byte> payload)
    {
        Span<byte> size = stackalloc byte[4];
        payload.CopyTo(size);
        return (BinaryPrimitives.ReadUInt16BigEndian(size), BinaryPrimitives.ReadUInt16BigEndian(size[2..]));
    }

    /// <summary>A size or signal that comes too late is no reason to cut the output.</summary>
    private static async ValueTask TolerateAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (Linux.BundtException)
        {
            // the process has ended meanwhile
        }
    }
}
