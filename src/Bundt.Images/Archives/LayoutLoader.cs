using Bundt.Linux;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Archives;

/// <summary>Loads the images of an OCI image layout (image-spec, image-layout.md).</summary>
internal static class LayoutLoader
{
    // The full name, as containerd, docker 25+ and buildkit write it beside the short one.
    private const string ContainerdName = "io.containerd.image.name";
    private const int MaxDepth = 4;

    public static async Task<IReadOnlyList<LoadedImage>> LoadAsync(
        ImageIntake intake, ILayoutSource source, IProgress<PullProgress>? progress, CancellationToken cancellation)
    {
        var bytes = source.ReadSmall("index.json", ImageDocument.MaxBytes) ?? throw Refuse("it has no index.json");
        var index = Parse("index.json", () => ImageIndex.Parse(bytes));
        var tags = DockerTags(source);
        var loaded = new List<LoadedImage>();
        foreach (var group in index.Manifests.GroupBy(m => m.Digest))
        {
            if (!MediaTypes.IsManifest(group.First().MediaType) && !MediaTypes.IsIndex(group.First().MediaType))
            {
                continue;
            }

            if (await ManifestOfAsync(intake, source, group.First(), 0, cancellation).ConfigureAwait(false) is not { } manifest)
            {
                continue;
            }

            var content = Parse(manifest.Digest, () => ImageManifest.Parse(intake.Blobs.Read(manifest.Digest, ImageDocument.MaxBytes), manifest.MediaType));
            if (content.ArtifactType is not null || !MediaTypes.IsImageConfig(content.Config.MediaType))
            {
                continue;
            }

            await LoadImageAsync(intake, source, content, progress, cancellation).ConfigureAwait(false);
            var names = group.Select(NameOf).OfType<ImageReference>().Concat(tags.GetValueOrDefault(content.Config.Digest) ?? []).Distinct().ToList();
            loaded.AddRange(ArchiveLoader.Register(intake, manifest, names, progress));
        }

        return loaded.Count > 0 ? loaded : throw Refuse($"it has no image for {Platform.Current}");
    }

    /// <summary>Unpacks a layer whose blob is in the store.</summary>
    public static async Task UnpackAsync(ImageIntake intake, string blob, string diffId, CancellationToken cancellation)
    {
        intake.Keep(diffId);
        await intake.Layers.EnsureAsync(diffId, () => intake.Blobs.OpenRead(blob), cancellation).ConfigureAwait(false);
    }

    private static BundtException Refuse(string why) => new(FailureKind.InvalidArgument, Phase.Store, $"the image layout cannot be loaded: {why}");

    private static T Parse<T>(string what, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (FormatException e)
        {
            throw Refuse($"{what}: {e.Message}");
        }
    }

    private static ImageReference? NameOf(Descriptor descriptor)
    {
        if (descriptor.Annotations.TryGetValue(ContainerdName, out var full))
        {
            return ArchiveLoader.ParseName(full);
        }

        // The short name may be a tag alone ("latest"), which names nothing without its repository.
        return descriptor.Annotations.TryGetValue(ImageIndexFile.NameAnnotation, out var name)
            && (name.Contains('/') || name.Contains(':')) && ImageReference.TryParse(name, out var reference)
            ? reference
            : null;
    }

    // What docker writes holds a manifest.json for older readers, with the names.
    private static Dictionary<string, List<ImageReference>> DockerTags(ILayoutSource source)
    {
        var tags = new Dictionary<string, List<ImageReference>>(StringComparer.Ordinal);
        if (source.ReadSmall("manifest.json", ImageDocument.MaxBytes) is { } bytes)
        {
            foreach (var image in DockerArchiveImage.Parse(bytes))
            {
                var hex = image.Config![(image.Config!.LastIndexOf('/') + 1)..];
                tags.TryAdd("sha256:" + (hex.EndsWith(".json", StringComparison.Ordinal) ? hex[..^5] : hex), [.. (image.RepoTags ?? []).Select(ArchiveLoader.ParseName)]);
            }
        }

        return tags;
    }

    private static async Task<Descriptor?> ManifestOfAsync(
        ImageIntake intake, ILayoutSource source, Descriptor descriptor, int depth, CancellationToken cancellation)
    {
        if (descriptor.Platform is { } platform && Platform.Current.Distance(platform) is null)
        {
            return null;
        }

        await BringAsync(intake, source, descriptor, cancellation).ConfigureAwait(false);
        if (MediaTypes.IsManifest(descriptor.MediaType))
        {
            return new Descriptor(descriptor.MediaType, descriptor.Digest, descriptor.Size);
        }

        if (depth == MaxDepth)
        {
            throw Refuse("an index in an index, too deep");
        }

        var inner = Parse(descriptor.Digest, () => ImageIndex.Parse(intake.Blobs.Read(descriptor.Digest, ImageDocument.MaxBytes), descriptor.MediaType));
        return inner.Choose(Platform.Current) is { } chosen
            ? await ManifestOfAsync(intake, source, chosen, depth + 1, cancellation).ConfigureAwait(false)
            : null;
    }

    private static async Task LoadImageAsync(
        ImageIntake intake, ILayoutSource source, ImageManifest manifest, IProgress<PullProgress>? progress, CancellationToken cancellation)
    {
        await BringAsync(intake, source, manifest.Config, cancellation).ConfigureAwait(false);
        var config = Parse(manifest.Config.Digest, () => ImageConfig.Parse(intake.Blobs.Read(manifest.Config.Digest, ImageConfig.MaxBytes)));
        if (config.DiffIds.Count != manifest.Layers.Count)
        {
            throw Refuse($"the manifest has {manifest.Layers.Count} layers, the config {config.DiffIds.Count}");
        }

        for (var i = 0; i < manifest.Layers.Count; i++)
        {
            var layer = manifest.Layers[i];
            progress?.Report(new PullProgress("Loading layer", ContentDigest.ShortOf(config.DiffIds[i]), 0, layer.Size));
            await BringAsync(intake, source, layer, cancellation).ConfigureAwait(false);
            await UnpackAsync(intake, layer.Digest, config.DiffIds[i], cancellation).ConfigureAwait(false);
            progress?.Report(new PullProgress("Loading layer", ContentDigest.ShortOf(config.DiffIds[i]), layer.Size, layer.Size));
        }
    }

    private static async Task BringAsync(ImageIntake intake, ILayoutSource source, Descriptor descriptor, CancellationToken cancellation)
    {
        var path = "blobs/" + descriptor.Digest.Replace(':', '/');
        if (!await source.BringAsync(intake, path, descriptor.Digest, descriptor.Size, cancellation).ConfigureAwait(false))
        {
            throw Refuse($"{path} is missing");
        }
    }
}
