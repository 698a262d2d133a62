using System.Net;
using System.Security.Cryptography;
using Bundt.Linux;

namespace Bundt.Engine.Networks;

/// <summary>Chooses subnets that collide with nothing.</summary>
internal static class SubnetChoice
{
    // Docker's default address pools: 172.17/16 … 172.31/16, then 192.168/16 in pieces of 4,094 containers.
    private static readonly IPNetwork[] s_pools =
    [
        .. Enumerable.Range(17, 15).Select(i => new IPNetwork(new IPAddress([172, (byte)i, 0, 0]), 16)),
        .. Enumerable.Range(0, 16).Select(i => new IPNetwork(new IPAddress([192, 168, (byte)(i * 16), 0]), 20)),
    ];

    /// <summary>A subnet that nobody has.</summary>
    /// <param name="isIpv6">Of which version.</param>
    /// <param name="taken">Subnets of other networks, and those that the host has routes to.</param>
    /// <exception cref="BundtException">Conflict: none is left.</exception>
    public static IPNetwork Free(bool isIpv6, IReadOnlyCollection<IPNetwork> taken)
    {
        foreach (var candidate in isIpv6 ? Local() : s_pools)
        {
            if (!taken.Any(other => other.PrefixLength > 0 && Subnet.Overlap(candidate, other)))
            {
                return candidate;
            }
        }

        throw new BundtException(
            FailureKind.Conflict, Phase.Network, "all predefined address pools have been fully subnetted", "Name a subnet of your own: --subnet 10.20.0.0/16");
    }

    // Unique local addresses with a random global id (RFC 4193).
    private static IEnumerable<IPNetwork> Local()
    {
        for (var i = 0; i < 100; i++)
        {
            var bytes = new byte[16];
            bytes[0] = 0xfd;
            RandomNumberGenerator.Fill(bytes.AsSpan(1, 5));
            yield return new IPNetwork(new IPAddress(bytes), 64);
        }
    }
}
