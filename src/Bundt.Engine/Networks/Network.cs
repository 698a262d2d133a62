using System.Net;
using System.Net.NetworkInformation;
using System.Security.Cryptography;
using Bundt.Engine.Containers;
using Bundt.Linux;

namespace Bundt.Engine.Networks;

/// <summary>
/// A network and who is in it. Which addresses are taken is not stored anywhere: they are those of its endpoints, which live as long as their
/// containers run.
/// </summary>
public sealed class Network
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Endpoint> _endpoints = new(StringComparer.Ordinal);
    private readonly HashSet<IPAddress> _taken = [];
    private bool _isClosed;

    internal Network(NetworkRecord record)
    {
        Record = record;
        Options = NetworkOptions.Parse(record.Settings.Driver, record.Settings.Options);
        Subnets = [.. record.Subnets.Select(Subnet.Parse)];
    }

    /// <summary>64 hex digits.</summary>
    public string Id => Record.Id;

    /// <summary>Its name.</summary>
    public string Name => Record.Settings.Name;

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created => Record.Created;

    /// <summary>What it was asked to be.</summary>
    public NetworkRequest Settings => Record.Settings;

    /// <summary>Its subnets as they are: those asked for, and those chosen; gateways and ranges only where they were asked for or chosen.</summary>
    public IReadOnlyList<SubnetRequest> Ipam =>
        [.. Subnets.Select(subnet => new SubnetRequest(
            subnet.Network.ToString(), subnet.HasRange ? subnet.Range.ToString() : null, subnet.Gateway?.ToString(), subnet.Reserved.ToDictionary(pair => pair.Key, pair => pair.Value.ToString())))];

    internal NetworkRecord Record { get; }

    internal NetworkOptions Options { get; }

    internal IReadOnlyList<Subnet> Subnets { get; }

    /// <summary>It is a bridge of the host's; else containers are on the network of a parent interface.</summary>
    internal bool IsBridge => Settings.Driver == NetworkDrivers.Bridge;

    /// <summary>The interface below a macvlan or ipvlan; where none is named, one that leads nowhere, named as Docker does.</summary>
    internal string Parent => Options.Parent ?? (Settings.Driver == NetworkDrivers.IpVlan ? "di-" : "dm-") + Id[..12];

    /// <summary>What goes elsewhere goes by the interface, to no router in particular: the parent's routes decide.</summary>
    internal bool RoutesByLink => Settings.Driver == NetworkDrivers.IpVlan && Options.Mode is "l3" or "l3s";

    /// <summary>The bridge's name: the first 12 digits of the id, as Docker has it.</summary>
    internal string Bridge => Options.Bridge ?? "br-" + Id[..12];

    /// <summary>What the packet filter has to know of it.</summary>
    internal BridgeRules Rules => new(Bridge, [.. Subnets.Select(subnet => subnet.Network)], Settings.Internal, Options.Masquerade);

    /// <summary>Those who are in it now.</summary>
    internal IReadOnlyList<Endpoint> Endpoints
    {
        get
        {
            lock (_lock)
            {
                return [.. _endpoints.Values];
            }
        }
    }

    /// <summary>Takes a container in: its addresses are nobody else's until it leaves.</summary>
    /// <param name="containerId">The container.</param>
    /// <param name="interfaceName">The interface's name in it.</param>
    /// <param name="wanted">Addresses that it asks for; others are chosen.</param>
    /// <param name="hardware">The hardware address that it asks for; null: a random one.</param>
    /// <exception cref="BundtException">Conflict: the address is taken, or none is left, or the container is in already; InvalidArgument: it is outside.</exception>
    internal Endpoint Enter(string containerId, string interfaceName, IReadOnlyCollection<IPAddress> wanted, PhysicalAddress? hardware)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                throw new BundtException(FailureKind.NotFound, Phase.Network, $"network {Name} ({Id[..12]}) not found", "It is being removed.");
            }

            if (_endpoints.ContainsKey(containerId))
            {
                throw new BundtException(FailureKind.Conflict, Phase.Network, $"container {containerId[..12]} is in network {Name} already");
            }

            var addresses = new IPAddress?[2];
            foreach (var address in wanted)
            {
                var subnet = SubnetOf(address);
                addresses[subnet.IsIpv6 ? 1 : 0] = !_taken.Contains(subnet.Check(address))
                    ? address
                    : throw new BundtException(FailureKind.Conflict, Phase.Network, $"Address already in use: {address} is that of container {Holder(address)}");
            }

            foreach (var isIpv6 in (ReadOnlySpan<bool>)[false, true])
            {
                addresses[isIpv6 ? 1 : 0] ??= Free(isIpv6);
            }

            var endpoint = new Endpoint(
                containerId, ContainerNames.NewId(), interfaceName, IsBridge ? "veth" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4)) : "",
                hardware ?? NewHardware(addresses[0] ?? addresses[1]), addresses[0], addresses[1]);
            Add(endpoint);
            return endpoint;
        }
    }

    /// <summary>Whether a container may ask for an address, if it is free.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is in none of the subnets, or nobody chose them; Conflict: it is not a container's to have.</exception>
    internal void Check(IPAddress address)
    {
        var subnet = SubnetOf(address);
        if (!Settings.Subnets.Any(asked => asked.Subnet is { Length: > 0 } text && Subnet.Parse(asked).Network == subnet.Network))
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Network, "user specified IP address is supported only when connecting to networks with user configured subnets");
        }

        subnet.Check(address);
    }

    /// <summary>Lets nobody in any more if nobody is in; else says who is.</summary>
    internal IReadOnlyList<Endpoint> Close()
    {
        lock (_lock)
        {
            _isClosed = _endpoints.Count == 0;
            return [.. _endpoints.Values];
        }
    }

    /// <summary>It is not removed after all.</summary>
    internal void Reopen()
    {
        lock (_lock)
        {
            _isClosed = false;
        }
    }

    /// <summary>Takes an endpoint in as it is: that of a container that a daemon before this one has started.</summary>
    internal void Adopt(Endpoint endpoint)
    {
        lock (_lock)
        {
            Add(endpoint);
        }
    }

    /// <summary>Lets a container out; its addresses are free again. Null: it was not in.</summary>
    internal Endpoint? Leave(string containerId)
    {
        lock (_lock)
        {
            if (!_endpoints.Remove(containerId, out var endpoint))
            {
                return null;
            }

            foreach (var address in (ReadOnlySpan<IPAddress?>)[endpoint.Ipv4, endpoint.Ipv6])
            {
                if (address is not null)
                {
                    _taken.Remove(address);
                }
            }

            return endpoint;
        }
    }

    /// <summary>The subnet that an address is in.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is in none.</exception>
    internal Subnet SubnetOf(IPAddress address) => Subnets.FirstOrDefault(subnet => subnet.Network.Contains(address))
        ?? throw new BundtException(
            FailureKind.InvalidArgument, Phase.Network, $"invalid address {address}: it belongs to no subnet of network {Name} ({string.Join(", ", Subnets.Select(s => s.Network))})");

    // On a bridge it follows from the address: whoever remembers it for the container that had the address before is right. Elsewhere the interface
    // before may still be there for a moment, and no two may have the same one; an ipvlan has its parent's.
    private PhysicalAddress NewHardware(IPAddress? address) =>
        IsBridge && address is not null ? HardwareAddress.Of(address) : Settings.Driver == NetworkDrivers.IpVlan ? PhysicalAddress.None : HardwareAddress.Random();

    private void Add(Endpoint endpoint)
    {
        _endpoints[endpoint.ContainerId] = endpoint;
        foreach (var address in (ReadOnlySpan<IPAddress?>)[endpoint.Ipv4, endpoint.Ipv6])
        {
            if (address is not null)
            {
                _taken.Add(address);
            }
        }
    }

    private IPAddress? Free(bool isIpv6)
    {
        var subnets = Subnets.Where(subnet => subnet.IsIpv6 == isIpv6).ToList();
        return subnets.Count == 0
            ? null
            : subnets.Select(subnet => subnet.Free(_taken.Contains)).FirstOrDefault(address => address is not null)
                ?? throw new BundtException(
                    FailureKind.Conflict, Phase.Network, $"no available IPv{(isIpv6 ? 6 : 4)} addresses on network {Name}: all of {string.Join(", ", subnets.Select(s => s.Range))} are taken");
    }

    private string Holder(IPAddress address) =>
        _endpoints.Values.FirstOrDefault(endpoint => address.Equals(endpoint.Ipv4) || address.Equals(endpoint.Ipv6))?.ContainerId[..12] ?? "";
}
