using System.Buffers.Binary;
using System.Text;

namespace Bundt.Linux.Network;

/// <summary>One rtnetlink message under construction (netlink(7), rtnetlink(7)): header, family header, attributes.</summary>
internal sealed class NetlinkRequest
{
    private const int HeaderSize = 16; // struct nlmsghdr
    private const ushort IsRequest = 1, WantsAck = 4, DumpFlags = 0x300, CreateFlags = 0x400 | 0x200; // NLM_F_CREATE | NLM_F_EXCL

    private byte[] _bytes = new byte[256];
    private int _length;

    private NetlinkRequest(ushort type, ushort flags, ReadOnlySpan<byte> family)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(4), type);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(6), (ushort)(IsRequest | flags));
        family.CopyTo(_bytes.AsSpan(HeaderSize));
        _length = Align(HeaderSize + family.Length);
    }

    /// <summary>Changes an object, or removes it.</summary>
    /// <param name="type">RTM_*.</param>
    /// <param name="family">struct ifinfomsg, ifaddrmsg …</param>
    public static NetlinkRequest Change(ushort type, ReadOnlySpan<byte> family) => new(type, WantsAck, family);

    /// <summary>Makes an object that is not there yet.</summary>
    public static NetlinkRequest Create(ushort type, ReadOnlySpan<byte> family) => new(type, WantsAck | CreateFlags, family);

    /// <summary>Asks for one object.</summary>
    public static NetlinkRequest Get(ushort type, ReadOnlySpan<byte> family) => new(type, 0, family);

    /// <summary>Asks for all objects of a kind.</summary>
    public static NetlinkRequest Dump(ushort type, ReadOnlySpan<byte> family) => new(type, DumpFlags, family);

    /// <summary>The whole message, with a sequence number.</summary>
    public ReadOnlySpan<byte> Number(int sequence)
    {
        BinaryPrimitives.WriteInt32LittleEndian(_bytes, _length);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(8), sequence);
        return _bytes.AsSpan(0, _length);
    }

    /// <summary>Adds an attribute.</summary>
    public NetlinkRequest With(ushort type, ReadOnlySpan<byte> value)
    {
        var end = _length + 4 + value.Length;
        Reserve(end);
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

    /// <summary>Adds an attribute of further attributes, which may begin with a header of its own.</summary>
    public NetlinkRequest Nest(ushort type, Action<NetlinkRequest> fill, ReadOnlySpan<byte> header = default)
    {
        var start = _length;
        With(type, header);
        fill(this);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(start), (ushort)(_length - start));
        return this;
    }

    private void Reserve(int end)
    {
        if (end + 4 > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(end + 4, 2 * _bytes.Length));
        }
    }

    private static int Align(int length) => (length + 3) & ~3;
}
