using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Microsoft.AspNetCore.Http;

namespace Bundt.Daemon.Routes;

/// <summary>/images: everything that answers at once. Transfers stand in <see cref="ImageTransferRoutes"/>.</summary>
internal sealed class ImageRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null. A name's own slashes are part of the path.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[0], path[1], path.Last) switch
    {
        ("GET", 2, "images", "json", _) => ListAsync,
        ("GET", 2, "images", "search", _) => SearchAsync,
        ("POST", 2, "images", "prune", _) => PruneAsync,
        ("GET", > 2, "images", _, "json") => InspectAsync,
        ("GET", > 2, "images", _, "history") => HistoryAsync,
        ("POST", > 2, "images", _, "tag") => TagAsync,
        ("POST", > 2, "images", _, "push") => ApiRoutes.Missing("push"),
        ("DELETE", > 1, "images", _, _) => DeleteAsync,
        ("GET", > 2, "distribution", _, "json") => ApiRoutes.Missing("asking a registry for a manifest"),
        _ => null,
    };

    /// <summary>Reads a name of the user's.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static ImageReference Reference(string name)
    {
        try
        {
            return ImageReference.Parse(name);
        }
        catch (FormatException exception)
        {
            throw ApiRequest.Malformed(exception.Message);
        }
    }

    private StoredImage Named(ApiRequest request) => engine.Images.Find(request.Path.Join(1, 1));

    private Task ListAsync(ApiRequest request)
    {
        ImageFilter filter = ImageFilter.Of(request, engine.Images);
        List<ImageSummary> list = [];
        foreach (StoredImage image in engine.Images.List())
        {
            if (filter.Apply(image) is { } shown)
            {
                list.Add(ImageDescription.Summarize(shown, request.Version, null));
            }
        }

        return request.AnswerJsonAsync(list, ApiJson.Wire.ListImageSummary);
    }

    private Task InspectAsync(ApiRequest request) =>
        request.AnswerJsonAsync(ImageDescription.Inspect(Named(request), request.Version), ApiJson.Wire.ImageInspect);

    private Task HistoryAsync(ApiRequest request) =>
        request.AnswerJsonAsync(ImageDescription.History(Named(request)), ApiJson.Wire.ListImageHistory);

    private async Task TagAsync(ApiRequest request)
    {
        StoredImage image = Named(request);
        string repository = request.Query("repo");
        string tag = request.Query("tag");
        ImageReference name = Reference(tag.Length == 0 ? repository : $"{repository}:{tag}");
        if (name.Digest is not null)
        {
            throw ApiRequest.Malformed("refusing to create a tag with a digest reference");
        }

        engine.Images.Tag(image.Id, name);
        Events.PublishImage(engine, "tag", image.Id, name.Familiar);
        await request.AnswerAsync(StatusCodes.Status201Created);
    }

    private Task DeleteAsync(ApiRequest request)
    {
        RemovedImage removed = engine.RemoveImage(request.Path.Join(1, 0), request.QueryFlag("force"), UseOf);
        return request.AnswerJsonAsync(Announce(removed), ApiJson.Wire.ListImageDelete);
    }

    private async Task PruneAsync(ApiRequest request)
    {
        Filters filters = Filters.Of(request, "dangling", "label", "label!", "until");
        bool danglingOnly = filters.Flag("dangling") ?? true;
        DateTimeOffset until = filters["until"] is [.., string text]
            ? GoTime.Parse(text, "until", DateTimeOffset.UtcNow) ?? DateTimeOffset.MaxValue
            : DateTimeOffset.MaxValue;
        List<ImageDelete> steps = [];
        long bytes = 0;
        foreach (StoredImage image in engine.Images.List())
        {
            if ((danglingOnly && image.Names.Count > 0) || image.Created > until || !filters.MatchLabels(image.Config.Config.Labels) || UseOf(image.Id) is not null)
            {
                continue;
            }

            try
            {
                steps.AddRange(Announce(engine.RemoveImage(image.Id, force: true, UseOf)));
                bytes += image.Size;
            }
            catch (BundtException exception) when (exception.Kind is FailureKind.Conflict or FailureKind.NotFound)
            {
                // used or removed meanwhile
            }
        }

        await request.AnswerJsonAsync(new ImagePrune(steps.Count == 0 ? null : steps, bytes), ApiJson.Wire.ImagePrune);
    }

    private async Task SearchAsync(ApiRequest request)
    {
        string term = request.Query("term");
        if (term.Length == 0)
        {
            throw ApiRequest.Malformed("no term to search for was given");
        }

        Filters filters = Filters.Of(request, "is-automated", "is-official", "stars");
        bool? official = filters.Flag("is-official");
        int stars = filters["stars"] is [.., string least] && int.TryParse(least, out int number) ? number : 0;
        IReadOnlyList<SearchResult> found = await engine.Images.SearchAsync(term, request.QueryInt("limit") ?? 25, request.Aborted);
        List<ImageSearch> answer = [];
        foreach (SearchResult result in found)
        {
            if (result.Stars >= stars && (official is null || official == result.Official))
            {
                answer.Add(new ImageSearch { Name = result.Name, Description = result.Description, Stars = result.Stars, Official = result.Official });
            }
        }

        await request.AnswerJsonAsync(answer, ApiJson.Wire.ListImageSearch);
    }

    /// <summary>Why an image cannot go, in docker's words, or null.</summary>
    private string? UseOf(string id)
    {
        foreach (Container container in engine.List())
        {
            if (container.ImageId == id)
            {
                bool runs = container.State.Status is ContainerStatus.Running or ContainerStatus.Paused;
                return $"image is being used by {(runs ? "running" : "stopped")} container {container.Id[..12]}";
            }
        }

        return null;
    }

    private List<ImageDelete> Announce(RemovedImage removed)
    {
        List<ImageDelete> steps = [];
        foreach (string name in removed.Untagged)
        {
            steps.Add(new ImageDelete { Untagged = name });
            Events.PublishImage(engine, "untag", removed.Deleted.Count > 0 ? removed.Deleted[0] : name, name);
        }

        foreach (string id in removed.Deleted)
        {
            steps.Add(new ImageDelete { Deleted = id });
        }

        if (removed.Deleted.Count > 0)
        {
            Events.PublishImage(engine, "delete", removed.Deleted[0], removed.Deleted[0]);
        }

        return steps;
    }
}
