using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Linux;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Routes;

/// <summary>Every route of the daemon. A handler is found by a switch over the method and the path's segments.</summary>
internal sealed class ApiRoutes
{
    private readonly SystemRoutes _system;
    private readonly ContainerRoutes _containers;
    private readonly ContainerStreamRoutes _streams;
    private readonly ExecRoutes _execs;
    private readonly ImageRoutes _images;
    private readonly ImageTransferRoutes _transfers;
    private readonly VolumeRoutes _volumes;
    private readonly NetworkRoutes _networks;
    private readonly BundtRoutes _bundt;

    public ApiRoutes(ContainerEngine engine)
    {
        _system = new SystemRoutes(engine);
        _containers = new ContainerRoutes(engine);
        _streams = new ContainerStreamRoutes(engine);
        _execs = new ExecRoutes(engine);
        _images = new ImageRoutes(engine);
        _transfers = new ImageTransferRoutes(engine);
        _volumes = new VolumeRoutes(engine);
        _networks = new NetworkRoutes(engine);
        _bundt = new BundtRoutes(engine);
    }

    /// <summary>Handles a request.</summary>
    /// <exception cref="BundtException">InvalidArgument for a version that is not spoken; whatever the handler throws.</exception>
    public Task HandleAsync(ApiRequest request)
    {
        RequireVersion(request.Path);
        Func<ApiRequest, Task>? handler = Find(request.Method, request.Path);
        return handler is null ? throw new BundtException(FailureKind.NotFound, Phase.Request, "page not found") : handler(request);
    }

    /// <summary>Refuses versions outside of what is spoken; the texts are moby's.</summary>
    public static void RequireVersion(ApiPath path)
    {
        if (path.Version > ApiVersion.Newest)
        {
            throw ApiRequest.Malformed($"client version {path.Version} is too new. Maximum supported API version is {ApiVersion.Newest}");
        }

        if (path.Version < ApiVersion.Oldest)
        {
            throw ApiRequest.Malformed(
                $"client version {path.Version} is too old. Minimum supported API version is {ApiVersion.Oldest}, please upgrade your client to a newer version");
        }
    }

    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => path[0] switch
    {
        "containers" => _streams.Find(method, path) ?? _execs.Find(method, path) ?? _containers.Find(method, path),
        "exec" => _execs.Find(method, path),
        "bundt" when !path.IsVersioned => _bundt.Find(method, path),
        "images" => _transfers.Find(method, path) ?? _images.Find(method, path),
        "distribution" => _images.Find(method, path),
        "volumes" => _volumes.Find(method, path),
        "networks" => _networks.Find(method, path),
        "swarm" or "nodes" or "services" or "tasks" or "secrets" or "configs" => NoSwarm,
        "build" or "commit" or "session" or "grpc" => Missing(path[0]),
        _ => _system.Find(method, path),
    };

    /// <summary>A handler for what Docker has and Bundt does not, or not yet: 501 with one sentence.</summary>
    public static Func<ApiRequest, Task> Missing(string what) => _ =>
        throw new BundtException(FailureKind.NotImplemented, Phase.Request, $"{what} is not offered by Bundt {ServerHeader.Version}");

    private static Task NoSwarm(ApiRequest request) => request.AnswerJsonAsync(
        new Json.ErrorBody("This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node to swarm and try again."),
        Json.ApiJson.Wire.ErrorBody,
        StatusCodes.Status503ServiceUnavailable);
}
