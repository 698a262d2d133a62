using System.Net;
using System.Net.Sockets;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Registry;

/// <summary>One place that can be asked for images of a registry: the registry itself or a mirror of it.</summary>
/// <param name="Name">Host and port as in references; the key for credentials.</param>
/// <param name="Bases">Addresses in the order in which they are tried until one answers: https, for insecure registries then http.</param>
/// <param name="IsMirror">A mirror: asked first, and any failure of it leads on to the next place.</param>
/// <param name="VerifiesCertificate">False for insecure registries alone.</param>
internal sealed record RegistryHost(string Name, IReadOnlyList<Uri> Bases, bool IsMirror, bool VerifiesCertificate)
{
    private const string HubHost = "registry-1.docker.io";

    /// <summary>The places for a registry, in the order in which they are asked.</summary>
    public static IReadOnlyList<RegistryHost> For(string registry, RegistryOptions options)
    {
        List<RegistryHost> hosts = [];
        if (registry == ImageReference.DefaultRegistry)
        {
            hosts.AddRange(options.Mirrors.Select(mirror => OfMirror(mirror, options)));
            hosts.Add(new RegistryHost(registry, [new Uri($"https://{HubHost}/")], IsMirror: false, VerifiesCertificate: true));
            return hosts;
        }

        bool insecure = IsInsecure(registry, options);
        Uri secure = new($"https://{registry}/");
        hosts.Add(new RegistryHost(registry, insecure ? [secure, new Uri($"http://{registry}/")] : [secure], IsMirror: false, VerifiesCertificate: !insecure));
        return hosts;
    }

    /// <summary>Whether a host is this machine by its very name: 127.0.0.0/8, ::1 or localhost. Nobody in between can listen or lie.</summary>
    public static bool IsLoopback(string host)
    {
        string bare = host.Trim('[', ']');
        return bare.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(bare, out IPAddress? address) && IPAddress.IsLoopback(address));
    }

    /// <summary>Whether the options allow plain HTTP and unverified certificates for a registry (host or host:port).</summary>
    public static bool IsInsecure(string registry, RegistryOptions options)
    {
        string host = HostOf(registry);
        if (IsLoopback(host))
        {
            return true;
        }

        List<IPNetwork> networks = [];
        foreach (string entry in options.Insecure)
        {
            if (entry.Equals(registry, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }

            if (IPNetwork.TryParse(entry, out IPNetwork network))
            {
                networks.Add(network);
            }
        }

        return networks.Count > 0 && AddressesOf(host).Any(address => networks.Exists(network => network.Contains(address)));
    }

    private static RegistryHost OfMirror(Uri mirror, RegistryOptions options)
    {
        string name = mirror.IsDefaultPort ? mirror.Host : $"{mirror.Host}:{mirror.Port}";
        Uri address = new(mirror.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/");
        return new RegistryHost(name, [address], IsMirror: true, VerifiesCertificate: mirror.Scheme != Uri.UriSchemeHttps || !IsInsecure(name, options));
    }

    private static string HostOf(string registry)
    {
        int colon = registry.LastIndexOf(':');
        return (colon > registry.LastIndexOf(']') ? registry[..colon] : registry).Trim('[', ']');
    }

    private static IPAddress[] AddressesOf(string host)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return [address];
        }

        try
        {
            return Dns.GetHostAddresses(host);
        }
        catch (SocketException)
        {
            // Unknown now: the connection will say so. Until then it counts as secure.
            return [];
        }
    }
}
