using System.Buffers.Binary;
using System.Net.Sockets;

namespace Bundt.Engine.Networks.Names;

/// <summary>Messages over TCP: each behind its length (RFC 1035 section 4.2.2).</summary>
internal static class DnsStream
{
    /// <summary>Reads the next message. Memory is taken only when it begins.</summary>
    /// <returns>The message, or null when the other side has ended, perhaps in the middle of one.</returns>
    /// <exception cref="SocketException">The connection broke.</exception>
    public static async Task<PooledMessage?> ReadAsync(Socket socket, CancellationToken cancellation)
    {
        await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellation).ConfigureAwait(false);
        int length;
        using (var prefix = new PooledMessage(sizeof(ushort)))
        {
            if (!await FillAsync(socket, prefix.Memory, cancellation).ConfigureAwait(false))
            {
                return null;
            }

            length = BinaryPrimitives.ReadUInt16BigEndian(prefix.Span);
        }

        var message = new PooledMessage(length);
        try
        {
            if (await FillAsync(socket, message.Memory, cancellation).ConfigureAwait(false))
            {
                var read = message;
                message = null;
                return read;
            }

            return null;
        }
        finally
        {
            message?.Dispose();
        }
    }

    /// <summary>Sends all of a message.</summary>
    /// <exception cref="SocketException">The connection broke.</exception>
    public static async Task WriteAsync(Socket socket, PooledMessage message, CancellationToken cancellation)
    {
        for (var rest = message.Framed; rest.Length > 0;)
        {
            rest = rest[await socket.SendAsync(rest, SocketFlags.None, cancellation).ConfigureAwait(false)..];
        }
    }

    private static async Task<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellation)
    {
        while (buffer.Length > 0)
        {
            var received = await socket.ReceiveAsync(buffer, SocketFlags.None, cancellation).ConfigureAwait(false);
            if (received == 0)
            {
                return false;
            }

            buffer = buffer[received..];
        }

        return true;
    }
}
