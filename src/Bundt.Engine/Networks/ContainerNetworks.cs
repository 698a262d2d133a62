using System.Net;
using System.Net.NetworkInformation;
using System.Text.Json;
using Bundt.Engine.Containers;
using Bundt.Engine.Networks.Names;
using Bundt.Linux;
using Bundt.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Networks;

/// <summary>The networks that a container is in while it runs. They are told to the next daemon by a file in its run directory.</summary>
internal sealed class ContainerNetworks
{
    private const string FileName = "network.json";

    private readonly NameService _names;
    private volatile IReadOnlyList<(Network Network, Endpoint Endpoint)> _members = [];

    private ContainerNetworks(NameService names) => _names = names;

    /// <summary>The networks, and the container's place in each.</summary>
    public IReadOnlyList<(Network Network, Endpoint Endpoint)> Members => _members;

    /// <summary>Who answers the container's questions for names; null: whom the host asks, too.</summary>
    public IPAddress? NameServer { get; private set; }

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
                var hardware = member.Hardware is { } text ? PhysicalAddress.Parse(text) : null;
                var name = $"{network.Options.Prefix}{entered._members.Count}";
                entered._members = [.. entered._members, (network, network.Enter(record.Id, name, [.. member.Addresses.Select(IPAddress.Parse)], hardware))];
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
    public static ContainerNetworks Adopt(NetworkStore networks, NameService names, ContainerRecord container, string runDirectory)
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
            }
        }

        names.Set(container, adopted._members);
        return adopted;
    }

    /// <summary>Says under which names it is known, as its record has them now.</summary>
    public void Name(ContainerRecord record)
    {
        _names.Set(record, _members);
        NameServer = _names.Serve(_members.Select(member => member.Network).OrderBy(network => network.Settings.Internal));
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

        using (var directory = DirectoryFd.OpenHost(runDirectory))
        {
            var records = _members.Select(member => EndpointRecord.Of(member.Network, member.Endpoint)).ToArray();
            AtomicFile.Replace(directory, FileName, JsonSerializer.SerializeToUtf8Bytes(records, RecordJson.Default.EndpointRecordArray), durable: false);
        }

        var hasWay = false;
        foreach (var (network, endpoint) in _members)
        {
            var isWay = !hasWay && !network.Settings.Internal;
            drivers.Of(network).Connect(network, endpoint, networkNamespace, routes: isWay);
            hasWay |= isWay;
        }
    }

    /// <summary>Takes the container out of its networks. Its interfaces go first: nobody else gets an address that still answers.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public void Leave(NetworkDrivers drivers)
    {
        BundtException? failure = null;
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

        _members = [];
        if (failure is not null)
        {
            throw failure;
        }
    }
}
