using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Bundt.Linux;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>
/// The ports of the host that lead to running containers. A port is taken if a running container has it, or if the kernel says so; nothing else is
/// remembered.
/// </summary>
/// <remarks>
/// While a container has a port, the daemon keeps a socket bound to it, without listening: no program of the host gets the port, and none of its own
/// connections leaves by it. Packets do not come to this socket, they are redirected before. With the daemon the socket goes, and the next daemon binds it
/// anew: the redirection, which is in the kernel, goes on meanwhile, so that a program that takes the port just then has a port that nobody reaches. To hold
/// it beyond the daemon would take a process for it.
/// </remarks>
/// <param name="filter">The packet filter that redirects.</param>
/// <param name="nameOf">A container's name by its id; null: it is gone.</param>
internal sealed class HostPorts(PacketFilter filter, Func<string, string?> nameOf)
{
    /// <summary>So long is waited for a container that has ended, and whose ports are on their way back.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Holding> _holdings = new(StringComparer.Ordinal);

    private sealed class Holding
    {
        public required List<PublishedPort> Ports { get; init; }

        public List<SafeFileHandle> Sockets { get; } = [];

        public bool Ends { get; set; }

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    /// <summary>Where ports are published that name no address; null: everywhere.</summary>
    public IPAddress? DefaultAddress { get; init; }

    /// <summary>Takes ports for a container. They lead nowhere before <see cref="Open"/>.</summary>
    /// <param name="containerId">The container.</param>
    /// <param name="requests">What it wants.</param>
    /// <param name="defaultAddress">Where ports are published that name no address, in this network; null: as everywhere else.</param>
    /// <param name="ipv4">The container's address; null: it has none.</param>
    /// <param name="ipv6">The container's address; null: it has none.</param>
    /// <param name="cancellation">Ends the wait for ports of containers that have ended.</param>
    /// <exception cref="BundtException">Conflict: a port is taken, and by whom; InvalidArgument: the address is not the host's, or the container has none of that version. Nothing is taken.</exception>
    public async Task<IReadOnlyList<PublishedPort>> TakeAsync(
        string containerId, IReadOnlyList<PortRequest> requests, IPAddress? defaultAddress, IPAddress? ipv4, IPAddress? ipv6, CancellationToken cancellation)
    {
        var deadline = DateTimeOffset.UtcNow + s_patience;
        while (true)
        {
            Holding? ending = null;
            lock (_lock)
            {
                var holding = new Holding { Ports = [] };
                try
                {
                    foreach (var request in requests)
                    {
                        Take(holding, request, defaultAddress ?? DefaultAddress, ipv4, ipv6, ref ending);
                    }

                    _holdings[containerId] = holding;
                    return holding.Ports;
                }
                catch (BundtException) when (ending is not null && DateTimeOffset.UtcNow < deadline)
                {
                    holding.Sockets.ForEach(socket => socket.Dispose());
                }
                catch
                {
                    holding.Sockets.ForEach(socket => socket.Dispose());
                    throw;
                }
            }

            var left = deadline - DateTimeOffset.UtcNow;
            await Task.WhenAny(ending!.Released.Task, Task.Delay(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellation)).ConfigureAwait(false);
        }
    }

    /// <summary>Takes those that a container has already which a daemon before this one has started. Where somebody has bound one meanwhile, he is left alone.</summary>
    public void Adopt(string containerId, IReadOnlyList<PublishedPort> ports)
    {
        var holding = new Holding { Ports = [.. ports] };
        holding.Sockets.AddRange(ports.Select(port => BoundPort.TryBind((int)port.Protocol, port.Host, port.HostPort, out _)).OfType<SafeFileHandle>());
        lock (_lock)
        {
            _holdings[containerId] = holding;
        }

        filter.Know([], ports);
    }

    /// <summary>Lets packets for a container's ports reach it.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Open(string containerId)
    {
        List<PublishedPort> ports;
        lock (_lock)
        {
            ports = _holdings.TryGetValue(containerId, out var holding) ? holding.Ports : [];
        }

        if (ports.Count > 0)
        {
            filter.Add([], ports);
        }
    }

    /// <summary>The container has other addresses: its ports lead there. Those of a version of which it has none any more are free.</summary>
    /// <returns>Its ports.</returns>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public IReadOnlyList<PublishedPort> Move(string containerId, IPAddress? ipv4, IPAddress? ipv6)
    {
        List<PublishedPort> before, after;
        lock (_lock)
        {
            if (!_holdings.TryGetValue(containerId, out var holding))
            {
                return [];
            }

            before = [.. holding.Ports];
            holding.Ports.Clear();
            holding.Ports.AddRange(before
                .Select(port => port with { Container = (port.Host.AddressFamily == AddressFamily.InterNetworkV6 ? ipv6 : ipv4) ?? IPAddress.None })
                .Where(port => !port.Container.Equals(IPAddress.None)));
            after = [.. holding.Ports];
        }

        filter.Remove([], before);
        if (after.Count > 0)
        {
            filter.Add([], after);
        }

        return after;
    }

    /// <summary>The container has ended: its ports come back soon, and who wants them waits.</summary>
    public void End(string containerId)
    {
        lock (_lock)
        {
            if (_holdings.TryGetValue(containerId, out var holding))
            {
                holding.Ends = true;
            }
        }
    }

    /// <summary>Stops the redirection of a container's ports. They stay taken.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Close(string containerId)
    {
        List<PublishedPort> ports;
        lock (_lock)
        {
            ports = _holdings.TryGetValue(containerId, out var holding) ? holding.Ports : [];
        }

        if (ports.Count > 0)
        {
            filter.Remove([], ports);
        }
    }

    /// <summary>Gives a container's ports back.</summary>
    public void Release(string containerId)
    {
        lock (_lock)
        {
            if (_holdings.Remove(containerId, out var holding))
            {
                holding.Sockets.ForEach(socket => socket.Dispose());
                holding.Released.TrySetResult();
            }
        }
    }

    private void Take(Holding holding, PortRequest request, IPAddress? defaultAddress, IPAddress? ipv4, IPAddress? ipv6, ref Holding? ending)
    {
        // All of the host's addresses, as Docker has it; of a version in which the container has no address, nobody would answer: Docker's proxy does that.
        IPAddress[] hosts = (request.Host ?? defaultAddress) is { } one
            ? [one]
            : [.. ipv4 is null ? (IPAddress[])[] : [IPAddress.Any], .. ipv6 is null ? (IPAddress[])[] : [IPAddress.IPv6Any]];
        foreach (var host in hosts)
        {
            if ((host.AddressFamily == AddressFamily.InterNetworkV6 ? ipv6 : ipv4) is null)
            {
                var version = host.AddressFamily == AddressFamily.InterNetworkV6 ? 6 : 4;
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Network, $"cannot publish {new IPEndPoint(host, request.First)}/{Text(request.Protocol)}: the container has no IPv{version} address",
                    version == 6 ? "Put it into a network that is made with --ipv6." : null);
            }
        }

        BundtException? refusal = null;
        foreach (var candidate in Candidates(request))
        {
            var ports = hosts.Select(host => new PublishedPort(
                request.Protocol, host, candidate, host.AddressFamily == AddressFamily.InterNetworkV6 ? ipv6! : ipv4!, request.Port)).ToList();
            if ((Taken(ports, ref ending) ?? Bind(ports, holding)) is not { } reason)
            {
                holding.Ports.AddRange(ports);
                return;
            }

            if (reason.Kind != FailureKind.Conflict)
            {
                throw reason;
            }

            refusal ??= reason;
        }

        throw request.First == request.Last && request.First != 0
            ? refusal!
            : new BundtException(
                FailureKind.Conflict, Phase.Network,
                request.First == 0 ? "no port of net.ipv4.ip_local_port_range is free" : $"all ports of {request.First}-{request.Last} are taken; the first one: {refusal!.Message}");

        // A container's own ports may not collide either.
        BundtException? Taken(List<PublishedPort> ports, ref Holding? ending)
        {
            foreach (var (id, other) in _holdings.Append(new KeyValuePair<string, Holding>("", holding)))
            {
                if (ports.Find(port => other.Ports.Exists(port.Collides)) is { } port)
                {
                    ending ??= other.Ends ? other : null;
                    var whom = id.Length == 0 ? "to the same container" : nameOf(id) is { } name ? $"to container {name} ({id[..12]})" : $"to container {id[..12]}";
                    return new BundtException(
                        FailureKind.Conflict, Phase.Network, $"Bind for {new IPEndPoint(port.Host, port.HostPort)} failed: port is already allocated {whom}");
                }
            }

            return null;
        }
    }

    private static BundtException? Bind(List<PublishedPort> ports, Holding holding)
    {
        var bound = new List<SafeFileHandle>();
        foreach (var port in ports)
        {
            if (BoundPort.TryBind((int)port.Protocol, port.Host, port.HostPort, out var errno) is { } socket)
            {
                bound.Add(socket);
                continue;
            }

            var what = $"failed to bind host port {new IPEndPoint(port.Host, port.HostPort)}/{Text(port.Protocol)}";
            BundtException? refusal = null;
            if (errno == Errno.EADDRINUSE)
            {
                // Our own name server on the bridges does not mind: containers reach it where it is.
                var owner = BoundPort.Owner((int)port.Protocol, port.Host, port.HostPort);
                refusal = owner?.Pid == Environment.ProcessId
                    ? null
                    : new BundtException(
                        FailureKind.Conflict, Phase.Network, what + ": address already in use" + (owner is var (pid, name) ? $" by process {pid} ({name}) of the host" : " by a program of the host"));
            }
            else if (errno == Errno.EADDRNOTAVAIL)
            {
                refusal = new BundtException(FailureKind.InvalidArgument, Phase.Network, what + ": cannot assign requested address", $"No interface of the host has {port.Host}.");
            }

            if (refusal is not null)
            {
                bound.ForEach(socket => socket.Dispose());
                return refusal;
            }
        }

        holding.Sockets.AddRange(bound);
        return null;
    }

    // A random place to begin: whoever was told of a port keeps it in mind for a while.
    private static IEnumerable<ushort> Candidates(PortRequest request)
    {
        if (request.First != 0)
        {
            for (int port = request.First; port <= request.Last; port++)
            {
                yield return (ushort)port;
            }

            yield break;
        }

        var range = File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split((char[])['\t', ' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        var first = int.Parse(range[0], CultureInfo.InvariantCulture);
        var count = int.Parse(range[1], CultureInfo.InvariantCulture) - first + 1;
        var start = RandomNumberGenerator.GetInt32(count);
        for (var i = 0; i < count; i++)
        {
            yield return (ushort)(first + (start + i) % count);
        }
    }

    private static string Text(PortProtocol protocol) => protocol.ToString().ToLowerInvariant();
}
