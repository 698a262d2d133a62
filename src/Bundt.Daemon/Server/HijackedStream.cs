using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Server;

/// <summary>
/// A connection after the switch to raw bytes: the transport's own pipes. Disposing sends what is left, then closes.
/// </summary>
internal sealed class HijackedStream : IAsyncDisposable
{
    private const int FrameHeader = 8;

    private readonly ApiConnection _connection;
    private readonly HttpContext _http;
    private readonly CancellationTokenSource _ended;

    public HijackedStream(ApiConnection connection, HttpContext http, CancellationToken stopping)
    {
        _connection = connection;
        _http = http;
        Input = connection.Transport.Input;
        Output = connection.Transport.Output;
        _ended = CancellationTokenSource.CreateLinkedTokenSource(connection.Lost, stopping);
    }

    /// <summary>What the client sends; completed by its FIN.</summary>
    public PipeReader Input { get; }

    /// <summary>What the client gets.</summary>
    public PipeWriter Output { get; }

    /// <summary>Fires when the client has gone altogether (not by a FIN alone) or the daemon ends.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Whether it was the client that ended it, not the daemon.</summary>
    public bool IsClientGone => _connection.Lost.IsCancellationRequested;

    /// <summary>Ends the pumps of this stream.</summary>
    public void End() => _ended.Cancel();

    /// <summary>While the client's bytes cannot be taken, its end must be looked for.</summary>
    public void WatchForHangUp() => _connection.WatchForHangUp();

    /// <summary>Writes a frame: type, three zeros, length big endian, bytes. Not flushed.</summary>
    public void WriteFrame(byte type, ReadOnlySpan<byte> bytes) => WriteFrame(Output, type, bytes);

    /// <summary>Writes a frame into any pipe.</summary>
    public static void WriteFrame(PipeWriter output, byte type, ReadOnlySpan<byte> bytes)
    {
        Span<byte> header = output.GetSpan(FrameHeader);
        BinaryPrimitives.WriteUInt32LittleEndian(header, type);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], bytes.Length);
        output.Advance(FrameHeader);
        WriteBytes(output, bytes);
    }

    /// <summary>Writes bytes into any pipe, through whatever buffers it offers.</summary>
    public static void WriteBytes(PipeWriter output, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> span = output.GetSpan();
            int count = Math.Min(span.Length, bytes.Length);
            bytes[..count].CopyTo(span);
            output.Advance(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Sends what was written; false when the client is gone.</summary>
    public async ValueTask<bool> FlushAsync()
    {
        FlushResult result = await Output.FlushAsync(Ended);
        return !result.IsCompleted && !result.IsCanceled;
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await Output.CompleteAsync();
        _http.Abort(); // tells the HTTP layer to write nothing; ApiConnection keeps the transport open until all is sent
        _ended.Dispose();
    }
}
