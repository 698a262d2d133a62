using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Serialization;
using Bundt.Linux;

namespace Bundt.Engine.Networks;

/// <summary>A subnet of a network, and which of its addresses are anybody's. Addresses are in the range of the subnet; the gateway need not be.</summary>
internal sealed record Subnet
{
    private const int LongestIpv4 = 30, LongestIpv6 = 126; // a bridge and a container have to fit

    /// <summary>The subnet.</summary>
    public required IPNetwork Network { get; init; }

    /// <summary>The part of it that addresses are given from.</summary>
    public required IPNetwork Range { get; init; }

    /// <summary>The bridge's own address; null: it has none (an internal macvlan).</summary>
    public required IPAddress? Gateway { get; init; }

    /// <summary>Addresses that are somebody else's.</summary>
    public IReadOnlyDictionary<string, IPAddress> Reserved { get; init; } = new Dictionary<string, IPAddress>();

    /// <summary>The range was asked for.</summary>
    public bool HasRange { get; init; }

    /// <summary>Whether it is of version 6.</summary>
    [JsonIgnore]
    public bool IsIpv6 => Network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>Reads what a user asks for.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is none, or contradicts itself.</exception>
    public static Subnet Parse(SubnetRequest settings)
    {
        var network = Cidr(settings.Subnet!, "subnet");
        var isIpv6 = network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        Require(network.PrefixLength <= (isIpv6 ? LongestIpv6 : LongestIpv4), $"invalid subnet {network}: it has no room for a gateway and a container");
        Require(!network.BaseAddress.IsIPv6Multicast && !(network.BaseAddress.GetAddressBytes()[0] is >= 224 and < 255 && !isIpv6), $"invalid subnet {network}: it is multicast");
        var range = settings.Range is { Length: > 0 } text ? Cidr(text, "ip-range") : network;
        Require(
            range.BaseAddress.AddressFamily == network.BaseAddress.AddressFamily && range.PrefixLength >= network.PrefixLength && network.Contains(range.BaseAddress),
            $"invalid ip-range {range}: it is not inside of subnet {network}");
        var gateway = settings.Gateway is { Length: > 0 } address ? Inside(network, address, "gateway") : Number(range, range == network ? UInt128.One : UInt128.Zero);
        if (settings.Gateway is not { Length: > 0 } && gateway.Equals(network.BaseAddress))
        {
            gateway = Number(range, 1);
        }

        var reserved = new Dictionary<string, IPAddress>();
        foreach (var (name, taken) in settings.Reserved)
        {
            reserved[name] = Inside(network, taken, "auxiliary address " + name);
            Require(!reserved[name].Equals(gateway), $"invalid auxiliary address {name}: {taken} is the gateway's");
        }

        return new Subnet { Network = network, Range = range, Gateway = gateway, Reserved = reserved, HasRange = settings.Range is { Length: > 0 } };
    }

    /// <summary>The subnet with its first address as the gateway's.</summary>
    public static Subnet Of(IPNetwork network) => new() { Network = network, Range = network, Gateway = Number(network, 1) };

    /// <summary>Whether two networks have addresses in common.</summary>
    public static bool Overlap(IPNetwork one, IPNetwork other) =>
        one.BaseAddress.AddressFamily == other.BaseAddress.AddressFamily && (one.Contains(other.BaseAddress) || other.Contains(one.BaseAddress));

    /// <summary>The lowest address of the range that is nobody's; null: there is none left.</summary>
    /// <param name="taken">Whether an address is a container's.</param>
    public IPAddress? Free(Func<IPAddress, bool> taken)
    {
        var bits = (IsIpv6 ? 128 : 32) - Range.PrefixLength;
        var count = bits >= 127 ? UInt128.MaxValue : UInt128.One << bits;
        for (UInt128 i = 0; i < count; i++)
        {
            var address = Number(Range, i);
            if (IsForContainers(address) && !taken(address))
            {
                return address;
            }
        }

        return null;
    }

    /// <summary>An address that a container asks for.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is not in the subnet; Conflict: it is the gateway's or reserved.</exception>
    public IPAddress Check(IPAddress address)
    {
        Require(Network.Contains(address), $"invalid address {address}: it is not in subnet {Network}");
        return IsForContainers(address) ? address : throw new BundtException(FailureKind.Conflict, Phase.Network, $"Address already in use: {address} is not a container's to have in {Network}");
    }

    // Neither the network's own, nor the broadcast address, nor the gateway's.
    private bool IsForContainers(IPAddress address) =>
        !address.Equals(Network.BaseAddress)
        && (IsIpv6 || !address.Equals(Number(Network, (UInt128.One << (32 - Network.PrefixLength)) - 1)))
        && !address.Equals(Gateway)
        && !Reserved.Values.Contains(address);

    private static IPAddress Number(IPNetwork network, UInt128 offset)
    {
        var bytes = network.BaseAddress.GetAddressBytes();
        if (bytes.Length == 4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, BinaryPrimitives.ReadUInt32BigEndian(bytes) + (uint)offset);
        }
        else
        {
            BinaryPrimitives.WriteUInt128BigEndian(bytes, BinaryPrimitives.ReadUInt128BigEndian(bytes) + offset);
        }

        return new IPAddress(bytes);
    }

    // The host's part is cut, as Docker does.
    private static IPNetwork Cidr(string text, string what)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        Require(
            slash > 0 && IPAddress.TryParse(text.AsSpan(0, slash), out var address) && int.TryParse(text.AsSpan(slash + 1), System.Globalization.NumberStyles.None, null, out var prefix)
            && prefix <= address.GetAddressBytes().Length * 8,
            $"invalid {what}: invalid CIDR block \"{text}\"");
        var bytes = IPAddress.Parse(text.AsSpan(0, slash)).GetAddressBytes();
        var length = int.Parse(text.AsSpan(slash + 1), System.Globalization.CultureInfo.InvariantCulture);
        for (var i = length; i < bytes.Length * 8; i++)
        {
            bytes[i / 8] &= (byte)~(0x80 >> (i % 8));
        }

        return new IPNetwork(new IPAddress(bytes), length);
    }

    private static IPAddress Inside(IPNetwork network, string text, string what)
    {
        Require(IPAddress.TryParse(text, out var address), $"invalid {what}: \"{text}\" is no address");
        Require(network.Contains(address!), $"invalid {what} {text}: it is not in subnet {network}");
        return address!;
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, otherwise);
        }
    }
}
