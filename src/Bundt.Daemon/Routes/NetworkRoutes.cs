using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>/networks: "none" and "host" can be looked at; bridges come with an issue of their own.</summary>
internal sealed class NetworkRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[1]) switch
    {
        ("GET", 1, _) => ListAsync,
        ("POST", 2, "create") => ApiRoutes.Missing("making a network (there are only \"none\" and \"host\")"),
        ("POST", 2, "prune") => PruneAsync,
        ("GET", 2, _) => InspectAsync,
        ("DELETE", 2, _) => DeleteAsync,
        ("POST", 3, _) when path[2] is "connect" or "disconnect" => ApiRoutes.Missing($"{path[2]}ing a container and a network"),
        _ => null,
    };

    private static Task ListAsync(ApiRequest request)
    {
        Filters filters = Filters.Of(request, "dangling", "driver", "id", "label", "label!", "name", "scope", "type");
        bool? dangling = filters.Flag("dangling");
        List<NetworkInspect> list = [];
        foreach ((string Name, string Driver, string Id) network in PredefinedNetworks.All)
        {
            if (dangling is not true
                && filters.Any("driver", driver => driver == network.Driver)
                && filters.Any("id", id => network.Id.StartsWith(id, StringComparison.Ordinal))
                && filters.Any("name", name => network.Name.Contains(name, StringComparison.Ordinal))
                && filters.Any("scope", static scope => scope == "local")
                && filters.Any("type", static type => type == "builtin")
                && filters["label"].Count == 0)
            {
                list.Add(PredefinedNetworks.Describe(network));
            }
        }

        return request.AnswerJsonAsync(list, ApiJson.Wire.ListNetworkInspect);
    }

    private static (string Name, string Driver, string Id) Named(string nameOrId)
    {
        foreach ((string Name, string Driver, string Id) network in PredefinedNetworks.All)
        {
            if (network.Name == nameOrId || network.Id == nameOrId)
            {
                return network;
            }
        }

        (string Name, string Driver, string Id)? found = null;
        foreach ((string Name, string Driver, string Id) network in PredefinedNetworks.All)
        {
            if (nameOrId.Length > 0 && network.Id.StartsWith(nameOrId, StringComparison.Ordinal))
            {
                found = found is null ? network : throw ApiRequest.Malformed($"network {nameOrId} is ambiguous (2 matches found based on ID prefix)");
            }
        }

        return found ?? throw new BundtException(FailureKind.NotFound, Phase.Network, $"network {nameOrId} not found");
    }

    private Task InspectAsync(ApiRequest request)
    {
        (string Name, string Driver, string Id) network = Named(request.Path[1]);
        Dictionary<string, NetworkContainer> members = [];
        foreach (Container container in engine.List())
        {
            if (container.State.Status is ContainerStatus.Running or ContainerStatus.Paused && ContainerDescription.NetworkName(container.Settings) == network.Name)
            {
                members[container.Id] = new NetworkContainer { Name = container.Name };
            }
        }

        return request.AnswerJsonAsync(PredefinedNetworks.Describe(network, members), ApiJson.Wire.NetworkInspect);
    }

    private static Task DeleteAsync(ApiRequest request)
    {
        string name = Named(request.Path[1]).Name;
        throw new BundtException(FailureKind.Forbidden, Phase.Network, $"{name} is a pre-defined network and cannot be removed");
    }

    private static Task PruneAsync(ApiRequest request) => request.AnswerJsonAsync(new NetworkPrune(null), ApiJson.Wire.NetworkPrune);
}
