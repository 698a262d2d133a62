using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Bundt.Engine.Networks.Names;

/// <summary>An address as a number that tables are keyed by: IPv6 as it is, IPv4 mapped into it (RFC 4291 section 2.5.5.2), no scope.</summary>
internal readonly record struct AddressKey(UInt128 Value)
{
    private const string Reverse4 = ".in-addr.arpa";
    private const string Reverse6 = ".ip6.arpa";
    private const ulong Mapped = 0xFFFF_0000_0000;

    public static AddressKey Of(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out var length);
        return Of(octets[..length]);
    }

    /// <summary>The address of a struct sockaddr_in or sockaddr_in6, read without making objects.</summary>
    public static AddressKey Of(SocketAddress address)
    {
        var raw = address.Buffer.Span;
        return Of(address.Family == AddressFamily.InterNetwork ? raw.Slice(4, 4) : raw.Slice(8, 16));
    }

    /// <summary>The address whose reverse name this is: four numbers below in-addr.arpa or 32 digits below ip6.arpa, last one first.</summary>
    /// <param name="name">Without the dot of the root.</param>
    /// <param name="address">The address.</param>
    /// <returns>False for every other name.</returns>
    public static bool TryReverse(ReadOnlySpan<char> name, out AddressKey address)
    {
        address = default;
        if (name.EndsWith(Reverse4, StringComparison.OrdinalIgnoreCase))
        {
            uint value = 0;
            var count = 0;
            var labels = name[..^Reverse4.Length];
            foreach (var range in labels.Split('.'))
            {
                if (count == 4 || labels[range] is ['0', _, ..] || !byte.TryParse(labels[range], NumberStyles.None, CultureInfo.InvariantCulture, out var octet))
                {
                    return false;
                }

                value |= (uint)octet << (8 * count++);
            }

            address = new AddressKey(Mapped | value);
            return count == 4;
        }

        if (name.EndsWith(Reverse6, StringComparison.OrdinalIgnoreCase) && name.Length - Reverse6.Length == (2 * 32) - 1)
        {
            UInt128 value = 0;
            for (var i = 0; i < 32; i++)
            {
                if (name[(2 * i) + 1] != '.' || !byte.TryParse(name.Slice(2 * i, 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var digit))
                {
                    return false;
                }

                value |= (UInt128)digit << (4 * i);
            }

            address = new AddressKey(value);
            return true;
        }

        return false;
    }

    private static AddressKey Of(ReadOnlySpan<byte> octets) => new(
        octets.Length == 4 ? Mapped | BinaryPrimitives.ReadUInt32BigEndian(octets) : BinaryPrimitives.ReadUInt128BigEndian(octets));
}
