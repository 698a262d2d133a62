using System.Net;
using System.Net.Sockets;
using Bundt.Engine.Containers;
using Bundt.Linux;
using Bundt.Linux.Namespaces;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks.Names;

/// <summary>
/// The name servers of all bridge networks, and under which names their containers are known there. A network's server listens on the addresses
/// of its bridge, from the first container on until the network is removed or the daemon goes.
/// </summary>
/// <param name="host">The host's own resolvers.</param>
/// <param name="logger">Hears what goes wrong.</param>
internal sealed class NameService(HostResolvers host, ILogger logger) : IAsyncDisposable
{
    // IPPROTO_IP, IP_FREEBIND; IPPROTO_IPV6, IPV6_FREEBIND (in.h, in6.h): an address that is still to come, or not yet usable, can be bound too.
    private static readonly (int Level, int Option) s_freeBind4 = (0, 15), s_freeBind6 = (41, 78);

    /// <summary>Where the server of a container listens, in its own network namespace, whose networks have no bridge: Docker's address for it.</summary>
    private static readonly IPAddress s_inside = new([127, 0, 0, 11]);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Inside> _inside = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Served> _networks = new(StringComparer.Ordinal);

    /// <summary>
    /// Whether the default bridge has a server, too: one that knows no names, as Docker has it there, and only hands on. Needed where the host's
    /// resolvers are on its loopback interface, which no container reaches.
    /// </summary>
    private bool ServesDefault => host.Servers is { Count: > 0 } servers && servers.All(server => IPAddress.IsLoopback(server.Address));

    /// <summary>Says under which names a container is known in its networks, and whose names it sees: those of the networks given, and of no other.</summary>
    public void Set(ContainerRecord record, IReadOnlyList<(Network Network, Endpoint Endpoint)> members)
    {
        lock (_lock)
        {
            Forget(record.Id, members);

            // Whichever server it asks.
            var links = record.Networks.SelectMany(member => member.Links).Select(Link).Distinct().ToList();
            foreach (var (network, endpoint) in members)
            {
                var served = Of(network);
                var member = record.Networks.FirstOrDefault(member => member.IsOf(network));
                served.Endpoints[record.Id] = new NamedEndpoint
                {
                    Names = member?.DnsNames(record) ?? [],
                    Addresses = [.. Addresses(endpoint)],
                    Servers = record.Settings.Dns.Count == 0 ? null : [.. Upstreams(record.Settings).Select(address => new IPEndPoint(address, NameServer.Port))],
                    Forwards = members.Any(member => !member.Network.Settings.Internal),
                    OtherZones = [.. members.Where(other => other.Network.Id != network.Id).Select(other => Of(other.Network).Zone)],
                    Links = [.. links],
                };
                served.Changed();
            }

            if (_inside.TryGetValue(record.Id, out var inside))
            {
                inside.Set(members.Select(member => _networks[member.Network.Id]), record.Id);
            }
        }
    }

    /// <summary>A container is known in none of these networks any more.</summary>
    public void Remove(string containerId, IEnumerable<(Network Network, Endpoint Endpoint)> members)
    {
        lock (_lock)
        {
            foreach (var (network, _) in members)
            {
                if (_networks.TryGetValue(network.Id, out var served) && served.Endpoints.Remove(containerId))
                {
                    served.Changed();
                }
            }

            if (_inside.Remove(containerId, out var inside))
            {
                _ = inside.Server?.DisposeAsync().AsTask();
            }
        }
    }

    /// <summary>
    /// The server that a container of these networks asks if there is none on a bridge: its own, which <see cref="ServeInside"/> begins. Null: its
    /// networks have bridges.
    /// </summary>
    public static IPAddress? AddressInside(IEnumerable<Network> networks) => networks.Any(network => !network.IsBridge) ? s_inside : null;

    /// <summary>
    /// Begins a container's own server: a macvlan's container cannot reach its host. The sockets are in the container's network namespace, the daemon
    /// answers. Does nothing if it is there already, or is not needed.
    /// </summary>
    public void ServeInside(string containerId, IReadOnlyList<(Network Network, Endpoint Endpoint)> members, SafeFileHandle networkNamespace)
    {
        if (AddressInside(members.Select(member => member.Network)) is null)
        {
            return;
        }

        lock (_lock)
        {
            if (_inside.ContainsKey(containerId))
            {
                return;
            }

            var inside = new Inside(containerId);
            inside.Set(members.Select(member => Of(member.Network)), containerId);
            var sockets = new List<Socket>();
            try
            {
                NetworkNamespace.Enter(networkNamespace, () =>
                {
                    sockets.Add(Bind(s_inside, SocketType.Dgram, ProtocolType.Udp));
                    sockets.Add(Bind(s_inside, SocketType.Stream, ProtocolType.Tcp));
                });
                inside.Server = new NameServer(inside.Zone, sockets[..1], sockets[1..], host, logger);
                _inside[containerId] = inside;
            }
            catch (Exception e) when (e is SocketException or BundtException)
            {
                sockets.ForEach(socket => socket.Dispose());
                logger.NoNameServer(members[0].Network.Name, $"{s_inside} in container {containerId}", BundtException.Reason(e));
            }
        }
    }

    /// <summary>The server that a container of these networks asks: that of the first one that has one. Null: its resolvers are the host's.</summary>
    /// <param name="networks">The one by which it reaches everything else comes first.</param>
    public IPAddress? Serve(IEnumerable<Network> networks)
    {
        foreach (var network in networks)
        {
            if (Address(network) is { } address && Listen(network))
            {
                return address;
            }
        }

        return null;
    }

    /// <summary>A daemon begins: those who are in networks already are answered again.</summary>
    public void Resume(IEnumerable<Network> networks)
    {
        foreach (var network in networks)
        {
            if (network.Endpoints.Count > 0 && Address(network) is not null)
            {
                Listen(network);
            }
        }
    }

    /// <summary>Ends the server of a network that is removed: when this returns another one may have its address.</summary>
    public void End(Network network)
    {
        Served? served;
        lock (_lock)
        {
            _networks.Remove(network.Id, out served);
        }

        served?.Server?.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        List<NameServer> servers;
        lock (_lock)
        {
            servers = [.. _networks.Values.Select(served => served.Server).Concat(_inside.Values.Select(inside => inside.Server)).OfType<NameServer>()];
            _networks.Clear();
            _inside.Clear();
        }

        foreach (var server in servers)
        {
            await server.DisposeAsync().ConfigureAwait(false);
        }

        host.Dispose();
    }

    /// <summary>Servers of --dns that are asked from the host, on the container's behalf. One on a loopback address is the container's own.</summary>
    private static IEnumerable<IPAddress> Upstreams(ContainerSettings settings) =>
        settings.Dns.Select(IPAddress.Parse).Where(address => !IPAddress.IsLoopback(address)).Take(Forwarder.MaxServers);

    private static IEnumerable<IPAddress> Addresses(Endpoint endpoint) => ((IPAddress?[])[endpoint.Ipv4, endpoint.Ipv6]).OfType<IPAddress>();

    // "name:alias"; without an alias the name is one.
    private static NameLink Link(string link)
    {
        var colon = link.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? new NameLink(link, link) : new NameLink(link[(colon + 1)..], link[..colon]);
    }

    private static IEnumerable<IPAddress> Gateways(Network network) =>
        network.Subnets.Where(subnet => subnet.IsIpv6 || network.Options.HasAddress).Select(subnet => subnet.Gateway).OfType<IPAddress>();

    private IPAddress? Address(Network network) =>
        network.IsBridge && (network.Name != NetworkStore.DefaultName || ServesDefault)
            ? Gateways(network).OrderBy(gateway => gateway.AddressFamily == AddressFamily.InterNetworkV6).FirstOrDefault()
            : null;

    private Served Of(Network network)
    {
        if (!_networks.TryGetValue(network.Id, out var served))
        {
            _networks[network.Id] = served = new Served(network.Name);
        }

        return served;
    }

    private void Forget(string containerId, IReadOnlyList<(Network Network, Endpoint Endpoint)> but)
    {
        foreach (var (id, served) in _networks)
        {
            if (!but.Any(member => member.Network.Id == id) && served.Endpoints.Remove(containerId))
            {
                served.Changed();
            }
        }
    }

    // False: somebody else has the port there. It is tried again with the next container.
    private bool Listen(Network network)
    {
        lock (_lock)
        {
            var served = Of(network);
            if (served.Server is not null)
            {
                return true;
            }

            var (datagrams, listeners) = (new List<Socket>(), new List<Socket>());
            try
            {
                foreach (var gateway in Gateways(network))
                {
                    datagrams.Add(Bind(gateway, SocketType.Dgram, ProtocolType.Udp));
                    listeners.Add(Bind(gateway, SocketType.Stream, ProtocolType.Tcp));
                }

                served.Server = new NameServer(served.Zone, datagrams, listeners, host, logger);
                return true;
            }
            catch (SocketException e)
            {
                foreach (var socket in datagrams.Concat(listeners))
                {
                    socket.Dispose();
                }

                logger.NoNameServer(network.Name, string.Join(" and ", Gateways(network)), BundtException.Reason(e));
                return false;
            }
        }
    }

    private static Socket Bind(IPAddress address, SocketType type, ProtocolType protocol)
    {
        var socket = new Socket(address.AddressFamily, type, protocol);
        try
        {
            var (level, option) = address.AddressFamily == AddressFamily.InterNetworkV6 ? s_freeBind6 : s_freeBind4;
            socket.SetRawSocketOption(level, option, BitConverter.GetBytes(1));
            socket.Bind(new IPEndPoint(address, NameServer.Port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class Served(string network)
    {
        public NameZone Zone { get; } = new(network);

        public Dictionary<string, NamedEndpoint> Endpoints { get; } = new(StringComparer.Ordinal);

        public NameServer? Server { get; set; }

        public void Changed() => Zone.Replace([.. Endpoints.Values]);
    }

    /// <summary>A container's own server: it has a zone with nobody in it but the one who asks, and all the names are those of the other zones.</summary>
    private sealed class Inside(string containerId)
    {
        public NameZone Zone { get; } = new("container " + containerId[..12]);

        public NameServer? Server { get; set; }

        public void Set(IEnumerable<Served> networks, string id)
        {
            var served = networks.ToList();
            Zone.Replace(served.Find(network => network.Endpoints.ContainsKey(id))?.Endpoints[id] is { } endpoint
                ? [endpoint with { Names = [], Addresses = [IPAddress.Loopback, s_inside], OtherZones = [.. served.Select(network => network.Zone)] }]
                : []);
        }
    }
}
