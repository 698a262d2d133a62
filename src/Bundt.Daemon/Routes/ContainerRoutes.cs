using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Linux;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Routes;

/// <summary>/containers: everything that answers once. Streams stand in <see cref="ContainerStreamRoutes"/>.</summary>
internal sealed class ContainerRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[1], path[2]) switch
    {
        ("GET", 2, "json", _) => ListAsync,
        ("POST", 2, "create", _) => CreateAsync,
        ("POST", 2, "prune", _) => PruneAsync,
        ("DELETE", 2, _, _) => DeleteAsync,
        ("GET", 3, _, "json") => InspectAsync,
        ("GET", 3, _, "top") => TopAsync,
        ("POST", 3, _, "start") => StartAsync,
        ("POST", 3, _, "stop") => StopAsync,
        ("POST", 3, _, "restart") => RestartAsync,
        ("POST", 3, _, "kill") => KillAsync,
        ("POST", 3, _, "pause") => PauseAsync,
        ("POST", 3, _, "unpause") => UnpauseAsync,
        ("POST", 3, _, "rename") => RenameAsync,
        ("POST", 3, _, "resize") => ResizeAsync,
        ("POST", 3, _, "update") => ApiRoutes.Missing("update of a container's limits"),
        ("GET", 3, _, "stats") => ApiRoutes.Missing("stats"),
        ("GET", 3, _, "changes") => ApiRoutes.Missing("a container's changes (docker diff)"),
        ("GET", 3, _, "export") => ApiRoutes.Missing("export"),
        ("HEAD" or "GET" or "PUT", 3, _, "archive") => ApiRoutes.Missing("copying files to and from a container (docker cp)"),
        _ => null,
    };

    private Container Named(ApiRequest request) => engine.Find(request.Path[1]);

    private async Task CreateAsync(ApiRequest request)
    {
        CreateBody body = (await request.ReadJsonAsync(ApiJson.Wire.CreateBody))!;
        List<string> warnings = [];
        ContainerSettings settings = CreateMapping.ToSettings(body, request.Query("platform"), engine, warnings);
        string name = request.Query("name");
        (Container container, IReadOnlyList<string> more) = await engine.CreateAsync(name.Length == 0 ? null : name, settings, request.Aborted);
        warnings.AddRange(more);
        await request.AnswerJsonAsync(new CreateAnswer(container.Id, warnings), ApiJson.Wire.CreateAnswer, StatusCodes.Status201Created);
    }

    private Task ListAsync(ApiRequest request)
    {
        ContainerFilter filter = ContainerFilter.Of(request, engine);
        bool all = request.QueryFlag("all");
        bool size = request.QueryFlag("size");
        int limit = request.QueryInt("limit") ?? 0;
        DateTimeOffset now = DateTimeOffset.UtcNow;
        var names = new ImageNames(engine.Images);
        List<ContainerSummary> list = [];
        foreach (Container container in engine.List())
        {
            // A limit, a range or a question about the state asks for stopped ones too (moby daemon/list.go).
            bool wanted = all || limit > 0 || filter.AsksForStopped || container.State.Status is ContainerStatus.Running or ContainerStatus.Paused;
            if (!wanted || !filter.Matches(container))
            {
                continue;
            }

            list.Add(ContainerDescription.Summarize(container, names.Of(container), size, now));
            if (limit > 0 && list.Count == limit)
            {
                break;
            }
        }

        return request.AnswerJsonAsync(list, ApiJson.Wire.ListContainerSummary);
    }

    private Task InspectAsync(ApiRequest request) =>
        request.AnswerJsonAsync(ContainerDescription.Inspect(Named(request), request.QueryFlag("size")), ApiJson.Wire.ContainerInspect);

    private async Task StartAsync(ApiRequest request)
    {
        await request.SkipBodyAsync();
        await Named(request).StartAsync(CancellationToken.None); // a start that has begun is finished, whoever waits for it
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task StopAsync(ApiRequest request)
    {
        await Named(request).StopAsync(SignalOf(request), request.QueryInt("t"), request.Ended);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task RestartAsync(ApiRequest request)
    {
        await Named(request).RestartAsync(SignalOf(request), request.QueryInt("t"), request.Ended);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task KillAsync(ApiRequest request)
    {
        await Named(request).KillAsync(SignalOf(request) ?? "KILL", request.Aborted);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task PauseAsync(ApiRequest request)
    {
        await Named(request).PauseAsync(request.Aborted);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task UnpauseAsync(ApiRequest request)
    {
        await Named(request).UnpauseAsync(request.Aborted);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task RenameAsync(ApiRequest request)
    {
        string name = request.Query("name");
        if (name.Length == 0)
        {
            throw ApiRequest.Malformed("Neither old nor new names may be empty");
        }

        await Named(request).RenameAsync(name, request.Aborted);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task ResizeAsync(ApiRequest request)
    {
        await Named(request).ResizeAsync(request.QueryInt("h") ?? 0, request.QueryInt("w") ?? 0, request.Aborted);
        await request.AnswerAsync(StatusCodes.Status200OK);
    }

    private async Task DeleteAsync(ApiRequest request)
    {
        if (request.QueryFlag("link"))
        {
            throw new BundtException(FailureKind.NotImplemented, Phase.Request, $"links are not offered by Bundt {ServerHeader.Version}");
        }

        await Named(request).RemoveAsync(request.QueryFlag("force"), request.QueryFlag("v"), CancellationToken.None);
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private async Task PruneAsync(ApiRequest request)
    {
        Filters filters = Filters.Of(request, "until", "label", "label!");
        DateTimeOffset until = filters["until"] is [string text, ..]
            ? GoTime.Parse(text, "until", DateTimeOffset.UtcNow) ?? DateTimeOffset.MaxValue
            : DateTimeOffset.MaxValue;
        List<string> deleted = [];
        long bytes = 0;
        foreach (Container container in engine.List())
        {
            if (container.State.Status is not (ContainerStatus.Created or ContainerStatus.Exited or ContainerStatus.Dead)
                || container.Created > until || !filters.MatchLabels(container.Effective.Labels))
            {
                continue;
            }

            long size = container.MeasureSize().Writable;
            try
            {
                await container.RemoveAsync(force: false, volumes: false, request.Aborted);
            }
            catch (BundtException exception) when (exception.Kind is FailureKind.Conflict or FailureKind.NotFound)
            {
                continue; // started or removed meanwhile
            }

            deleted.Add(container.Id);
            bytes += size;
        }

        await request.AnswerJsonAsync(new ContainerPrune(deleted, bytes), ApiJson.Wire.ContainerPrune);
    }

    private Task TopAsync(ApiRequest request)
    {
        Container container = Named(request);
        if (container.State.Status is not (ContainerStatus.Running or ContainerStatus.Paused))
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container {container.Id} is not running");
        }

        string arguments = request.Query("ps_args");
        return request.AnswerJsonAsync(
            ProcessTable.Of(container.Id, arguments.Length == 0 ? "-ef" : arguments), ApiJson.Wire.TopAnswer);
    }

    private static string? SignalOf(ApiRequest request) => request.Query("signal") is { Length: > 0 } signal ? signal : null;
}
