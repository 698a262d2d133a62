using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Network;

/// <summary>
/// Tells of changes that others make to a table of the packet filter, in the network namespace that it was opened in (nfnetlink: NFNLGRP_NFTABLES).
/// </summary>
/// <remarks>
/// The kernel says by which netlink socket a change was made. Which of them is ours, we learn by a mark: a table of a random name, which we make and delete
/// in one transaction with our own changes (<see cref="Introduction"/>).
/// </remarks>
public sealed unsafe class NftablesWatch : IDisposable
{
    private const int Netlink = 16, Raw = 3, NonBlocking = 0x800; // AF_NETLINK, SOCK_RAW, SOCK_NONBLOCK
    private const int Netfilter = 12; // NETLINK_NETFILTER
    private const int SolNetlink = 270, AddMembership = 1, NftablesGroup = 7; // NFNLGRP_NFTABLES
    private const int ReceiveBufferForce = 33, ReceiveBufferSize = 8 << 20; // SO_RCVBUFFORCE
    private const int Subsystem = 10, NewGeneration = 15; // NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN
    private const int HeaderSize = 16, FamilySize = 4; // struct nlmsghdr, struct nfgenmsg
    private const byte Inet = 1; // NFPROTO_INET
    private const ushort TableAttribute = 1; // NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, NFTA_SET_TABLE, NFTA_SET_ELEM_LIST_TABLE

    private readonly string _table;
    private readonly string _mark = "bundt-mark-" + RandomNumberGenerator.GetHexString(16, lowercase: true);
    private readonly byte[] _buffer = new byte[64 << 10];
    private uint _own;
    private long _lost = long.MinValue / 2;

    private NftablesWatch(string table, SafeFileHandle socket) => (_table, Socket) = (table, socket);

    /// <summary>Readable when there is something to be told.</summary>
    public SafeFileHandle Socket { get; }

    /// <summary>Opens it.</summary>
    /// <param name="table">Name of the table, of family inet.</param>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public static NftablesWatch Open(string table)
    {
        var fd = SocketCalls.socket(Netlink, Raw | SocketCalls.SOCK_CLOEXEC | NonBlocking, Netfilter);
        if (fd < 0)
        {
            throw BundtException.Last(Phase.Network, "netlink socket");
        }

        var socket = new SafeFileHandle(fd, ownsHandle: true);
        var (group, size) = (NftablesGroup, ReceiveBufferSize);
        _ = SocketCalls.setsockopt(fd, SocketCalls.SOL_SOCKET, ReceiveBufferForce, &size, sizeof(int));

        // struct sockaddr_nl. Without an address of its own it is the one that the kernel leaves out.
        var address = stackalloc byte[12];
        new Span<byte>(address, 12).Clear();
        address[0] = Netlink;
        if (SocketCalls.bind(fd, address, 12) != 0 || SocketCalls.setsockopt(fd, SolNetlink, AddMembership, &group, sizeof(int)) != 0)
        {
            var failure = BundtException.Last(Phase.Network, "netlink membership");
            socket.Dispose();
            throw failure;
        }

        return new NftablesWatch(table, socket);
    }

    /// <summary>Commands of nft(8), to be run in front of others: whoever runs them is one whose changes are not told.</summary>
    public string Introduction() => string.Create(CultureInfo.InvariantCulture, $"add table inet {_mark}\ndelete table inet {_mark}\n");

    /// <summary>Reads what there is. For one thread at a time.</summary>
    /// <returns>Whether somebody else has changed the table, or may have: messages were lost.</returns>
    public bool HasForeignChange()
    {
        var found = false;
        while (true)
        {
            int length;
            fixed (byte* start = _buffer)
            {
                length = (int)SocketCalls.read((int)Socket.DangerousGetHandle(), start, (nuint)_buffer.Length);
            }

            if (length > 0)
            {
                found |= Read(_buffer.AsSpan(0, length));
                continue;
            }

            if (length < 0 && (Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError() == Errno.ENOBUFS)
            {
                // Perhaps by our own changes: those must not make us change it again and again.
                found |= Environment.TickCount64 - _lost > 5_000;
                _lost = Environment.TickCount64;
                continue;
            }

            return found;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    private bool Read(ReadOnlySpan<byte> datagram)
    {
        var found = false;
        while (datagram.Length >= HeaderSize)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(datagram);
            if (length < HeaderSize || length > datagram.Length)
            {
                return found;
            }

            var type = BinaryPrimitives.ReadUInt16LittleEndian(datagram[4..]);
            var from = BinaryPrimitives.ReadUInt32LittleEndian(datagram[12..]);
            if (type >> 8 == Subsystem && (type & 0xff) != NewGeneration && length >= HeaderSize + FamilySize && datagram[HeaderSize] == Inet)
            {
                var name = TableOf(datagram[(HeaderSize + FamilySize)..length]);
                if (name == _mark)
                {
                    _own = from;
                }

                found |= name == _table && from != _own;
            }

            datagram = datagram[Math.Min((length + 3) & ~3, datagram.Length)..];
        }

        return found;
    }

    private static string TableOf(ReadOnlySpan<byte> attributes)
    {
        foreach (var (type, value) in NetlinkAttributes.Read(attributes.ToArray()))
        {
            if (type == TableAttribute)
            {
                return Encoding.UTF8.GetString(value.Span.TrimEnd((byte)0));
            }
        }

        return "";
    }
}
