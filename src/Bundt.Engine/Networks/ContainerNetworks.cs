using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json;
using Bundt.Engine.Containers;
using Bundt.Engine.Networks.Names;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Linux.Network;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>The networks that a container is in while it runs. They are told to the next daemon by a file in its run directory.</summary>
internal sealed class ContainerNetworks
{
    private const string FileName = "network.json";

    private readonly NameService _names;

    /// <summary>The container may end while it is connected to another network.</summary>
    private readonly Lock _changing = new();
    private bool _left;

    /// <summary>The same networks in the order of who is the way to everywhere else.</summary>
    private volatile IReadOnlyList<(Network Network, Endpoint Endpoint)> _ways = [];
    private volatile IReadOnlyList<(Network Network, Endpoint Endpoint)> _members = [];
    private volatile IReadOnlyList<PublishedPort> _ports = [];
    private HostPorts? _publisher;

    private ContainerNetworks(NameService names) => _names = names;

    /// <summary>The networks, and the container's place in each.</summary>
    public IReadOnlyList<(Network Network, Endpoint Endpoint)> Members => _members;

    /// <summary>The ports of the host that lead to it.</summary>
    public IReadOnlyList<PublishedPort> Ports => _ports;

    /// <summary>Who answers the container's questions for names; null: whom the host asks, too.</summary>
    public IPAddress? NameServer => _names.Serve(_ways.Select(member => member.Network)) ?? NameService.AddressInside(_ways.Select(member => member.Network));

    /// <summary>Takes a container into its networks: it has addresses from now on, and no interfaces yet.</summary>
    /// <exception cref="BundtException">A network is gone, an address is taken; it is in none of them.</exception>
    public static ContainerNetworks Enter(NetworkStore networks, NetworkDrivers drivers, NameService names, ContainerRecord record)
    {
        var entered = new ContainerNetworks(names);
        try
        {
            foreach (var member in record.Networks)
            {
                var network = networks.TryFind(member.NetworkId)
                    ?? (member.NetworkName == NetworkStore.DefaultName ? networks.Default : null)
                    ?? throw new BundtException(FailureKind.NotFound, Phase.Network, $"network {member.NetworkName} ({member.NetworkId[..12]}) not found", "It has been removed since the container was made.");
                entered._members = [.. entered._members, (network, entered.Enter(network, record, member))];
            }

            entered.Name(record);
            return entered;
        }
        catch
        {
            entered.Leave(drivers);
            throw;
        }
    }

    /// <summary>Those that a container is in which a daemon before this one has started.</summary>
    /// <exception cref="JsonException">The file is damaged.</exception>
    public static ContainerNetworks Adopt(NetworkStore networks, NameService names, HostPorts ports, ContainerRecord container, string runDirectory)
    {
        var adopted = new ContainerNetworks(names);
        var path = Path.Combine(runDirectory, FileName);
        if (!File.Exists(path))
        {
            return adopted;
        }

        foreach (var record in JsonSerializer.Deserialize(File.ReadAllBytes(path), RecordJson.Default.EndpointRecordArray) ?? [])
        {
            if (networks.TryFind(record.NetworkId) is { } network)
            {
                var endpoint = record.ToEndpoint(container.Id);
                network.Adopt(endpoint);
                adopted._members = [.. adopted._members, (network, endpoint)];
                adopted._ports = [.. adopted._ports, .. record.Ports.Select(port => port.ToPort())];
            }
        }

        if (adopted._ports.Count > 0)
        {
            adopted._publisher = ports;
            ports.Adopt(container.Id, adopted._ports);
        }

        adopted.Name(container);
        return adopted;
    }

    /// <summary>Says under which names it is known, as its record has them now.</summary>
    public void Name(ContainerRecord record)
    {
        _names.Set(record, _members);
        _ways = DefaultRoutes.Order(record, _members);
    }

    /// <summary>
    /// Takes the ports of the host that are to lead to the container, by the network through which it reaches everything else. Without one that is a bridge
    /// there is nobody who could publish, and nothing is.
    /// </summary>
    /// <exception cref="BundtException">A port cannot be had; nothing is taken.</exception>
    public async Task PublishAsync(HostPorts ports, IReadOnlyList<PortRequest> requests, CancellationToken cancellation)
    {
        var (network, endpoint) = Way;
        if (requests.Count > 0 && network is { IsBridge: true })
        {
            _ports = await ports.TakeAsync(endpoint.ContainerId, requests, network.Options.PublishAt, endpoint.Ipv4, endpoint.Ipv6, cancellation).ConfigureAwait(false);
            _publisher = ports;
        }
    }

    /// <summary>Writes down what the container has, and gives it its interfaces, addresses and routes.</summary>
    /// <param name="drivers">The networks' drivers.</param>
    /// <param name="networkNamespace">The container's network namespace, in which nothing runs yet.</param>
    /// <param name="runDirectory">Where it is written down.</param>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Connect(NetworkDrivers drivers, SafeFileHandle networkNamespace, string runDirectory)
    {
        if (_members.Count == 0)
        {
            return;
        }

        WriteDown(runDirectory);
        foreach (var (network, endpoint) in _members)
        {
            drivers.Of(network).Connect(network, endpoint, networkNamespace, routes: _members.Count == 1);
        }

        if (_members.Count > 1)
        {
            DefaultRoutes.Set(networkNamespace, _ways);
        }

        _publisher?.Open(_members[0].Endpoint.ContainerId);
        _names.ServeInside(_members[0].Endpoint.ContainerId, _members, networkNamespace);
    }

    /// <summary>Takes the running container into another network. Null: it runs no more.</summary>
    /// <param name="drivers">The networks' drivers.</param>
    /// <param name="record">The container, in that network.</param>
    /// <param name="network">The network.</param>
    /// <param name="asked">What it asks of it.</param>
    /// <param name="networkNamespace">The container's network namespace.</param>
    /// <param name="runDirectory">Where it is written down.</param>
    /// <exception cref="BundtException">An address is taken, the kernel refuses: nothing is left of it.</exception>
    public Endpoint? Join(
        NetworkDrivers drivers, ContainerRecord record, Network network, NetworkMembership asked, SafeFileHandle networkNamespace, string runDirectory)
    {
        lock (_changing)
        {
            if (_left)
            {
                return null;
            }

            var (before, endpoint) = (_members, Enter(network, record, asked));
            try
            {
                // Written down first: it is found even if we die in between.
                _members = [.. before, (network, endpoint)];
                WriteDown(runDirectory);
                drivers.Of(network).Connect(network, endpoint, networkNamespace, routes: false);
                Name(record);
                DefaultRoutes.Set(networkNamespace, _ways);
                _names.ServeInside(record.Id, _members, networkNamespace);
                return endpoint;
            }
            catch
            {
                _members = before;
                Name(record);
                drivers.Of(network).Disconnect(endpoint, networkNamespace);
                network.Leave(record.Id);
                WriteDown(runDirectory);
                throw;
            }
        }
    }

    /// <summary>Takes the running container out of a network; another one may be its way to everywhere else then. Null: it was not in it, or runs no more.</summary>
    /// <param name="drivers">The networks' drivers.</param>
    /// <param name="record">The container, not in that network any more.</param>
    /// <param name="network">The network.</param>
    /// <param name="networkNamespace">The container's network namespace.</param>
    /// <param name="runDirectory">Where it is written down.</param>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public Endpoint? Part(NetworkDrivers drivers, ContainerRecord record, Network network, SafeFileHandle networkNamespace, string runDirectory)
    {
        lock (_changing)
        {
            if (_left || _members.FirstOrDefault(member => member.Network.Id == network.Id) is not { Endpoint: { } endpoint })
            {
                return null;
            }

            _members = [.. _members.Where(member => member.Network.Id != network.Id)];
            Name(record);
            drivers.Of(network).Disconnect(endpoint, networkNamespace);
            network.Leave(record.Id);
            DefaultRoutes.Set(networkNamespace, _ways);
            if (_ports.Any(port => port.Container.Equals(endpoint.Ipv4) || port.Container.Equals(endpoint.Ipv6)))
            {
                var next = Way is { Network.IsBridge: true } way ? way.Endpoint : null;
                _ports = _publisher!.Move(record.Id, next?.Ipv4, next?.Ipv6);
            }

            WriteDown(runDirectory);
            return endpoint;
        }
    }

    /// <summary>
    /// Gives the running container what a daemon that died in between has written down and not made, and its name server, which died with that one. The
    /// places in networks that were not made.
    /// </summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public IReadOnlyList<Endpoint> Restore(NetworkDrivers drivers, SafeFileHandle networkNamespace)
    {
        lock (_changing)
        {
            using var host = NetworkStack.OpenOwn();
            var missing = _left ? [] : _members.Where(member => member.Endpoint.Port.Length > 0 && host.IndexOf(member.Endpoint.Port) is null).ToList();
            foreach (var (network, endpoint) in missing)
            {
                drivers.Of(network).Connect(network, endpoint, networkNamespace, routes: false);
            }

            if (missing.Count > 0)
            {
                DefaultRoutes.Set(networkNamespace, _ways);
            }

            if (!_left && _members.Count > 0)
            {
                _names.ServeInside(_members[0].Endpoint.ContainerId, _members, networkNamespace);
            }

            return missing.ConvertAll(member => member.Endpoint);
        }
    }

    private (Network Network, Endpoint Endpoint) Way => _ways.FirstOrDefault(member => !member.Network.Settings.Internal);

    private Endpoint Enter(Network network, ContainerRecord record, NetworkMembership asked)
    {
        var name = Enumerable.Range(0, int.MaxValue).Select(number => $"{network.Options.Prefix}{number}").First(name => _members.All(member => member.Endpoint.Interface != name));
        var hardware = asked.Hardware is { } text ? PhysicalAddress.Parse(text) : null;
        return network.Enter(record.Id, name, [.. asked.Addresses.Select(IPAddress.Parse)], hardware);
    }

    private void WriteDown(string runDirectory)
    {
        using var directory = DirectoryFd.OpenHost(runDirectory);
        var records = _members.Select(member => EndpointRecord.Of(member.Network, member.Endpoint, _ports)).ToArray();
        AtomicFile.Replace(directory, FileName, JsonSerializer.SerializeToUtf8Bytes(records, RecordJson.Default.EndpointRecordArray), durable: false);
    }

    /// <summary>Takes the container out of its networks. Its interfaces go first: nobody else gets an address that still answers.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Leave(NetworkDrivers drivers)
    {
        BundtException? failure = null;
        lock (_changing)
        {
            _left = true;
            var id = _members.Count > 0 ? _members[0].Endpoint.ContainerId : "";
            try
            {
                _publisher?.Close(id);
            }
            catch (BundtException e)
            {
                failure = e;
            }

            foreach (var (network, endpoint) in _members)
            {
                _names.Remove(endpoint.ContainerId, _members);
                try
                {
                    drivers.Of(network).Disconnect(endpoint, null);
                }
                catch (BundtException e)
                {
                    // With the last process its network namespace goes, and with that the interface: the addresses must not stay taken.
                    failure = e;
                }

                network.Leave(endpoint.ContainerId);
            }

            _members = _ways = [];
            _ports = [];
            _publisher?.Release(id);
            _publisher = null;
        }

        if (failure is not null)
        {
            throw failure;
        }
    }
}
