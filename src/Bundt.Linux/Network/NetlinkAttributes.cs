using System.Buffers.Binary;

namespace Bundt.Linux.Network;

/// <summary>The attributes of a netlink message (netlink(7)): struct nlattr, one behind the other.</summary>
internal static class NetlinkAttributes
{
    private const int TypeMask = 0x3fff; // NLA_TYPE_MASK: without NLA_F_NESTED and NLA_F_NET_BYTEORDER

    /// <summary>Reads them; what is malformed ends the list.</summary>
    public static IEnumerable<(ushort Type, ReadOnlyMemory<byte> Value)> Read(ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span);
            if (length < 4 || length > bytes.Length)
            {
                yield break;
            }

            yield return ((ushort)(BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span[2..]) & TypeMask), bytes[4..length]);
            bytes = bytes[Math.Min((length + 3) & ~3, bytes.Length)..];
        }
    }
}
