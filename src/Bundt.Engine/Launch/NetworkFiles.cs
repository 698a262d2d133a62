using System.Net;
using System.Text;
using Bundt.Engine.Networks;
using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Engine.Launch;

/// <summary>/etc/hosts, /etc/hostname and /etc/resolv.conf as Docker makes them: files of the container's directory, bound into it.</summary>
internal static class NetworkFiles
{
    public const string Hosts = "hosts";
    public const string Hostname = "hostname";
    public const string ResolvConf = "resolv.conf";

    private const string DefaultHosts =
        "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Writes the three files.</summary>
    /// <param name="directory">The container's directory.</param>
    /// <param name="settings">With the hostname resolved.</param>
    /// <param name="networks">Those that the container is in.</param>
    /// <param name="host">The container uses the host's network.</param>
    /// <param name="owner">Host id of the container's root, 0 without a user namespace.</param>
    public static void Write(DirectoryFd directory, ContainerSettings settings, ContainerNetworks networks, bool host, uint owner)
    {
        Put(directory, Hostname, settings.Hostname + "\n", owner);
        Put(directory, Hosts, ComposeHosts(settings.ExtraHosts, host ? ReadHost("/etc/hosts") : null) + OwnAddresses(settings, networks), owner);
        Put(directory, ResolvConf, ComposeResolvConf(settings, ReadHost("/etc/resolv.conf") ?? ""), owner);
    }

    /// <summary>/etc/hosts.</summary>
    /// <param name="extra">"host:ip" lines.</param>
    /// <param name="hostFile">The host's own, when its network is used.</param>
    /// <exception cref="BundtException">InvalidArgument: a malformed line.</exception>
    public static string ComposeHosts(IReadOnlyList<string> extra, string? hostFile)
    {
        var text = new StringBuilder(hostFile ?? DefaultHosts);
        if (text.Length > 0 && text[^1] != '\n')
        {
            text.Append('\n');
        }

        foreach (var line in extra)
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            var address = colon <= 0 ? "" : line[(colon + 1)..].Trim('[', ']');
            if (address == "host-gateway")
            {
                throw Invalid("unable to derive the IP value for host-gateway: there is no bridge network");
            }

            if (!IPAddress.TryParse(address, out _))
            {
                throw Invalid(colon <= 0 ? $"bad format for add-host: \"{line}\"" : $"invalid IP address in add-host: \"{address}\"");
            }

            text.Append(address).Append('\t').Append(line.AsSpan(0, colon)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>/etc/resolv.conf: the host's, with what the user says instead.</summary>
    public static string ComposeResolvConf(ContainerSettings settings, string hostFile)
    {
        if (settings.Dns.Count == 0 && settings.DnsSearch.Count == 0 && settings.DnsOptions.Count == 0)
        {
            return hostFile;
        }

        var lines = hostFile.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var servers = settings.Dns.Count > 0 ? settings.Dns.Select(d => "nameserver " + d) : lines.Where(l => IsKey(l, "nameserver"));
        var search = settings.DnsSearch.Count > 0
            ? settings.DnsSearch is ["."] ? [] : ["search " + string.Join(' ', settings.DnsSearch)]
            : lines.Where(l => IsKey(l, "search") || IsKey(l, "domain"));
        var options = settings.DnsOptions.Count > 0 ? ["options " + string.Join(' ', settings.DnsOptions)] : lines.Where(l => IsKey(l, "options"));
        return string.Concat(servers.Concat(search).Concat(options).Select(l => l + "\n"));
    }

    private static string OwnAddresses(ContainerSettings settings, ContainerNetworks networks)
    {
        var names = settings.Domainname.Length > 0 ? $"{settings.Hostname}.{settings.Domainname} {settings.Hostname}" : settings.Hostname;
        return string.Concat(networks.Members
            .SelectMany(member => (IEnumerable<IPAddress?>)[member.Endpoint.Ipv4, member.Endpoint.Ipv6])
            .Where(address => address is not null)
            .Select(address => $"{address}\t{names}\n"));
    }

    private static bool IsKey(string line, string key) =>
        line.StartsWith(key, StringComparison.Ordinal) && line.Length > key.Length && char.IsWhiteSpace(line[key.Length]);

    private static string? ReadHost(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static void Put(DirectoryFd directory, string name, string content, uint owner)
    {
        // In place, not renamed: a file that is bound into a container stays the one that is seen there.
        using var file = directory.OpenFile(name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Truncate | OpenFlags.NoFollow, Readable);
        DirectoryFd.SetMode(file, Readable);
        if (owner != 0)
        {
            DirectoryFd.SetOwner(file, owner, owner);
        }

        RandomAccess.Write(file, Encoding.UTF8.GetBytes(content), 0);
    }

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
