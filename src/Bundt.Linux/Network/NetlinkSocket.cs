using System.Buffers.Binary;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Network;

/// <summary>A conversation with the kernel about one network namespace's interfaces and addresses (rtnetlink(7)).</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int Netlink = 16; // AF_NETLINK
    private const int Raw = 3;
    private const ushort Error = 2, Done = 3;
    private const int HeaderSize = 16;

    private readonly SafeFileHandle _socket;
    private readonly byte[] _buffer = new byte[64 << 10];

    private NetlinkSocket(SafeFileHandle socket) => _socket = socket;

    /// <summary>Opens one for the caller's own network namespace.</summary>
    public static NetlinkSocket Open()
    {
        var socket = SocketCalls.socket(Netlink, Raw | SocketCalls.SOCK_CLOEXEC, 0);
        return socket >= 0 ? new NetlinkSocket(new SafeFileHandle(socket, ownsHandle: true)) : throw BundtException.Last(Phase.Network, "netlink socket");
    }

    /// <summary>Makes the request and waits for the kernel's acknowledgement.</summary>
    public Errno Request(NetlinkRequest request)
    {
        foreach (var message in Ask(request))
        {
            if (message.Type == Error)
            {
                return (Errno)(-BinaryPrimitives.ReadInt32LittleEndian(message.Payload.Span));
            }
        }

        return Errno.None;
    }

    /// <summary>All messages that answer a request for a dump, without their headers.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public IEnumerable<ReadOnlyMemory<byte>> Dump(NetlinkRequest request)
    {
        foreach (var message in Ask(request))
        {
            if (message.Type == Error)
            {
                throw new BundtException(Phase.Network, "netlink dump", null, (Errno)(-BinaryPrimitives.ReadInt32LittleEndian(message.Payload.Span)));
            }

            yield return message.Payload;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private List<(ushort Type, ReadOnlyMemory<byte> Payload)> Ask(NetlinkRequest request)
    {
        var socket = (int)_socket.DangerousGetHandle();
        var bytes = request.Bytes;
        fixed (byte* start = bytes)
        {
            if (SocketCalls.send(socket, start, (nuint)bytes.Length, 0) != bytes.Length)
            {
                throw BundtException.Last(Phase.Network, "netlink send");
            }
        }

        var messages = new List<(ushort, ReadOnlyMemory<byte>)>();
        while (true)
        {
            int length;
            fixed (byte* start = _buffer)
            {
                length = (int)SocketCalls.read(socket, start, (nuint)_buffer.Length);
            }

            if (length < 0)
            {
                throw BundtException.Last(Phase.Network, "netlink receive");
            }

            if (Split(_buffer.AsSpan(0, length), messages))
            {
                return messages;
            }
        }
    }

    // True when the answer is complete: an acknowledgement or an error, or the end of a dump.
    private static bool Split(ReadOnlySpan<byte> datagram, List<(ushort Type, ReadOnlyMemory<byte> Payload)> messages)
    {
        while (datagram.Length >= HeaderSize)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(datagram);
            var type = BinaryPrimitives.ReadUInt16LittleEndian(datagram[4..]);
            if (type == Done)
            {
                return true;
            }

            messages.Add((type, datagram[HeaderSize..length].ToArray()));
            if (type == Error)
            {
                return true;
            }

            datagram = datagram[Math.Min((length + 3) & ~3, datagram.Length)..];
        }

        return false;
    }
}
