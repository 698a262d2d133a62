using System.Buffers.Binary;
using System.Text;

namespace Bundt.Linux.Network;

/// <summary>One rtnetlink message under construction (netlink(7), rtnetlink(7)): header, family header, attributes.</summary>
internal sealed class NetlinkRequest
{
    private const int HeaderSize = 16; // struct nlmsghdr
    private const ushort IsRequest = 1, WantsAck = 4, Dump = 0x300;

    private byte[] _bytes = new byte[256];
    private int _length;

    /// <param name="type">RTM_*.</param>
    /// <param name="family">struct ifinfomsg, ifaddrmsg …</param>
    /// <param name="dump">All objects are asked for; otherwise an acknowledgement is.</param>
    public NetlinkRequest(ushort type, ReadOnlySpan<byte> family, bool dump = false)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(6), (ushort)(IsRequest | (dump ? Dump : WantsAck)));
        family.CopyTo(_bytes.AsSpan(HeaderSize));
        _length = Align(HeaderSize + family.Length);
    }

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            BinaryPrimitives.WriteInt32LittleEndian(_bytes, _length);
            return _bytes.AsSpan(0, _length);
        }
    }

    /// <summary>Adds an attribute.</summary>
    public NetlinkRequest With(ushort type, ReadOnlySpan<byte> value)
    {
        var end = _length + 4 + value.Length;
        if (end + 4 > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(end + 4, 2 * _bytes.Length));
        }

        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_length), (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_length + 2), type);
        value.CopyTo(_bytes.AsSpan(_length + 4));
        _length = Align(end);
        return this;
    }

    /// <summary>Adds a NUL-terminated text.</summary>
    public NetlinkRequest With(ushort type, string text) => With(type, Encoding.UTF8.GetBytes(text + '\0'));

    /// <summary>Adds a number.</summary>
    public NetlinkRequest With(ushort type, int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        return With(type, bytes);
    }

    private static int Align(int length) => (length + 3) & ~3;
}
