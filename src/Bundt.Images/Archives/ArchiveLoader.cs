using Bundt.Images.Compression;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Archives;

/// <summary>Loads image archives: what "docker save", "podman save" and "skopeo copy" write, and tars of OCI layouts.</summary>
internal static class ArchiveLoader
{
    private const int MaxManifestBytes = 4 << 20;

    public static async Task<IReadOnlyList<LoadedImage>> LoadAsync(
        ImageIntake intake, Stream stream, IProgress<PullProgress>? progress, CancellationToken cancellation)
    {
        using var archive = await Task.Factory.StartNew(
            () => SpooledArchive.Read(stream, intake.Blobs, cancellation), cancellation, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .ConfigureAwait(false);
        if (archive.ReadSmall("oci-layout", 4096) is not null && archive.ReadSmall("index.json", ImageDocument.MaxBytes) is not null)
        {
            return await LayoutLoader.LoadAsync(intake, archive, progress, cancellation).ConfigureAwait(false);
        }

        var manifest = archive.ReadSmall("manifest.json", MaxManifestBytes) ?? throw new BundtException(
            FailureKind.InvalidArgument,
            Phase.Store,
            "this is no image archive: it has neither manifest.json nor index.json",
            "Make one with \"docker save\", \"podman save\" or \"skopeo copy … docker-archive:FILE\"");
        var loaded = new List<LoadedImage>();
        foreach (var image in DockerArchiveImage.Parse(manifest))
        {
            loaded.AddRange(await LoadImageAsync(intake, archive, image, progress, cancellation).ConfigureAwait(false));
        }

        return loaded;
    }

    /// <summary>Registers a complete image and says so as docker does.</summary>
    internal static List<LoadedImage> Register(
        ImageIntake intake, Descriptor manifest, IReadOnlyList<ImageReference> names, IProgress<PullProgress>? progress)
    {
        var image = intake.Add(manifest, names);
        if (names.Count == 0)
        {
            progress?.Report(new PullProgress($"Loaded image ID: {image.Id}"));
            return [new LoadedImage(image, null)];
        }

        foreach (var name in names)
        {
            progress?.Report(new PullProgress($"Loaded image: {name.Familiar}"));
        }

        return [.. names.Select(n => new LoadedImage(image, n.Familiar))];
    }

    /// <summary>A name in an archive, with a tag.</summary>
    internal static ImageReference ParseName(string text)
    {
        try
        {
            return ImageReference.Parse(text);
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"the archive names an image \"{text}\": {e.Message}", null, e);
        }
    }

    private static async Task<List<LoadedImage>> LoadImageAsync(
        ImageIntake intake, SpooledArchive archive, DockerArchiveImage image, IProgress<PullProgress>? progress, CancellationToken cancellation)
    {
        var configBytes = archive.ReadSmall(Clean(image.Config!), ImageConfig.MaxBytes) ?? throw Missing(image.Config!);
        ImageConfig config;
        try
        {
            config = ImageConfig.Parse(configBytes);
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"{image.Config}: {e.Message}", null, e);
        }

        if (config.DiffIds.Count != image.Layers!.Count)
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Store, $"the archive has {image.Layers.Count} layers for an image of {config.DiffIds.Count}");
        }

        var layers = new List<Descriptor>();
        for (var i = 0; i < image.Layers.Count; i++)
        {
            var path = Clean(image.Layers[i]);
            var (digest, length, start) = archive.Describe(path) ?? throw Missing(image.Layers[i]);
            layers.Add(new Descriptor(MediaTypeOf(start), digest, length));
            progress?.Report(new PullProgress("Loading layer", ContentDigest.ShortOf(config.DiffIds[i]), 0, length));
            await archive.BringAsync(intake, path, digest, length, cancellation).ConfigureAwait(false);
            await LayoutLoader.UnpackAsync(intake, digest, config.DiffIds[i], cancellation).ConfigureAwait(false);
            progress?.Report(new PullProgress("Loading layer", ContentDigest.ShortOf(config.DiffIds[i]), length, length));
        }

        var id = intake.Put(configBytes);
        var manifest = new ImageManifest(MediaTypes.OciManifest, new Descriptor(MediaTypes.OciConfig, id, configBytes.Length), layers).ToBytes();
        var digestOfManifest = intake.Put(manifest);
        return Register(
            intake, new Descriptor(MediaTypes.OciManifest, digestOfManifest, manifest.Length), [.. (image.RepoTags ?? []).Select(ParseName)], progress);
    }

    private static string MediaTypeOf(ReadOnlySpan<byte> start) =>
        Inflater.Sniff(start) switch
        {
            CompressionKind.None => MediaTypes.OciLayer,
            CompressionKind.Gzip => MediaTypes.OciLayerGzip,
            CompressionKind.Zstd => MediaTypes.OciLayerZstd,
            var other => throw new BundtException(
                FailureKind.InvalidArgument, Phase.Store, $"the archive has a layer compressed with {other}, for which images have no type"),
        };

    private static string Clean(string path)
    {
        try
        {
            return Layers.LayerPath.Normalize(path, "archive path");
        }
        catch (Tar.TarFormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"the archive's manifest.json: {e.Message}", null, e);
        }
    }

    private static BundtException Missing(string path) =>
        new(FailureKind.InvalidArgument, Phase.Store, $"the archive's manifest.json names {Layers.LayerPath.Show(path)}, which it does not contain");
}
