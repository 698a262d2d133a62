using System.Buffers.Binary;
using System.Text;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Network;

/// <summary>A conversation with the kernel about one network namespace's interfaces, addresses and routes (netlink(7), rtnetlink(7)). Not for two threads at once.</summary>
internal sealed unsafe class NetlinkSocket : IDisposable
{
    private const int Netlink = 16; // AF_NETLINK
    private const int Raw = 3;
    private const int SolNetlink = 270, CapAck = 10, ExtAck = 11; // Linux 4.3, 4.12
    private const ushort Error = 2, Done = 3;
    private const ushort Interrupted = 0x10; // NLM_F_DUMP_INTR
    private const ushort ErrorText = 1; // NLMSGERR_ATTR_MSG
    private const int HeaderSize = 16, ErrorSize = 20; // struct nlmsghdr, struct nlmsgerr

    private readonly SafeFileHandle _socket;
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _sequence;

    private NetlinkSocket(SafeFileHandle socket) => _socket = socket;

    /// <summary>Opens one for the caller's own network namespace.</summary>
    public static NetlinkSocket Open()
    {
        var fd = SocketCalls.socket(Netlink, Raw | SocketCalls.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            throw BundtException.Last(Phase.Network, "netlink socket");
        }

        // The kernel's own words for what it refuses, without our request in front of them. Older kernels have none.
        var one = 1;
        _ = SocketCalls.setsockopt(fd, SolNetlink, CapAck, &one, sizeof(int));
        _ = SocketCalls.setsockopt(fd, SolNetlink, ExtAck, &one, sizeof(int));
        return new NetlinkSocket(new SafeFileHandle(fd, ownsHandle: true));
    }

    /// <summary>Opens one for another network namespace, to which it belongs from then on.</summary>
    public static NetlinkSocket Open(SafeFileHandle networkNamespace)
    {
        NetlinkSocket? socket = null;
        NetworkNamespace.Enter(networkNamespace, () => socket = Open());
        return socket!;
    }

    /// <summary>Makes a request and waits for the kernel's acknowledgement.</summary>
    /// <returns>The error, and the kernel's own words for it, if it has any.</returns>
    public (Errno Errno, string? Text) Request(NetlinkRequest request)
    {
        foreach (var message in Ask(request))
        {
            if (message.Type == Error)
            {
                var errno = (Errno)(-BinaryPrimitives.ReadInt32LittleEndian(message.Payload.Span));
                return (errno, errno == Errno.None ? null : Text(message.Payload));
            }
        }

        return (Errno.None, null);
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
        // What changes while it is dumped is dumped again.
        while (true)
        {
            var messages = new List<(ushort, ReadOnlyMemory<byte>)>();
            if (!AskOnce(request, messages))
            {
                return messages;
            }
        }
    }

    // True: the answer is not of one piece.
    private bool AskOnce(NetlinkRequest request, List<(ushort Type, ReadOnlyMemory<byte> Payload)> messages)
    {
        var socket = (int)_socket.DangerousGetHandle();
        var bytes = request.Number(++_sequence);
        fixed (byte* start = bytes)
        {
            if (SocketCalls.send(socket, start, (nuint)bytes.Length, 0) != bytes.Length)
            {
                throw BundtException.Last(Phase.Network, "netlink send");
            }
        }

        var interrupted = false;
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

            if (Split(_buffer.AsSpan(0, length), messages, ref interrupted))
            {
                return interrupted;
            }
        }
    }

    // True when the answer is complete: an acknowledgement or an error, or the end of a dump.
    private bool Split(ReadOnlySpan<byte> datagram, List<(ushort Type, ReadOnlyMemory<byte> Payload)> messages, ref bool interrupted)
    {
        while (datagram.Length >= HeaderSize)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(datagram);
            var type = BinaryPrimitives.ReadUInt16LittleEndian(datagram[4..]);
            interrupted |= (BinaryPrimitives.ReadUInt16LittleEndian(datagram[6..]) & Interrupted) != 0;
            var isOurs = BinaryPrimitives.ReadInt32LittleEndian(datagram[8..]) == _sequence;
            if (isOurs && type == Done)
            {
                return true;
            }

            if (isOurs)
            {
                messages.Add((type, datagram[HeaderSize..length].ToArray()));
                if (type == Error)
                {
                    return true;
                }
            }

            datagram = datagram[Math.Min((length + 3) & ~3, datagram.Length)..];
        }

        return false;
    }

    private static string? Text(ReadOnlyMemory<byte> payload)
    {
        foreach (var (type, value) in NetlinkAttributes.Read(payload.Length > ErrorSize ? payload[ErrorSize..] : default))
        {
            if (type == ErrorText)
            {
                return Encoding.UTF8.GetString(value.Span.TrimEnd((byte)0));
            }
        }

        return null;
    }
}
