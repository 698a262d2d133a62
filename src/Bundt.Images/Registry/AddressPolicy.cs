using System.Net;
using System.Net.Sockets;

namespace Bundt.Images.Registry;

/// <summary>
/// Where a registry may send us, and with what. A registry is a stranger: its realms and redirects must not carry credentials to another place,
/// weaken the connection, or reach what only this machine can reach (CVE-2020-15157, CVE-2019-10214, CVE-2014-5277; security.md S17).
/// </summary>
internal static class AddressPolicy
{
    /// <summary>Checks the address of a token service.</summary>
    /// <param name="realm">Where tokens are to be had, as the registry says.</param>
    /// <param name="registry">The registry's own address.</param>
    /// <param name="isVerified">Whether the registry itself proved who it is (https with a verified certificate).</param>
    /// <param name="hasCredentials">Whether credentials would be sent.</param>
    /// <exception cref="RegistryFailure">Refused; the sentence says why.</exception>
    public static Uri CheckRealm(string? realm, Uri registry, bool isVerified, bool hasCredentials)
    {
        if (!Uri.TryCreate(realm, UriKind.Absolute, out Uri? address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp)
            || address.UserInfo.Length > 0)
        {
            throw Refused($"registry {registry.Authority} names \"{Shown(realm)}\" as its token service, which is not an http address");
        }

        bool sameHost = address.Host.Equals(registry.Host, StringComparison.OrdinalIgnoreCase);
        if (!sameHost)
        {
            RefuseInnerAddress(address, registry, "token service");
        }

        if (address.Scheme == Uri.UriSchemeHttp && (registry.Scheme == Uri.UriSchemeHttps || !sameHost))
        {
            throw Refused($"registry {registry.Authority} names {address.GetLeftPart(UriPartial.Authority)} as its token service: credentials do not go over plain HTTP to another place");
        }

        // Over a connection that anyone may have changed, the realm is anyone's word: the login does not go elsewhere on it.
        return hasCredentials && !sameHost && !isVerified && !RegistryHost.IsLoopback(registry.Host)
            ? throw Refused($"registry {registry.Authority} is not verified and names another host, {address.Host}, as its token service: the login is not sent there")
            : address;
    }

    /// <summary>Checks the target of a redirect and answers whether credentials may go along: only to the very same scheme, host and port.</summary>
    /// <exception cref="RegistryFailure">Refused; the sentence says why.</exception>
    public static bool CheckRedirect(Uri from, Uri to)
    {
        if ((to.Scheme != Uri.UriSchemeHttps && to.Scheme != Uri.UriSchemeHttp) || to.UserInfo.Length > 0)
        {
            throw Refused($"{from.Authority} redirects to \"{Shown(to.Scheme)}:\", which is not http");
        }

        if (from.Scheme == Uri.UriSchemeHttps && to.Scheme == Uri.UriSchemeHttp)
        {
            throw Refused($"{from.Authority} redirects from https to plain http ({to.Authority})");
        }

        if (!to.Host.Equals(from.Host, StringComparison.OrdinalIgnoreCase))
        {
            RefuseInnerAddress(to, from, "redirect");
        }

        return from.Scheme == to.Scheme && from.Port == to.Port && from.Host.Equals(to.Host, StringComparison.OrdinalIgnoreCase);
    }

    private static void RefuseInnerAddress(Uri target, Uri origin, string role)
    {
        if (RegistryHost.IsLoopback(target.Host) && !RegistryHost.IsLoopback(origin.Host))
        {
            throw Refused($"{origin.Authority} gives {target.Authority} as {role}, an address of this machine");
        }

        if (IPAddress.TryParse(target.Host.Trim('[', ']'), out IPAddress? address) && IsLinkLocal(address))
        {
            throw Refused($"{origin.Authority} gives {target.Authority} as {role}, a link-local address");
        }
    }

    private static bool IsLinkLocal(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? address.IsIPv6LinkLocal
            : address.GetAddressBytes() is [169, 254, ..] or [0, ..];
    }

    private static RegistryFailure Refused(string message) => new(RegistryFailureKind.Protocol, message);

    private static string Shown(string? text) => text is null ? "" : text.Length > 200 ? text[..200] + "…" : text;
}
