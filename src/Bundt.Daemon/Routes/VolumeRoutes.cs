using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Linux;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Routes;

/// <summary>/volumes.</summary>
internal sealed class VolumeRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[1]) switch
    {
        ("GET", 1, _) => ListAsync,
        ("POST", 2, "create") => CreateAsync,
        ("POST", 2, "prune") => PruneAsync,
        ("GET", 2, _) => InspectAsync,
        ("DELETE", 2, _) => DeleteAsync,
        ("PUT", 2, _) => ApiRoutes.Missing("update of a volume (docker's are cluster volumes)"),
        _ => null,
    };

    /// <summary>From the engine's volume to Docker's.</summary>
    public static VolumeInspect Describe(Volume volume) => new()
    {
        CreatedAt = GoTime.Format(volume.Created),
        Labels = volume.Labels.Count == 0 ? null : volume.Labels,
        Mountpoint = volume.MountPoint,
        Name = volume.Name,
        Options = volume.Options.Count == 0 ? null : volume.Options,
    };

    private Task ListAsync(ApiRequest request)
    {
        Filters filters = Filters.Of(request, "dangling", "driver", "label", "label!", "name");
        bool? dangling = filters.Flag("dangling");
        HashSet<string>? used = dangling is null ? null : Used();
        List<VolumeInspect> list = [];
        foreach (Volume volume in engine.Volumes.List())
        {
            if ((dangling is null || used!.Contains(volume.Name) != dangling)
                && filters.Any("driver", static driver => driver == "local")
                && filters.Any("name", name => volume.Name.Contains(name, StringComparison.Ordinal))
                && filters.MatchLabels(volume.Labels))
            {
                list.Add(Describe(volume));
            }
        }

        return request.AnswerJsonAsync(new VolumeList(list, null), ApiJson.Wire.VolumeList);
    }

    private async Task CreateAsync(ApiRequest request)
    {
        VolumeBody body = (await request.ReadJsonAsync(ApiJson.Wire.VolumeBody))!;
        if (body.Driver is { Length: > 0 } driver and not "local")
        {
            throw new BundtException(FailureKind.NotFound, Phase.Request, $"volume driver \"{driver}\" is not known: there is only \"local\"");
        }

        Volume volume = engine.Volumes.Create(
            string.IsNullOrEmpty(body.Name) ? null : body.Name, CreateMapping.Text(body.Labels), CreateMapping.Text(body.DriverOpts));
        await request.AnswerJsonAsync(Describe(volume), ApiJson.Wire.VolumeInspect, StatusCodes.Status201Created);
    }

    private Task InspectAsync(ApiRequest request) =>
        request.AnswerJsonAsync(Describe(engine.Volumes.Find(request.Path[1])), ApiJson.Wire.VolumeInspect);

    private async Task DeleteAsync(ApiRequest request)
    {
        engine.Volumes.Remove(request.Path[1], request.QueryFlag("force"));
        await request.AnswerAsync(StatusCodes.Status204NoContent);
    }

    private Task PruneAsync(ApiRequest request)
    {
        Filters filters = Filters.Of(request, "all", "label", "label!");
        // Before 1.42 every unused volume went; since then only anonymous ones, unless asked.
        bool all = filters.Flag("all") ?? request.Version < new ApiVersion(1, 42);
        if (!filters.Has("label") && !filters.Has("label!"))
        {
            (IReadOnlyList<string> names, long bytes) = engine.Volumes.Prune(all);
            return request.AnswerJsonAsync(new VolumePrune(names, bytes), ApiJson.Wire.VolumePrune);
        }

        HashSet<string> used = Used();
        List<string> removed = [];
        foreach (Volume volume in engine.Volumes.List())
        {
            if (!used.Contains(volume.Name) && (all || volume.Anonymous) && filters.MatchLabels(volume.Labels))
            {
                try
                {
                    engine.Volumes.Remove(volume.Name, force: false);
                    removed.Add(volume.Name);
                }
                catch (BundtException exception) when (exception.Kind is FailureKind.Conflict or FailureKind.NotFound)
                {
                    // used or removed meanwhile
                }
            }
        }

        return request.AnswerJsonAsync(new VolumePrune(removed, 0), ApiJson.Wire.VolumePrune);
    }

    private HashSet<string> Used()
    {
        HashSet<string> names = [];
        foreach (Container container in engine.List())
        {
            foreach (MountPoint point in container.MountPoints)
            {
                if (point.Name is not null)
                {
                    names.Add(point.Name);
                }
            }
        }

        return names;
    }
}
