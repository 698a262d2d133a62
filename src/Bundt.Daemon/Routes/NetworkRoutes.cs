using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Engine.Networks;
using Bundt.Linux;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Routes;

/// <summary>/networks: "bridge", "none", "host", and those that users make.</summary>
internal sealed class NetworkRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[1]) switch
    {
        ("GET", 1, _) => ListAsync,
        ("POST", 2, "create") => CreateAsync,
        ("POST", 2, "prune") => PruneAsync,
        ("GET", 2, _) => InspectAsync,
        ("DELETE", 2, _) => DeleteAsync,
        ("POST", 3, _) when path[2] == "connect" => ConnectAsync,
        ("POST", 3, _) when path[2] == "disconnect" => DisconnectAsync,
        _ => null,
    };

    private static NetworkInspect Describe(Network network, IReadOnlyDictionary<string, NetworkContainer>? members = null) => new()
    {
        Name = network.Name,
        Id = network.Id,
        Created = GoTime.Format(network.Created),
        Driver = network.Settings.Driver,
        EnableIpv4 = network.Settings.EnableIpv4,
        EnableIpv6 = network.Settings.EnableIpv6,
        Internal = network.Settings.Internal,
        Attachable = network.Settings.Attachable,
        Ipam = new Ipam
        {
            Options = new Dictionary<string, string?>(),
            Config = [.. network.Ipam.Select(static subnet => new IpamSubnet
            {
                Subnet = subnet.Subnet,
                IpRange = subnet.Range,
                Gateway = subnet.Gateway,
                AuxiliaryAddresses = subnet.Reserved.Count == 0 ? null : subnet.Reserved.ToDictionary(static pair => pair.Key, static string? (pair) => pair.Value),
            })],
        },
        Options = network.Settings.Options,
        Labels = network.Settings.Labels,
        Containers = members ?? new Dictionary<string, NetworkContainer>(),
    };

    private static (string Name, string Driver, string Id)? Predefined(string nameOrId)
    {
        foreach ((string Name, string Driver, string Id) network in PredefinedNetworks.All)
        {
            if (network.Name == nameOrId || network.Id == nameOrId || (nameOrId.Length >= 4 && network.Id.StartsWith(nameOrId, StringComparison.Ordinal)))
            {
                return network;
            }
        }

        return null;
    }

    private Network Named(string nameOrId) =>
        engine.Networks.TryFind(nameOrId) ?? throw new BundtException(FailureKind.NotFound, Phase.Network, $"network {nameOrId} not found");

    private Task ListAsync(ApiRequest request)
    {
        Filters filters = Filters.Of(request, "dangling", "driver", "id", "label", "label!", "name", "scope", "type");
        bool? dangling = filters.Flag("dangling");
        List<NetworkInspect> list = [];
        foreach ((string Name, string Driver, string Id) network in PredefinedNetworks.All)
        {
            if (dangling is not true && filters["label"].Count == 0 && Passes(filters, network.Name, network.Id, network.Driver, "builtin"))
            {
                list.Add(PredefinedNetworks.Describe(network));
            }
        }

        foreach (Network network in engine.Networks.List())
        {
            if ((dangling is null || dangling == IsUnused(network)) && filters.MatchLabels(network.Settings.Labels)
                && Passes(filters, network.Name, network.Id, network.Settings.Driver, network == engine.Networks.Default ? "builtin" : "custom"))
            {
                list.Add(Describe(network));
            }
        }

        return request.AnswerJsonAsync(list, ApiJson.Wire.ListNetworkInspect);
    }

    private static bool Passes(Filters filters, string name, string id, string driver, string type) =>
        filters.Any("driver", wanted => wanted == driver)
        && filters.Any("id", wanted => id.StartsWith(wanted, StringComparison.Ordinal))
        && filters.Any("name", wanted => name.Contains(wanted, StringComparison.Ordinal))
        && filters.Any("scope", static wanted => wanted == "local")
        && filters.Any("type", wanted => wanted == type);

    private bool IsUnused(Network network) => network != engine.Networks.Default && !engine.List().Any(container => container.Endpoints.Any(endpoint => endpoint.NetworkId == network.Id));

    private async Task CreateAsync(ApiRequest request)
    {
        NetworkBody body = (await request.ReadJsonAsync(ApiJson.Wire.NetworkBody))!;
        if (body.Scope is { Length: > 0 } scope and not "local")
        {
            throw ApiRequest.Malformed($"invalid scope \"{scope}\": networks of this daemon are local");
        }

        if (body.Ingress || body.ConfigOnly || body.ConfigFrom is { Network.Length: > 0 })
        {
            throw new BundtException(FailureKind.NotImplemented, Phase.Request, "ingress and config-only networks are those of a swarm, which Bundt does not have");
        }

        if (body.Ipam?.Driver is { Length: > 0 } driver and not "default")
        {
            throw new BundtException(FailureKind.NotFound, Phase.Request, $"IPAM driver \"{driver}\" is not known: there is only \"default\"");
        }

        Network network = engine.Networks.Create(new NetworkRequest
        {
            Name = body.Name ?? "",
            Driver = string.IsNullOrEmpty(body.Driver) ? "bridge" : body.Driver,
            EnableIpv4 = body.EnableIpv4 ?? true,
            EnableIpv6 = body.EnableIpv6 ?? false,
            Internal = body.Internal,
            Attachable = body.Attachable,
            Options = CreateMapping.Text(body.Options),
            Labels = CreateMapping.Text(body.Labels),
            Subnets = [.. (body.Ipam?.Config ?? []).Select(static subnet => subnet is null
                ? throw ApiRequest.Malformed("invalid JSON: IPAM.Config has null among its elements")
                : new SubnetRequest(subnet.Subnet, subnet.IpRange, subnet.Gateway, CreateMapping.Text(subnet.AuxiliaryAddresses)))],
        });
        await request.AnswerJsonAsync(new NetworkCreated(network.Id, ""), ApiJson.Wire.NetworkCreated, StatusCodes.Status201Created);
    }

    private Task InspectAsync(ApiRequest request)
    {
        string nameOrId = request.Path[1];
        Dictionary<string, NetworkContainer> members = [];
        if (Predefined(nameOrId) is { } predefined && engine.Networks.TryFind(nameOrId) is null)
        {
            foreach (Container container in engine.List())
            {
                if (container.State.Status is ContainerStatus.Running or ContainerStatus.Paused
                    && container.Endpoints.Count == 0 && ContainerDescription.NetworkName(container.Settings) == predefined.Name)
                {
                    members[container.Id] = new NetworkContainer { Name = container.Name };
                }
            }

            return request.AnswerJsonAsync(PredefinedNetworks.Describe(predefined, members), ApiJson.Wire.NetworkInspect);
        }

        Network network = Named(nameOrId);
        foreach (Container container in engine.List())
        {
            if (container.Endpoints.FirstOrDefault(endpoint => endpoint.NetworkId == network.Id) is { Id.Length: > 0 } endpoint)
            {
                members[container.Id] = new NetworkContainer
                {
                    Name = container.Name,
                    EndpointId = endpoint.Id,
                    MacAddress = endpoint.MacAddress,
                    Ipv4Address = endpoint.Ipv4.Length == 0 ? "" : $"{endpoint.Ipv4}/{endpoint.Ipv4Prefix}",
                    Ipv6Address = endpoint.Ipv6.Length == 0 ? "" : $"{endpoint.Ipv6}/{endpoint.Ipv6Prefix}",
                };
            }
        }

        return request.AnswerJsonAsync(Describe(network, members), ApiJson.Wire.NetworkInspect);
    }

    private async Task ConnectAsync(ApiRequest request)
    {
        NetworkConnectBody body = (await request.ReadJsonAsync(ApiJson.Wire.NetworkConnectBody))!;
        Network network = Changeable(request.Path[1]);
        await engine.Find(body.Container ?? "").ConnectAsync(network, CreateMapping.ToEndpoint(network.Name, body.EndpointConfig), CancellationToken.None);
        await request.AnswerAsync(StatusCodes.Status200OK);
    }

    private async Task DisconnectAsync(ApiRequest request)
    {
        NetworkConnectBody body = (await request.ReadJsonAsync(ApiJson.Wire.NetworkConnectBody))!;
        Network network = Changeable(request.Path[1]);
        await engine.Find(body.Container ?? "").DisconnectAsync(network, CancellationToken.None);
        await request.AnswerAsync(StatusCodes.Status200OK);
    }

    /// <summary>A network that a container can come into and leave.</summary>
    private Network Changeable(string nameOrId) =>
        engine.Networks.TryFind(nameOrId) is null && Predefined(nameOrId) is { } predefined
            ? throw new BundtException(
                FailureKind.InvalidArgument,
                Phase.Request,
                predefined.Name == "host"
                    ? "container cannot be disconnected from host network or connected to host network"
                    : "container cannot be connected to multiple networks with one of the networks in private (none) mode")
            : Named(nameOrId);

    private async Task DeleteAsync(ApiRequest request)
    {
        if (engine.Networks.TryFind(request.Path[1]) is null && Predefined(request.Path[1]) is { } predefined)
        {
            throw new BundtException(FailureKind.Forbidden, Phase.Network, $"{predefined.Name} is a pre-defined network and cannot be removed");
        }

        await engine.Networks.RemoveAsync(request.Path[1]);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task PruneAsync(ApiRequest request)
    {
        Filters filters = Filters.Of(request, "label", "label!", "until");
        DateTimeOffset until = filters["until"] is [string text, ..]
            ? GoTime.Parse(text, "until", DateTimeOffset.UtcNow) ?? DateTimeOffset.MaxValue
            : DateTimeOffset.MaxValue;
        List<string> removed = [];
        await engine.Networks.Left();
        foreach (Network network in engine.Networks.List())
        {
            if (!IsUnused(network) || !filters.MatchLabels(network.Settings.Labels) || network.Created > until)
            {
                continue;
            }

            try
            {
                await engine.Networks.RemoveAsync(network.Id);
                removed.Add(network.Name);
            }
            catch (BundtException e) when (e.Kind is FailureKind.NotFound or FailureKind.Forbidden)
            {
                // Somebody took it or removed it meanwhile.
            }
        }

        await request.AnswerJsonAsync(new NetworkPrune(removed.Count == 0 ? null : removed), ApiJson.Wire.NetworkPrune);
    }
}
