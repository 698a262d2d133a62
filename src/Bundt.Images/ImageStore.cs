using Bundt.Images.Archives;
using Bundt.Images.Blobs;
using Bundt.Images.Layers;
using Bundt.Images.Registry;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images;

/// <summary>
/// The images on disk: an OCI image layout of blobs, unpacked layers keyed by diffID, and the names that point to them.
/// Safe for concurrent use; one process owns a store's directory.
/// </summary>
public sealed partial class ImageStore : IDisposable
{
    private const UnixFileMode DirectoryMode = (UnixFileMode)0b111_000_000;

    private static readonly TimeSpan s_keepPartialDownloads = TimeSpan.FromDays(7);

    // Guards the names, what intakes keep and what leases hold: a removal sees all of it or nothing. Never held over I/O of layers.
    private readonly Lock _lock = new();
    private readonly DirectoryFd _root;
    private readonly RegistryOptions _registries;
    private readonly BlobStore _blobs;
    private readonly LayerStore _layers;
    private readonly ImageIndexFile _index;
    private readonly ImageCatalogue _catalogue;
    private readonly LayerStacks _stacks;
    private readonly HashSet<ImageIntake> _intakes = [];

    private ImageStore(DirectoryFd root, string path, RegistryOptions registries)
    {
        _root = root;
        _registries = registries;
        _transport = new RegistryTransport(RegistryTimings.Default, registries.CertificatesPath);
        _blobs = BlobStore.Open(root);
        _layers = LayerStore.Open(root, path, new LayerLimits());
        _index = ImageIndexFile.Open(root);
        _catalogue = new ImageCatalogue(_blobs, _layers);
        _stacks = new LayerStacks(_layers, _blobs);
    }

    /// <summary>Opens or creates the store below <paramref name="root"/> (a host path, mode 0700) and removes what a crash left half-made.</summary>
    public static ImageStore Open(string root, RegistryOptions registries)
    {
        var path = Path.GetFullPath(root);
        using var host = DirectoryFd.OpenHost("/");
        var store = new ImageStore(host.EnsureDirectory(path, DirectoryMode), path, registries);
        store._blobs.RemoveLeftovers(s_keepPartialDownloads);
        store._layers.RemoveLeftovers();
        AtomicFile.RemoveLeftovers(store._root);
        return store;
    }

    /// <summary>
    /// All images, newest first; an image without any name is listed too (dangling). One whose manifest or config is missing or damaged
    /// is left out, see <see cref="Damaged"/>.
    /// </summary>
    public IReadOnlyList<StoredImage> List()
    {
        lock (_lock)
        {
            return [.. _catalogue.Images(_index.Entries).OrderByDescending(i => i.Created).ThenBy(i => i.Id, StringComparer.Ordinal)];
        }
    }

    /// <summary>One sentence for each image whose manifest or config cannot be read.</summary>
    public IReadOnlyList<string> Damaged()
    {
        lock (_lock)
        {
            return _catalogue.Damaged(_index.Entries);
        }
    }

    /// <summary>An image by name (familiar or full, tag or digest) or by unambiguous id prefix, with or without "sha256:".</summary>
    /// <exception cref="BundtException">NotFound "No such image: X", InvalidArgument when the prefix is ambiguous.</exception>
    public StoredImage Find(string nameOrId)
    {
        lock (_lock)
        {
            return Resolve(nameOrId).Image;
        }
    }

    /// <summary>Loads a docker-archive, OCI archive (any common compression) from a stream; answers what was loaded.</summary>
    public async Task<IReadOnlyList<LoadedImage>> LoadAsync(Stream archive, IProgress<PullProgress>? progress, CancellationToken cancellation)
    {
        using var intake = BeginIntake(keepsRest: false);
        return await ArchiveLoader.LoadAsync(intake, archive, progress, cancellation).ConfigureAwait(false);
    }

    /// <summary>Loads an OCI image layout that lies in a directory of the host (a trusted path with hostile content).</summary>
    public async Task<IReadOnlyList<LoadedImage>> LoadDirectoryAsync(string path, IProgress<PullProgress>? progress, CancellationToken cancellation)
    {
        using var intake = BeginIntake(keepsRest: false);
        using var directory = DirectoryFd.OpenHost(path);
        return await LayoutLoader.LoadAsync(intake, new LayoutDirectory(directory), progress, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes the named images as one archive that docker load, podman load and skopeo understand (OCI layout with manifest.json).</summary>
    public async Task SaveAsync(IReadOnlyList<string> names, Stream destination, CancellationToken cancellation)
    {
        using var intake = BeginIntake();
        var selected = new List<SavedImage>();
        lock (_lock)
        {
            foreach (var name in names)
            {
                var (image, asked) = Resolve(name);
                selected.Add(new SavedImage(image, asked is { Digest: null } ? asked : null));
                intake.KeepLocked(image.Manifest.Digest);
                intake.KeepLocked(image.Id);
                foreach (var blob in _catalogue.ManifestOf(image.Manifest.Digest).Layers)
                {
                    intake.KeepLocked(blob.Digest);
                }
            }
        }

        await new ArchiveWriter(_blobs).WriteAsync(selected, destination, cancellation).ConfigureAwait(false);
    }

    /// <summary>Gives an image a further name; the name moves if another image has it.</summary>
    public void Tag(string nameOrId, ImageReference name)
    {
        if (name.Digest is not null || name.Tag is null)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"\"{name.Familiar}\": a new name has a tag and no digest");
        }

        lock (_lock)
        {
            _index.Add(Resolve(nameOrId).Image.Manifest, [name], _catalogue.IdOf);
        }
    }

    /// <summary>
    /// Removes a name, or with the last name (or by id) the image itself with every blob and layer nobody else needs.
    /// <paramref name="isUsed"/> answers whether a container uses the image id, with a sentence if so. Forced, an image that is used loses
    /// its names and stays, without any, for its containers.
    /// </summary>
    public RemovedImage Remove(string nameOrId, bool force, Func<string, string?> isUsed)
    {
        List<Action> deletions = [];
        try
        {
            lock (_lock)
            {
                return Remove(nameOrId, force, isUsed, deletions);
            }
        }
        finally
        {
            deletions.ForEach(delete => delete());
        }
    }

    /// <summary>The unpacked layers of an image for an overlay. Unpacks what is missing. The lease keeps them from removal.</summary>
    public async Task<LayerLease> LeaseLayersAsync(StoredImage image, CancellationToken cancellation)
    {
        IReadOnlyList<string> needed = LayerStacks.LayersOf(image.Config);
        ImageManifest manifest;
        lock (_lock)
        {
            manifest = _catalogue.ManifestOf(image.Manifest.Digest);
            _stacks.Hold(needed);
        }

        try
        {
            var directories = await _stacks.PrepareAsync(manifest, image.Config, cancellation).ConfigureAwait(false);
            return new LayerLease(directories, () => Release(needed));
        }
        catch
        {
            Release(needed);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _transport.Dispose();
        _layers.Dispose();
        _blobs.Dispose();
        _root.Dispose();
    }

    /// <summary>Begins to bring an image in. The registry's puller is given the intake and registers the image with it.</summary>
    /// <param name="keepsRest">
    /// What no image needs at the end stays: a pull that failed goes on with it the next time. What a failed load brought goes.
    /// </param>
    internal ImageIntake BeginIntake(bool keepsRest = true)
    {
        var intake = new ImageIntake(this, _blobs, _layers, _lock, ended => EndIntake(ended, keepsRest));
        lock (_lock)
        {
            _intakes.Add(intake);
        }

        return intake;
    }

    internal StoredImage Register(Descriptor manifest, IReadOnlyList<ImageReference> names)
    {
        lock (_lock)
        {
            var id = _catalogue.IdOf(manifest.Digest);
            var content = _catalogue.ManifestOf(manifest.Digest);
            var missing = content.Layers.FirstOrDefault(l => !_blobs.Contains(l.Digest))?.Digest
                ?? _catalogue.ConfigOf(content).DiffIds.FirstOrDefault(d => !_layers.Contains(d));
            if (missing is not null)
            {
                throw new BundtException(FailureKind.Internal, Phase.Store, $"image {id} cannot be registered: {missing} is missing");
            }

            _index.Add(manifest, names, _catalogue.IdOf);
            return _catalogue.Images(_index.Entries).First(i => i.Id == id);
        }
    }

    private void EndIntake(ImageIntake intake, bool keepsRest)
    {
        List<Action> deletions = [];
        bool wasLast;
        lock (_lock)
        {
            _intakes.Remove(intake);
            wasLast = _intakes.Count == 0;
            if (!keepsRest)
            {
                var brought = new HashSet<string>(StringComparer.Ordinal);
                intake.AddKeptTo(brought);
                Collect(deletions, brought.Contains);
            }
        }

        deletions.ForEach(delete => delete());
        if (wasLast)
        {
            // The buffers of an image of any size would stay in a daemon that may be at rest for months.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    private void Release(IReadOnlyList<string> layers)
    {
        List<Action> deletions = [];
        lock (_lock)
        {
            // A layer whose image was removed while it was leased goes with its last lease.
            if (_stacks.Release(layers))
            {
                Collect(deletions, _ => true);
            }
        }

        deletions.ForEach(delete => delete());
    }

    private (StoredImage Image, ImageReference? Name) Resolve(string nameOrId)
    {
        var images = _catalogue.Images(_index.Entries);
        if (ImageReference.TryParse(nameOrId, out var reference))
        {
            // A digest says it all; a tag beside it is for people.
            var wanted = reference.Digest is null ? reference : reference with { Tag = null };
            var entry = _index.Entries.FirstOrDefault(e => e.Name == wanted);
            if (entry is not null && images.FirstOrDefault(i => i.Id == _catalogue.IdOf(entry.Manifest.Digest)) is { } named)
            {
                return (named, wanted);
            }
        }

        var prefix = nameOrId.StartsWith("sha256:", StringComparison.Ordinal) ? nameOrId["sha256:".Length..] : nameOrId;
        var isId = prefix.Length > 0 && prefix.All(char.IsAsciiHexDigitLower);
        if (isId)
        {
            var matches = images.Where(i => i.Id.AsSpan("sha256:".Length).StartsWith(prefix)).ToList();
            if (matches.Count == 1)
            {
                return (matches[0], null);
            }

            if (matches.Count > 1)
            {
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Resolve, $"image id prefix \"{prefix}\" is ambiguous: {matches.Count} images begin with it");
            }
        }

        if (reference is null && !isId)
        {
            try
            {
                ImageReference.Parse(nameOrId);
            }
            catch (FormatException e)
            {
                throw new BundtException(FailureKind.InvalidArgument, Phase.Resolve, e.Message, null, e);
            }
        }

        throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"No such image: {reference?.Familiar ?? nameOrId}");
    }

    private RemovedImage Remove(string nameOrId, bool force, Func<string, string?> isUsed, List<Action> deletions)
    {
        var (image, name) = Resolve(nameOrId);
        var entries = _index.Entries.Where(e => _catalogue.IdOf(e.Manifest.Digest) == image.Id).ToList();
        var removed = entries;
        if (name is not null)
        {
            var repository = entries.Where(e => e.Name?.FullName == name.FullName).ToList();
            var tagsLeft = entries.Count(e => e.Name is { Tag: not null } n && n != name);
            // With a repository's last tag go its digests; they were not asked for one by one.
            removed = tagsLeft > 0 && (name.Tag is null || repository.Exists(e => e.Name!.Tag is not null && e.Name != name))
                ? entries.Where(e => e.Name == name).ToList()
                : tagsLeft > 0 ? repository : entries;
            if (tagsLeft > 0)
            {
                _index.Remove(removed, keepDangling: true, _catalogue.IdOf);
                return new RemovedImage(Untagged(removed), []);
            }
        }
        else if (!force && entries.Where(e => e.Name is not null).Select(e => e.Name!.FullName).Distinct().Count() > 1)
        {
            throw new BundtException(
                FailureKind.Conflict,
                Phase.Remove,
                $"unable to delete {ContentDigest.ShortOf(image.Id)} (must be forced) - image is referenced in multiple repositories");
        }

        var usage = isUsed(image.Id);
        if (usage is not null && !force)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Remove, $"unable to remove {nameOrId} (must be forced) - {usage}");
        }

        _index.Remove(removed, keepDangling: usage is not null, _catalogue.IdOf);
        return usage is not null
            ? new RemovedImage(Untagged(removed), [])
            : new RemovedImage(Untagged(removed), [image.Id, .. Collect(deletions, _ => true)]);
    }

    private static List<string> Untagged(IEnumerable<ImageIndexFile.Entry> entries) =>
        [.. entries.Where(e => e.Name is not null).Select(e => e.Name!).OrderBy(n => n.Tag is null).Select(n => n.Familiar)];

    /// <summary>Takes the blobs and layers out of sight that no image, intake or lease needs; answers the layers' ids.</summary>
    /// <param name="deletions">Gets what deletes their bytes, to be called without the lock.</param>
    /// <param name="may">Which of them may go.</param>
    private List<string> Collect(List<Action> deletions, Predicate<string> may)
    {
        var needed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var entry in _index.Entries)
        {
            _catalogue.AddNeeded(entry.Manifest.Digest, needed);
        }

        foreach (var intake in _intakes)
        {
            intake.AddKeptTo(needed);
        }

        _stacks.AddHeldTo(needed);
        foreach (var digest in _blobs.List().Where(d => may(d) && !needed.Contains(d)))
        {
            deletions.Add(_blobs.Remove(digest));
        }

        var layers = _layers.List().Where(d => may(d) && !needed.Contains(d)).ToList();
        deletions.AddRange(layers.Select(_layers.Remove));
        _catalogue.Forget(needed);
        _stacks.Forget(layers);
        return layers;
    }
}
