using System.Net;
using System.Text;
using Bundt.Engine.Networks;
using Bundt.Engine.Networks.Names;
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

    private const string SystemdResolvConf = "/run/systemd/resolve/resolv.conf";

    private const UnixFileMode Readable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>What a container may ask for that stands for the host.</summary>
    private const string HostGateway = "host-gateway";

    /// <summary>Larger ones are no longer what was written here: they are left alone.</summary>
    private const int MaxLength = 1 << 20;

    /// <summary>Writes the three files.</summary>
    /// <param name="directory">The container's directory.</param>
    /// <param name="settings">With the hostname resolved.</param>
    /// <param name="networks">Those that the container is in.</param>
    /// <param name="hostGateways">What "host-gateway" stands for; asked only if it is used.</param>
    /// <param name="links">Lines of /etc/hosts for other containers.</param>
    /// <param name="owner">Host id of the container's root, 0 without a user namespace.</param>
    public static void Write(
        DirectoryFd directory, ContainerSettings settings, ContainerNetworks networks, Func<IReadOnlyList<IPAddress>> hostGateways, IEnumerable<string> links, uint owner)
    {
        var isHost = settings.NetworkMode == "host";
        Put(directory, Hostname, settings.Hostname + "\n", owner);
        Put(
            directory,
            Hosts,
            ComposeHosts(settings.ExtraHosts, isHost ? ReadHost("/etc/hosts") : null, hostGateways) + string.Concat(links) + string.Concat(networks.Members.SelectMany(member => OwnLines(settings, member.Endpoint))),
            owner);
        Put(directory, ResolvConf, ResolvConfOf(settings, networks), owner);
    }

    /// <summary>/etc/resolv.conf of a container in these networks.</summary>
    public static string ResolvConfOf(ContainerSettings settings, ContainerNetworks networks)
    {
        var host = ReadHost("/etc/resolv.conf") ?? "";
        return networks switch
        {
            { NameServer: { } server } => ComposeResolvConf(settings, host, server),
            { Members.Count: > 0 } => ComposeResolvConf(settings, Reachable(host, ReadHost(SystemdResolvConf))),
            _ => ComposeResolvConf(settings, host),
        };
    }

    /// <summary>The lines of /etc/hosts by which a container knows itself in a network.</summary>
    public static IEnumerable<string> OwnLines(ContainerSettings settings, Endpoint endpoint)
    {
        var names = settings.Domainname.Length > 0 ? $"{settings.Hostname}.{settings.Domainname} {settings.Hostname}" : settings.Hostname;
        return ((IPAddress?[])[endpoint.Ipv4, endpoint.Ipv6]).OfType<IPAddress>().Select(address => $"{address}\t{names}\n");
    }

    /// <summary>Changes one of the files while the container sees it. What does not change is not written.</summary>
    /// <param name="directory">The container's directory.</param>
    /// <param name="name">Which file.</param>
    /// <param name="change">From its text to its text.</param>
    public static void Change(DirectoryFd directory, string name, Func<string, string> change)
    {
        using var file = directory.OpenFile(name, OpenFlags.Read | OpenFlags.Write | OpenFlags.NoFollow);
        var length = RandomAccess.GetLength(file);
        if (length > MaxLength)
        {
            return;
        }

        var bytes = new byte[length];
        var old = Encoding.UTF8.GetString(bytes.AsSpan(0, RandomAccess.Read(file, bytes, 0)));
        var text = change(old);
        if (text != old)
        {
            // Never empty in between: somebody may be reading it.
            bytes = Encoding.UTF8.GetBytes(text);
            RandomAccess.Write(file, bytes, 0);
            RandomAccess.SetLength(file, bytes.Length);
        }
    }

    /// <summary>/etc/hosts.</summary>
    /// <param name="extra">"host:ip" lines.</param>
    /// <param name="hostFile">The host's own, when its network is used.</param>
    /// <param name="hostGateways">What "host-gateway" stands for; asked only if it is used.</param>
    /// <exception cref="BundtException">InvalidArgument: a malformed line.</exception>
    public static string ComposeHosts(IReadOnlyList<string> extra, string? hostFile, Func<IReadOnlyList<IPAddress>> hostGateways)
    {
        var text = new StringBuilder(hostFile ?? DefaultHosts);
        if (text.Length > 0 && text[^1] != '\n')
        {
            text.Append('\n');
        }

        foreach (var line in extra)
        {
            var (name, address) = Split(line);
            foreach (var one in address == HostGateway ? hostGateways().Select(gateway => gateway.ToString()) : [address])
            {
                text.Append(one).Append('\t').Append(name).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>Whether what a user asks for makes sense.</summary>
    /// <exception cref="BundtException">InvalidArgument: --add-host or --dns is malformed.</exception>
    public static void Check(ContainerSettings settings)
    {
        foreach (var line in settings.ExtraHosts)
        {
            _ = Split(line);
        }

        foreach (var server in settings.Dns)
        {
            if (!IPAddress.TryParse(server, out _))
            {
                throw Invalid($"bad nameserver address: \"{server}\" is no IP address");
            }
        }

        foreach (var word in (IEnumerable<string>)[.. settings.DnsSearch, .. settings.DnsOptions])
        {
            if (word.Length == 0 || word.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter)))
            {
                throw Invalid($"invalid --dns-search or --dns-option: \"{word}\"");
            }
        }
    }

    /// <summary>/etc/resolv.conf: the host's, with what the user says instead.</summary>
    /// <param name="settings">What the user says.</param>
    /// <param name="hostFile">The host's.</param>
    /// <param name="server">
    /// The network's name server, which asks the others on the container's behalf. Those of the container's own, on its loopback interface, follow:
    /// they are asked where the network's has no answer.
    /// </param>
    public static string ComposeResolvConf(ContainerSettings settings, string hostFile, IPAddress? server = null)
    {
        if (server is null && settings.Dns.Count == 0 && settings.DnsSearch.Count == 0 && settings.DnsOptions.Count == 0)
        {
            return hostFile;
        }

        var lines = hostFile.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var servers = server is not null ? [server.ToString(), .. settings.Dns.Where(own => IPAddress.IsLoopback(IPAddress.Parse(own)))] : settings.Dns;
        var search = settings.DnsSearch.Count > 0
            ? settings.DnsSearch is ["."] ? [] : ["search " + string.Join(' ', settings.DnsSearch)]
            : lines.Where(l => IsKey(l, "search") || IsKey(l, "domain"));
        List<string> options = settings.DnsOptions.Count > 0 ? [.. settings.DnsOptions]
            : [.. lines.Where(l => IsKey(l, "options")).SelectMany(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Skip(1))];
        if (server is not null && !options.Exists(option => option.StartsWith("ndots:", StringComparison.Ordinal)))
        {
            // A container's name has no dots, and is asked for as it is.
            options.Add("ndots:0");
        }

        return string.Concat(
            (servers.Count > 0 ? servers.Select(d => "nameserver " + d) : lines.Where(l => IsKey(l, "nameserver")))
                .Concat(search)
                .Concat(options.Count > 0 ? ["options " + string.Join(' ', options)] : [])
                .Select(l => l + "\n"));
    }

    /// <summary>A host's resolv.conf without the servers on its loopback interface, which are not the container's; those of systemd-resolved instead of its stub.</summary>
    private static string Reachable(string hostFile, string? systemdFile)
    {
        if (systemdFile is not null && HostResolvers.Parse(hostFile) is [var only] && only.Address.Equals(HostResolvers.SystemdStub))
        {
            hostFile = systemdFile;
        }

        return string.Concat(hostFile.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => HostResolvers.Parse(line) is not [var server] || !IPAddress.IsLoopback(server.Address))
            .Select(line => line + "\n"));
    }

    // "name:address"; an address of version 6 may stand in brackets.
    private static (string Name, string Address) Split(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        var name = colon <= 0 ? "" : line[..colon];
        var address = colon <= 0 ? "" : line[(colon + 1)..].Trim('[', ']');
        if (name.Length == 0 || name.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter) || letter == '#'))
        {
            throw Invalid($"bad format for add-host: \"{line}\"");
        }

        return address == HostGateway || IPAddress.TryParse(address, out _) ? (name, address) : throw Invalid($"invalid IP address in add-host: \"{address}\"");
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
