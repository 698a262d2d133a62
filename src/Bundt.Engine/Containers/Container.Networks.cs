using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Networks;
using Bundt.Engine.Settings;
using Bundt.Linux;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine;

// Coming into networks and leaving them, while it runs or not.
public sealed partial class Container
{
    /// <summary>Names of the containers on the default bridge that it is linked to, and what it calls them.</summary>
    public IEnumerable<(string Name, string Alias)> Links =>
        from link in Settings.Links
        let colon = link.IndexOf(':', StringComparison.Ordinal)
        join other in _services.Containers.All on link[..colon] equals other.Id
        select (other.Name, link[(colon + 1)..]);

    /// <summary>Connects it to a network: at once if it runs, and from the next start on.</summary>
    /// <exception cref="BundtException">Forbidden: it is in it already; Conflict: its address is taken; InvalidArgument: its network mode allows no others.</exception>
    public Task ConnectAsync(Network network, EndpointRequest request, CancellationToken cancellation) => AloneAsync(
        Operation.Connect,
        async () =>
        {
            CheckMode();
            if (_record.Networks.Any(member => member.IsOf(network)))
            {
                throw new BundtException(FailureKind.Forbidden, Phase.Network, $"endpoint with name {Name} already exists in network {network.Name}");
            }

            var before = _record;
            Keep(before with { Networks = [.. before.Networks, NetworkMembership.Of(network, request)] });
            try
            {
                try
                {
                    ChangeNetworks(networks => Join(networks, network));
                }
                catch (BundtException e) when (e.Kind == FailureKind.Conflict && _services.Networks.Left() is { IsCompleted: false } left)
                {
                    // The address may be that of a container which has ended and is just leaving.
                    await left.ConfigureAwait(false);
                    ChangeNetworks(networks => Join(networks, network));
                }
            }
            catch
            {
                Keep(before);
                throw;
            }
        },
        cancellation);

    /// <summary>Disconnects it from a network: at once if it runs, and from the next start on.</summary>
    /// <exception cref="BundtException">Forbidden: it is not in it.</exception>
    public Task DisconnectAsync(Network network, CancellationToken cancellation) => AloneAsync(
        Operation.Connect,
        () =>
        {
            if (!_record.Networks.Any(member => member.IsOf(network)))
            {
                throw new BundtException(FailureKind.Forbidden, Phase.Network, $"container {Id} is not connected to the network {network.Name}");
            }

            // What is recorded is what is to be: if we die in between, the next daemon goes on.
            Keep(_record with { Networks = [.. _record.Networks.Where(member => !member.IsOf(network))] });
            ChangeNetworks(networks => Part(networks, network));
            return Task.CompletedTask;
        },
        cancellation);

    /// <summary>Once all containers are known: a connection or disconnection that the daemon before did not live to finish.</summary>
    private void GoOnWithNetworks()
    {
        try
        {
            ChangeNetworks(networks =>
            {
                using var own = OwnNetworkNamespace();
                if (own is null)
                {
                    return;
                }

                foreach (var (network, _) in networks.Members.Where(member => !_record.Networks.Any(asked => asked.IsOf(member.Network))).ToList())
                {
                    Part(networks, network);
                }

                foreach (var endpoint in networks.Restore(_services.Drivers, own))
                {
                    Introduce(endpoint);
                }

                foreach (var asked in _record.Networks.Where(asked => !networks.Members.Any(member => asked.IsOf(member.Network))))
                {
                    if (_services.Networks.TryFind(asked.NetworkId) is { } network)
                    {
                        Join(networks, network);
                    }
                }
            });
        }
        catch (Exception e) when (e is BundtException or IOException)
        {
            _services.Logger.Trouble(Id, "runs, and is not in all of its networks", e);
        }
    }

    private void Join(ContainerNetworks networks, Network network)
    {
        using var own = OwnNetworkNamespace();
        if (own is null)
        {
            return;
        }

        var asked = _record.Networks.First(member => member.IsOf(network));
        if (networks.Join(_services.Drivers, _record, network, asked, own, _services.Paths.RunContainer(Id)) is { } endpoint)
        {
            Introduce(endpoint);
            Publish("connect", network);
        }
    }

    /// <summary>What a container that is linked to this one has of it in /etc/hosts: its address on the default bridge, and all its names.</summary>
    internal IEnumerable<string> LinkLines(string alias) =>
        Endpoints.Where(endpoint => endpoint.NetworkName == NetworkStore.DefaultName)
            .SelectMany(endpoint => (string[])[endpoint.Ipv4, endpoint.Ipv6])
            .Where(address => address.Length > 0)
            .Select(address => $"{address}\t{alias} {Settings.Hostname} {Name}\n");

    /// <summary>It has just started, perhaps with another address: those who are linked to it are told.</summary>
    private void TellLinked()
    {
        foreach (var other in _services.Containers.All)
        {
            foreach (var link in other.Settings.Links)
            {
                if (link.StartsWith(Id, StringComparison.Ordinal) && ContainerStates.Lives(other.State.Status))
                {
                    var alias = link[(Id.Length + 1)..];
                    var end = $"\t{alias} {Settings.Hostname} {Name}";
                    try
                    {
                        other.Edit(NetworkFiles.Hosts, text =>
                            string.Concat(text.Split('\n').Where(line => line.Length > 0 && !line.EndsWith(end, StringComparison.Ordinal)).Select(line => line + '\n'))
                            + string.Concat(LinkLines(alias)));
                    }
                    catch (Exception e) when (e is BundtException or IOException)
                    {
                        // It may just be going.
                        _services.Logger.Trouble(other.Id, "its link could not be renewed", e);
                    }
                }
            }
        }
    }

    private void Introduce(Endpoint endpoint) =>
        Edit(NetworkFiles.Hosts, text => text + string.Concat(NetworkFiles.OwnLines(Settings, endpoint).Where(line => !text.Contains(line, StringComparison.Ordinal))));

    private void Part(ContainerNetworks networks, Network network)
    {
        using var own = OwnNetworkNamespace();
        if (own is not null && networks.Part(_services.Drivers, _record, network, own, _services.Paths.RunContainer(Id)) is { } endpoint)
        {
            var lines = NetworkFiles.OwnLines(Settings, endpoint).ToHashSet();
            Edit(NetworkFiles.Hosts, text => string.Concat(text.Split('\n').Select(line => line + '\n').Where(line => !lines.Contains(line)))[..^1]);
            Publish("disconnect", network);
        }
    }

    /// <summary>Changes the networks of a container that runs, and whom it asks for names; does nothing with one that does not.</summary>
    private void ChangeNetworks(Action<ContainerNetworks> change)
    {
        if (!ContainerStates.Lives(_state.Status) || _networks is not { } networks)
        {
            return;
        }

        // A file that somebody else has written to is theirs.
        var old = NetworkFiles.ResolvConfOf(Settings, networks);
        change(networks);
        Edit(NetworkFiles.ResolvConf, text => text == old ? NetworkFiles.ResolvConfOf(Settings, networks) : text);
    }

    private void Edit(string file, Func<string, string> change)
    {
        using var directory = _directory.Open();
        NetworkFiles.Change(directory, file, change);
    }

    private void Keep(ContainerRecord record)
    {
        _directory.Write(record);
        _record = record;
    }

    private void CheckMode()
    {
        var kind = NetworkChoice.Of(Settings.NetworkMode);
        var conflict = kind switch
        {
            NetworkKind.Container => "container sharing network namespace with another container or host cannot be connected to any other network",
            NetworkKind.Host => "container cannot be disconnected from host network or connected to host network",
            NetworkKind.None when Settings.NetworkMode == "none" => "container cannot be connected to multiple networks with one of the networks in private (none) mode",
            _ => null,
        };
        if (conflict is not null)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, conflict);
        }
    }

    /// <summary>The network namespace of the process; null: it has ended.</summary>
    private SafeFileHandle? OwnNetworkNamespace()
    {
        if (_process is not { } process)
        {
            return null;
        }

        SafeFileHandle own;
        try
        {
            own = NetworkNamespace.Of(process.Pid);
        }
        catch (BundtException e) when (e.Errno is Errno.ENOENT or Errno.ESRCH)
        {
            return null;
        }

        // If it is still the same process now, it was its namespace then.
        if (PidFd.ReadStartTime(process.Pid) == process.StartTime)
        {
            return own;
        }

        own.Dispose();
        return null;
    }

    private void Publish(string action, Network network) =>
        _services.Events.Publish(new EngineEvent(
            DateTimeOffset.UtcNow,
            "network",
            action,
            network.Id,
            new Dictionary<string, string> { ["container"] = Id, ["name"] = network.Name, ["type"] = network.Settings.Driver }));
}
