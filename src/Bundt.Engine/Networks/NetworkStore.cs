using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Bundt.Engine.Containers;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Linux.Network;

namespace Bundt.Engine.Networks;

/// <summary>The networks of a daemon: `ROOT/networks/ID.json`, and the default bridge.</summary>
public sealed class NetworkStore
{
    /// <summary>The default network's name.</summary>
    public const string DefaultName = "bridge";

    private const string Suffix = ".json";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private static readonly string[] s_predefined = ["bridge", "host", "none"];

    private static readonly SearchValues<char> s_nameCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

    private readonly string _root;
    private readonly EventLog _events;
    private readonly NetworkDrivers _drivers;
    private readonly HashSet<string> _damaged = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Network> _networks = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Task, bool> _leaving = new();
    private readonly Lock _changing = new();
    private volatile Network? _default;

    /// <param name="root">Directory of the records.</param>
    /// <param name="events">Is told what is made and removed.</param>
    /// <param name="drivers">The networks' drivers.</param>
    /// <param name="damaged">Is told which record cannot be read, and why.</param>
    internal NetworkStore(string root, EventLog events, NetworkDrivers drivers, Action<string, string> damaged)
    {
        (_root, _events, _drivers) = (root, events, drivers);
        Directory.CreateDirectory(root, OwnerOnly);
        foreach (var path in Directory.EnumerateFiles(root))
        {
            var name = Path.GetFileName(path);
            if (name.StartsWith(AtomicFile.TemporaryPrefix, StringComparison.Ordinal))
            {
                File.Delete(path);
                continue;
            }

            try
            {
                var record = JsonSerializer.Deserialize(File.ReadAllBytes(path), RecordJson.Default.NetworkRecord) ?? throw new JsonException("empty record");
                if (record.Version > NetworkRecord.CurrentVersion)
                {
                    throw new NotSupportedException($"version {record.Version} of a record");
                }

                _networks[record.Id] = new Network(record);
            }
            catch (Exception e) when (e is IOException or JsonException or NotSupportedException or BundtException)
            {
                _damaged.Add(Path.GetFileNameWithoutExtension(name));
                damaged(name, BundtException.Reason(e));
            }
        }
    }

    /// <summary>Is told of a network that is no more.</summary>
    internal Action<Network> Removed { get; init; } = _ => { };

    /// <summary>All networks that have addresses.</summary>
    public IReadOnlyList<Network> List() => [.. _networks.Values.OrderBy(network => network.Name, StringComparer.Ordinal)];

    /// <summary>The network of containers that name none; null: they have none. The host has its bridge once a container needs it.</summary>
    public Network? Default => _default;

    /// <summary>One by id, name or unambiguous id prefix; null: there is none.</summary>
    /// <exception cref="BundtException">InvalidArgument: several begin like that.</exception>
    public Network? TryFind(string nameOrId)
    {
        if (_networks.TryGetValue(nameOrId, out var network))
        {
            return network;
        }

        if (_networks.Values.FirstOrDefault(one => one.Name == nameOrId) is { } named)
        {
            return named;
        }

        var found = nameOrId.Length == 0 ? [] : _networks.Values.Where(one => one.Id.StartsWith(nameOrId, StringComparison.Ordinal)).Take(2).ToList();
        return found.Count < 2
            ? found.FirstOrDefault()
            : throw new BundtException(FailureKind.InvalidArgument, Phase.Network, $"network {nameOrId} is ambiguous (2 matches found based on ID prefix)");
    }

    /// <summary>Makes one.</summary>
    /// <exception cref="BundtException">Conflict: the name is taken; Forbidden: its subnet overlaps; InvalidArgument: what it is asked to be makes no sense.</exception>
    public Network Create(NetworkRequest settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Name.Length == 0 || !char.IsAsciiLetterOrDigit(settings.Name[0]) || settings.Name.AsSpan().ContainsAnyExcept(s_nameCharacters))
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Request, $"invalid network name \"{settings.Name}\": only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed");
        }

        if (!NetworkDrivers.Has(settings.Driver))
        {
            throw new BundtException(FailureKind.NotFound, Phase.Request, $"could not find plugin {settings.Driver} in v1 plugin registry: plugin not found", "Drivers are bridge, macvlan and ipvlan.");
        }

        lock (_changing)
        {
            if (s_predefined.Contains(settings.Name) || _networks.Values.Any(network => network.Name == settings.Name))
            {
                throw new BundtException(FailureKind.Conflict, Phase.Network, $"network with name {settings.Name} already exists");
            }

            var network = Make(settings);
            try
            {
                _drivers.Of(network).Ensure(network);
            }
            catch
            {
                Discard(network);
                throw;
            }

            Publish("create", network);
            return network;
        }
    }

    /// <summary>When all those have left their networks that had ended by now. A container's end is told before its interfaces are gone.</summary>
    public Task Left() => Task.WhenAll(_leaving.Keys);

    /// <summary>Removes one.</summary>
    /// <exception cref="BundtException">NotFound; Forbidden: containers are in it, or it is the default.</exception>
    public async Task RemoveAsync(string nameOrId)
    {
        await Left().ConfigureAwait(false);
        lock (_changing)
        {
            var network = TryFind(nameOrId) ?? throw new BundtException(FailureKind.NotFound, Phase.Network, $"network {nameOrId} not found");
            if (network.Name == DefaultName)
            {
                throw new BundtException(FailureKind.Forbidden, Phase.Network, $"{DefaultName} is a pre-defined network and cannot be removed");
            }

            if (network.Close() is [var first, ..] endpoints)
            {
                throw new BundtException(
                    FailureKind.Forbidden, Phase.Network,
                    $"error while removing network: network {network.Name} has active endpoints ({endpoints.Count}, the first one of container {first.ContainerId[..12]})");
            }

            // The record goes last: whoever is killed in between leaves a network that is there, and whole again with the next daemon.
            try
            {
                _drivers.Of(network).Remove(network, Others(network));
                Forget(network);
            }
            catch
            {
                network.Reopen();
                throw;
            }

            Removed(network);
            Publish("destroy", network);
        }
    }

    /// <summary>Tells of a container that has ended and will have left its networks when the task is done, which never fails.</summary>
    internal void Expect(Task leaving)
    {
        if (!leaving.IsCompleted)
        {
            _leaving[leaving] = true;
            _ = leaving.ContinueWith(done => _leaving.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>
    /// Says what the default network is, before any container is known. It stays the one that it was, its subnet too, unless it is asked to be another;
    /// a container that runs in it then keeps what it has.
    /// </summary>
    /// <param name="asked">What it is to be; null: there is none.</param>
    /// <param name="unavailable">Is told that no subnet is left for it: all else works.</param>
    /// <exception cref="BundtException">InvalidArgument, Forbidden: the address makes no sense, or is another network's.</exception>
    internal void SetDefault(DefaultBridge? asked, Action<BundtException> unavailable)
    {
        lock (_changing)
        {
            var known = _networks.Values.FirstOrDefault(network => network.Name == DefaultName);
            var id = known?.Id;
            if (known is not null && (asked is null || !Is(known, asked)))
            {
                Forget(known);
                known = null;
            }

            try
            {
                _default = asked is null ? null : known ?? Make(Request(asked), id);
            }
            catch (BundtException e) when (e.Kind == FailureKind.Conflict)
            {
                unavailable(e);
            }
        }
    }

    private static NetworkRequest Request(DefaultBridge asked) => new()
    {
        Name = DefaultName,
        Options = new Dictionary<string, string>
        {
            ["com.docker.network.bridge.default_bridge"] = "true",
            ["com.docker.network.bridge.enable_icc"] = "true",
            ["com.docker.network.bridge.enable_ip_masquerade"] = "true",
            ["com.docker.network.bridge.name"] = asked.Name,
        },
        Subnets = asked.Address is { } address
            ? [new SubnetRequest(address, null, address.Split('/')[0], new Dictionary<string, string>())]
            : [],
    };

    private static bool Is(Network known, DefaultBridge asked)
    {
        var request = Request(asked);
        return known.Settings.Options.OrderBy(option => option.Key, StringComparer.Ordinal).SequenceEqual(request.Options.OrderBy(option => option.Key, StringComparer.Ordinal))
            && (asked.Address is null || known.Settings.Subnets.Select(subnet => subnet.Subnet).SequenceEqual([asked.Address]));
    }

    /// <summary>Once all containers are known: makes every bridge, and the rules, what they have to be. After a reboot none of them is there.</summary>
    /// <param name="running">Ids of the containers that run, or may run.</param>
    /// <param name="removed">Is told which interfaces were left by daemons before this one, and are removed, or why they cannot be.</param>
    /// <param name="failed">Is told which network cannot be had.</param>
    internal void BringUp(IReadOnlySet<string> running, Action<string, BundtException?> removed, Action<Network, BundtException> failed)
    {
        var parents = _networks.Values.Where(network => !network.IsBridge).Select(network => network.Parent).ToHashSet(StringComparer.Ordinal);
        var needed = _networks.Values.Where(network => network != _default || network.Endpoints.Count > 0).ToList();
        _drivers.Know(needed);
        _drivers.Sweep(id => running.Contains(id) || _networks.ContainsKey(id) || _damaged.Contains(id) || parents.Contains(id), removed);
        foreach (var network in needed)
        {
            try
            {
                _drivers.Of(network).Ensure(network);
            }
            catch (BundtException e)
            {
                failed(network, e);
            }
        }
    }

    private Network Make(NetworkRequest settings, string? id = null)
    {
        var options = NetworkOptions.Parse(settings.Driver, settings.Options);
        if (settings.Driver != NetworkDrivers.Bridge && options.Parent is null)
        {
            // As Docker has it: it leads nowhere.
            settings = settings with { Internal = true };
        }

        if (!settings.EnableIpv4 && !settings.EnableIpv6)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "IPv4 or IPv6 must be enabled");
        }

        // Those of a version that is not enabled are of no use, and no harm.
        var subnets = settings.Subnets.Where(subnet => subnet.Subnet is { Length: > 0 } && (Subnet.Parse(subnet).IsIpv6 ? settings.EnableIpv6 : settings.EnableIpv4)).ToList();
        var networks = subnets.ConvertAll(subnet => Subnet.Parse(subnet).Network);
        for (var i = 0; i < networks.Count; i++)
        {
            CheckOverlap(networks[i], networks.Take(i), settings.Name);
        }

        foreach (var isIpv6 in (ReadOnlySpan<bool>)[false, true])
        {
            if ((isIpv6 ? settings.EnableIpv6 : settings.EnableIpv4) && !networks.Exists(network => network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 == isIpv6))
            {
                subnets.Add(Choose(isIpv6, settings.Subnets));
            }
        }

        var record = new NetworkRecord { Id = id ?? ContainerNames.NewId(), Created = DateTimeOffset.UtcNow, Settings = settings, Subnets = subnets };
        var network = new Network(record);
        _drivers.Of(network).Check(network, _networks.Values);
        using var directory = DirectoryFd.OpenHost(_root);
        AtomicFile.Replace(directory, record.Id + Suffix, JsonSerializer.SerializeToUtf8Bytes(record, RecordJson.Default.NetworkRecord), durable: true);
        return _networks[record.Id] = network;
    }

    private void CheckOverlap(IPNetwork network, IEnumerable<IPNetwork> own, string name)
    {
        if (own.Any(other => Subnet.Overlap(network, other)))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Network, $"subnets of network {name} overlap: {network}");
        }

        foreach (var other in _networks.Values)
        {
            if (other.Subnets.FirstOrDefault(subnet => Subnet.Overlap(network, subnet.Network)) is { } subnet)
            {
                throw new BundtException(
                    FailureKind.Forbidden, Phase.Network, $"invalid pool request: Pool overlaps with other one on this address space: {network} with {subnet.Network} of network {other.Name}");
            }
        }
    }

    // One that no network has, and that the host has no way to.
    private SubnetRequest Choose(bool isIpv6, IReadOnlyList<SubnetRequest> wishes)
    {
        using var host = NetworkStack.OpenOwn();
        var taken = _networks.Values.SelectMany(network => network.Subnets).Select(subnet => subnet.Network).Concat(host.Routes().Select(route => route.Destination)).ToList();
        if (wishes.FirstOrDefault(wish => wish.Subnet is not { Length: > 0 } && (wish.Gateway is { Length: > 0 } || wish.Range is { Length: > 0 })) is not null)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "a gateway or an ip-range needs its subnet", "Add --subnet.");
        }

        return new SubnetRequest(SubnetChoice.Free(isIpv6, taken).ToString(), null, null, new Dictionary<string, string>());
    }

    private List<Network> Others(Network network) => [.. _networks.Values.Where(other => other != network)];

    // What the host has of a network that could not be made whole.
    private void Discard(Network network)
    {
        try
        {
            _drivers.Of(network).Remove(network, Others(network));
        }
        catch (BundtException)
        {
            // The reason why it could not be made is told; what is left goes with the next daemon.
        }

        Forget(network);
    }

    private void Forget(Network network)
    {
        _networks.TryRemove(network.Id, out _);
        File.Delete(Path.Combine(_root, network.Id + Suffix));
    }

    private void Publish(string action, Network network) =>
        _events.Publish(new EngineEvent(
            DateTimeOffset.UtcNow, "network", action, network.Id, new Dictionary<string, string> { ["name"] = network.Name, ["type"] = network.Settings.Driver }));
}
