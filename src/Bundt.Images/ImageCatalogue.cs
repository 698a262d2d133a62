using Bundt.Images.Blobs;
using Bundt.Images.Layers;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images;

/// <summary>
/// What the entries of the index mean: manifests and configs, parsed once and remembered by digest. Not thread-safe; the store's lock
/// guards it.
/// </summary>
internal sealed class ImageCatalogue(BlobStore blobs, LayerStore layers)
{
    private readonly Dictionary<string, ImageManifest> _manifests = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (ImageConfig Config, byte[] Bytes)> _configs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _sizes = new(StringComparer.Ordinal);
    private IReadOnlyList<ImageIndexFile.Entry>? _listed;
    private IReadOnlyList<StoredImage> _images = [];

    /// <summary>The image id of a manifest: its config's digest; the manifest's own digest when it cannot be read.</summary>
    public string IdOf(string manifestDigest)
    {
        try
        {
            return ManifestOf(manifestDigest).Config.Digest;
        }
        catch (BundtException)
        {
            return manifestDigest;
        }
    }

    /// <summary>A manifest of the store.</summary>
    public ImageManifest ManifestOf(string digest)
    {
        if (!_manifests.TryGetValue(digest, out var manifest))
        {
            _manifests[digest] = manifest = Parse(digest, ImageDocument.MaxBytes, bytes => ImageManifest.Parse(bytes));
        }

        return manifest;
    }

    /// <summary>A manifest's config.</summary>
    public ImageConfig ConfigOf(ImageManifest manifest) => ConfigWithBytes(manifest.Config.Digest).Config;

    /// <summary>The images of these entries, in no order.</summary>
    public IReadOnlyList<StoredImage> Images(IReadOnlyList<ImageIndexFile.Entry> entries)
    {
        // Every start looks its image up. A list of entries is never changed, only replaced.
        if (entries != _listed)
        {
            _images = [.. entries.Where(e => Problem(e) is null).GroupBy(e => IdOf(e.Manifest.Digest)).Select(g => Make(g.Key, [.. g]))];
            _listed = _images.All(i => i.Config.DiffIds.All(_sizes.ContainsKey)) ? entries : null;
        }

        return _images;
    }

    /// <summary>A sentence for each entry that cannot be read.</summary>
    public IReadOnlyList<string> Damaged(IEnumerable<ImageIndexFile.Entry> entries) => [.. entries.Select(Problem).OfType<string>().Distinct()];

    /// <summary>Adds the digests of all blobs and layers that a manifest needs.</summary>
    public void AddNeeded(string manifestDigest, HashSet<string> needed)
    {
        needed.Add(manifestDigest);
        try
        {
            var manifest = ManifestOf(manifestDigest);
            needed.Add(manifest.Config.Digest);
            needed.UnionWith(manifest.Layers.Select(l => l.Digest));
            needed.UnionWith(LayerStacks.LayersOf(ConfigOf(manifest)));
        }
        catch (BundtException)
        {
            // A damaged image keeps what can be read of it; nothing else is known to be its.
        }
    }

    /// <summary>Drops what is remembered of blobs that are gone.</summary>
    public void Forget(HashSet<string> needed)
    {
        foreach (var digest in _manifests.Keys.Where(d => !needed.Contains(d)).ToList())
        {
            _manifests.Remove(digest);
        }

        foreach (var digest in _configs.Keys.Where(d => !needed.Contains(d)).ToList())
        {
            _configs.Remove(digest);
        }

        foreach (var digest in _sizes.Keys.Where(d => !needed.Contains(d)).ToList())
        {
            _sizes.Remove(digest);
        }
    }

    private string? Problem(ImageIndexFile.Entry entry)
    {
        try
        {
            ConfigOf(ManifestOf(entry.Manifest.Digest));
            return null;
        }
        catch (BundtException e)
        {
            return $"image {entry.Name?.Familiar ?? entry.Manifest.Digest}: {e.Message}";
        }
    }

    private StoredImage Make(string id, List<ImageIndexFile.Entry> entries)
    {
        var (config, bytes) = ConfigWithBytes(id);
        var names = entries.Select(e => e.Name).OfType<ImageReference>().ToList();
        return new StoredImage(
            id,
            [.. names.Where(n => n.Digest is null).Select(n => n.Familiar).Order(StringComparer.Ordinal)],
            [.. names.Where(n => n.Digest is not null).Select(n => n.Familiar).Order(StringComparer.Ordinal)],
            config,
            bytes,
            entries[0].Manifest,
            config.DiffIds.Sum(SizeOf),
            config.Created ?? DateTimeOffset.UnixEpoch);
    }

    private long SizeOf(string diffId)
    {
        if (!_sizes.TryGetValue(diffId, out var size))
        {
            if (!layers.Contains(diffId))
            {
                return 0;
            }

            _sizes[diffId] = size = layers.RecordOf(diffId).Size;
        }

        return size;
    }

    private (ImageConfig Config, byte[] Bytes) ConfigWithBytes(string digest)
    {
        if (!_configs.TryGetValue(digest, out var config))
        {
            _configs[digest] = config = Parse(digest, ImageConfig.MaxBytes, bytes => (ImageConfig.Parse(bytes), bytes));
        }

        return config;
    }

    private T Parse<T>(string digest, int maxBytes, Func<byte[], T> parse)
    {
        try
        {
            return parse(blobs.Read(digest, maxBytes));
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"{digest}: {e.Message}", null, e);
        }
    }
}
