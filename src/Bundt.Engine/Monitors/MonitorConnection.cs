using System.Buffers.Binary;
using System.Net.Sockets;
using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Engine.Monitors;

/// <summary>A connection to a monitor: 8 bytes of header, then the payload, both ways (native/monitor.h).</summary>
internal sealed class MonitorConnection : IStreams
{
    public const string SocketName = "monitor.sock";

    private const int HeaderSize = 8;
    private const int LargestMessage = 65536;

    private readonly Socket _socket;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly byte[] _header = new byte[HeaderSize];
    private byte[] _buffer = new byte[16 * 1024];
    private int _begin;
    private int _end;

    /// <summary>Takes over a connected socket.</summary>
    public MonitorConnection(Socket socket) => _socket = socket;

    /// <summary>Told of the exit record when it comes, which is after it was renamed into place: sooner than a watch of the directory tells.</summary>
    public Action<ExitRecord>? OnExit { get; init; }

    /// <summary>Connects to the monitor whose socket is in the directory; null when none listens there (any more).</summary>
    public static async Task<MonitorConnection?> TryConnectAsync(string directory, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // A path with a 64-digit id is too long for sun_path: the directory's descriptor stands for it.
            using var held = DirectoryFd.OpenHost(directory);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(held.ProcPath + "/" + SocketName), cancellation).ConfigureAwait(false);
            return new MonitorConnection(socket);
        }
        catch (Exception e)
        {
            socket.Dispose();
            if (e is SocketException or BundtException { Errno: Errno.ENOENT })
            {
                return null;
            }

            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<OutputFrame?> ReadAsync(CancellationToken cancellation)
    {
        while (true)
        {
            if (await ReadMessageAsync(cancellation).ConfigureAwait(false) is not { } message)
            {
                return null;
            }

            if (message.Type == MonitorMessage.Exit)
            {
                OnExit?.Invoke(ExitRecord.Parse(message.Payload.Span));
                return null;
            }

            if (message.Type is MonitorMessage.Stdout or MonitorMessage.Stderr or MonitorMessage.Attached)
            {
                return new OutputFrame((byte)message.Type, 0, message.Payload);
            }
        }
    }

    /// <summary>Passes over what comes until a message of this type, or the end.</summary>
    public async ValueTask AnswerAsync(MonitorMessage type, CancellationToken cancellation)
    {
        while (await ReadMessageAsync(cancellation).ConfigureAwait(false) is { } message && message.Type != type)
        {
        }
    }

    /// <inheritdoc/>
    public async ValueTask SendAsync(MonitorMessage type, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            do
            {
                var piece = payload[..Math.Min(payload.Length, LargestMessage)];
                payload = payload[piece.Length..];
                _header[0] = (byte)type;
                BinaryPrimitives.WriteInt32BigEndian(_header.AsSpan(4), piece.Length);
                // A message that has begun is finished: half of one would garble all that follow.
                await SendAllAsync(_header, CancellationToken.None).ConfigureAwait(false);
                await SendAllAsync(piece, CancellationToken.None).ConfigureAwait(false);
            }
            while (!payload.IsEmpty);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The container has ended, or the client has detached.
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, cancellation).ConfigureAwait(false)..];
        }
    }

    private async ValueTask<(MonitorMessage Type, ReadOnlyMemory<byte> Payload)?> ReadMessageAsync(CancellationToken cancellation)
    {
        if (!await FillAsync(HeaderSize, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        var type = (MonitorMessage)_buffer[_begin];
        var length = BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_begin + 4));
        if (length > LargestMessage)
        {
            throw new BundtException(FailureKind.Internal, Phase.Run, $"a monitor sent a message of {length} bytes");
        }

        if (!await FillAsync(HeaderSize + (int)length, cancellation).ConfigureAwait(false))
        {
            return null;
        }

        var payload = _buffer.AsMemory(_begin + HeaderSize, (int)length);
        _begin += HeaderSize + (int)length;
        return (type, payload);
    }

    private async ValueTask<bool> FillAsync(int length, CancellationToken cancellation)
    {
        if (_end - _begin >= length)
        {
            return true;
        }

        _buffer.AsSpan(_begin, _end - _begin).CopyTo(_buffer);
        _end -= _begin;
        _begin = 0;
        if (length > _buffer.Length)
        {
            // A quiet container's attachment keeps the small buffer; one that sends much gets room for several messages.
            Array.Resize(ref _buffer, 4 * (LargestMessage + HeaderSize));
        }

        while (_end < length)
        {
            int count;
            try
            {
                count = await _socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return false;
            }

            if (count == 0)
            {
                return false;
            }

            _end += count;
        }

        return true;
    }
}
