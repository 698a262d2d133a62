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
    private int _sequence, _first;

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

    /// <summary>
    /// Makes requests, in one message to the kernel, and waits for its acknowledgements. It carries them out one after the other, even if we are
    /// killed meanwhile.
    /// </summary>
    /// <returns>The first error, and the kernel's own words for it, if it has any.</returns>
    public (Errno Errno, string? Text) Request(params ReadOnlySpan<NetlinkRequest> requests)
    {
        Send(requests);
        var result = (Errno.None, (string?)null);
        for (var answered = 0; answered < requests.Length;)
        {
            foreach (var (type, _, payload) in Receive())
            {
                if (type == Error)
                {
                    answered++;
                    result = result.Item1 == Errno.None ? Failure(payload) : result;
                }
            }
        }

        return result;
    }

    /// <summary>Asks for one object.</summary>
    /// <returns>The error, the kernel's own words for it, and what it answers, without its header.</returns>
    public (Errno Errno, string? Text, ReadOnlyMemory<byte> Answer) Get(NetlinkRequest request)
    {
        Send([request]);
        while (true)
        {
            foreach (var (type, _, payload) in Receive())
            {
                return type == Error && Failure(payload) is var (errno, text) ? (errno, text, default) : (Errno.None, null, payload);
            }
        }
    }

    /// <summary>All messages that answer a request for a dump, without their headers.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> Dump(NetlinkRequest request)
    {
        // What changes while it is dumped is dumped again.
        while (true)
        {
            var messages = new List<ReadOnlyMemory<byte>>();
            if (DumpOnce(request, messages))
            {
                return messages;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    // False: the answer is not of one piece.
    private bool DumpOnce(NetlinkRequest request, List<ReadOnlyMemory<byte>> messages)
    {
        Send([request]);
        var interrupted = false;
        while (true)
        {
            foreach (var (type, flags, payload) in Receive())
            {
                interrupted |= (flags & Interrupted) != 0;
                switch (type)
                {
                    case Done:
                        return !interrupted;
                    case Error:
                        throw new BundtException(Phase.Network, "netlink dump", null, Failure(payload).Errno);
                    default:
                        messages.Add(payload);
                        break;
                }
            }
        }
    }

    private void Send(ReadOnlySpan<NetlinkRequest> requests)
    {
        var length = 0;
        _first = _sequence + 1;
        foreach (var request in requests)
        {
            var message = request.Number(++_sequence);
            message.CopyTo(_buffer.AsSpan(length));
            length += message.Length;
        }

        fixed (byte* start = _buffer)
        {
            if (SocketCalls.send((int)_socket.DangerousGetHandle(), start, (nuint)length, 0) != length)
            {
                throw BundtException.Last(Phase.Network, "netlink send");
            }
        }
    }

    // The answers in the next datagram, copied; those to requests before the last ones are nobody's any more.
    private List<(ushort Type, ushort Flags, ReadOnlyMemory<byte> Payload)> Receive()
    {
        int received;
        fixed (byte* start = _buffer)
        {
            received = (int)SocketCalls.read((int)_socket.DangerousGetHandle(), start, (nuint)_buffer.Length);
        }

        if (received < 0)
        {
            throw BundtException.Last(Phase.Network, "netlink receive");
        }

        var messages = new List<(ushort, ushort, ReadOnlyMemory<byte>)>();
        for (ReadOnlySpan<byte> rest = _buffer.AsSpan(0, received); rest.Length >= HeaderSize;)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(rest);
            if (length < HeaderSize || length > rest.Length)
            {
                break;
            }

            if (BinaryPrimitives.ReadInt32LittleEndian(rest[8..]) >= _first)
            {
                messages.Add((BinaryPrimitives.ReadUInt16LittleEndian(rest[4..]), BinaryPrimitives.ReadUInt16LittleEndian(rest[6..]), rest[HeaderSize..length].ToArray()));
            }

            rest = rest[Math.Min((length + 3) & ~3, rest.Length)..];
        }

        return messages;
    }

    private static (Errno Errno, string? Text) Failure(ReadOnlyMemory<byte> payload)
    {
        var errno = (Errno)(-BinaryPrimitives.ReadInt32LittleEndian(payload.Span));
        return (errno, errno == Errno.None ? null : Text(payload));
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
