using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;

namespace Bundt.Engine.Networks;

/// <summary>Hardware addresses of interfaces.</summary>
internal static class HardwareAddress
{
    /// <summary>A random one, administered locally, for one receiver (IEEE 802, 8.2).</summary>
    public static PhysicalAddress Random()
    {
        var bytes = RandomNumberGenerator.GetBytes(6);
        bytes[0] = (byte)(bytes[0] & 0xfc | 2);
        return new PhysicalAddress(bytes);
    }

    /// <summary>That of whoever has an address of a bridge's network: 02:42 and the address's last four bytes.</summary>
    public static PhysicalAddress Of(IPAddress address) => new([0x02, 0x42, .. address.GetAddressBytes()[^4..]]);

    /// <summary>"02:42:ac:11:00:02".</summary>
    public static string Text(PhysicalAddress address) =>
        string.Join(':', address.GetAddressBytes().Select(part => part.ToString("x2", CultureInfo.InvariantCulture)));
}
