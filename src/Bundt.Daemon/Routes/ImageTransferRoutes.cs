using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Daemon.Routes;

/// <summary>/images: pull, load and save.</summary>
internal sealed class ImageTransferRoutes(ContainerEngine engine)
{
    /// <summary>The handler of a method and path, or null.</summary>
    public Func<ApiRequest, Task>? Find(string method, ApiPath path) => (method, path.Count, path[1], path.Last) switch
    {
        ("POST", 2, "create", _) => CreateAsync,
        ("POST", 2, "load", _) => LoadAsync,
        ("GET", 2, "get", _) => SaveManyAsync,
        ("GET", > 2, _, "get") => SaveOneAsync,
        _ => null,
    };

    /// <summary>The name to pull out of fromImage and tag, where a tag may be a digest.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static (ImageReference Reference, bool AllTags) NameOf(string fromImage, string tag)
    {
        string name = tag.Length == 0 ? fromImage : tag.Contains(':', StringComparison.Ordinal) ? $"{fromImage}@{tag}" : $"{fromImage}:{tag}";
        return (ImageRoutes.Reference(name), tag.Length == 0 && ImageFilter.Repository(fromImage) == fromImage);
    }

    /// <summary>Reads "linux/arm64/v8" or "arm64"; null for "".</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static Platform? PlatformOf(string text)
    {
        try
        {
            return text.Length == 0 ? null : Platform.Parse(text);
        }
        catch (FormatException exception)
        {
            throw ApiRequest.Malformed(exception.Message);
        }
    }

    private async Task CreateAsync(ApiRequest request)
    {
        string fromImage = request.Query("fromImage");
        if (fromImage.Length == 0)
        {
            throw new BundtException(FailureKind.NotImplemented, Phase.Request, $"import of a file system (docker import) is not offered by Bundt {ServerHeader.Version}");
        }

        await request.SkipBodyAsync();
        (ImageReference reference, bool allTags) = NameOf(fromImage, request.Query("tag"));
        var options = new PullOptions(PlatformOf(request.Query("platform")), RegistryLogin.OfHeader(request), allTags);
        StoredImage? pulled = null;
        await new ProgressStream().RunAsync(
            request,
            async progress => pulled = await engine.Images.PullAsync(reference, options, progress, request.Ended),
            static _ => true,
            static _ => []);
        if (pulled is not null)
        {
            Events.PublishImage(engine, "pull", reference.Familiar, reference.Familiar);
        }
    }

    private async Task LoadAsync(ApiRequest request)
    {
        bool quiet = request.QueryFlag("quiet");
        await new ProgressStream().RunAsync(
            request,
            progress => engine.Images.LoadAsync(request.Body, progress, request.Ended),
            step => !quiet && !step.Status.StartsWith("Loaded image", StringComparison.Ordinal),
            loaded =>
            {
                List<ProgressLine> lines = [];
                foreach (LoadedImage image in loaded)
                {
                    Events.PublishImage(engine, "load", image.Image.Id, image.Name ?? image.Image.Id);
                    lines.Add(new ProgressLine { Stream = image.Name is null ? $"Loaded image ID: {image.Image.Id}\n" : $"Loaded image: {image.Name}\n" });
                }

                return lines;
            });
    }

    private Task SaveOneAsync(ApiRequest request) => SaveAsync(request, [request.Path.Join(1, 1)]);

    private Task SaveManyAsync(ApiRequest request) => SaveAsync(request, request.QueryAll("names"));

    private async Task SaveAsync(ApiRequest request, IReadOnlyList<string> names)
    {
        if (names.Count == 0)
        {
            throw ApiRequest.Malformed("no images to save were named");
        }

        foreach (string name in names)
        {
            StoredImage image = engine.Images.Find(name); // unknown ones are an answer of their own, before the first byte
            Events.PublishImage(engine, "save", image.Id, name);
        }

        await using Stream body = (await request.BeginAsync("application/x-tar")).AsStream(leaveOpen: true);
        await engine.Images.SaveAsync(names, body, request.Ended);
    }
}
