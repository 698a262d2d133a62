using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images;

/// <summary>
/// The names of the store: index.json of the OCI layout. Each entry is a manifest under one name (annotation
/// org.opencontainers.image.ref.name, in full), or a manifest without a name. Not thread-safe; the store's lock guards it.
/// </summary>
internal sealed class ImageIndexFile
{
    /// <summary>The annotation that holds a name (image-spec, annotations.md).</summary>
    public const string NameAnnotation = "org.opencontainers.image.ref.name";

    private const string FileName = "index.json";

    private readonly DirectoryFd _root;
    private List<Entry> _entries;

    private ImageIndexFile(DirectoryFd root, List<Entry> entries)
    {
        _root = root;
        _entries = entries;
    }

    /// <summary>All entries.</summary>
    public IReadOnlyList<Entry> Entries => _entries;

    /// <summary>Reads the index, or begins one.</summary>
    public static ImageIndexFile Open(DirectoryFd root)
    {
        if (!root.Exists(FileName))
        {
            var created = new ImageIndexFile(root, []);
            created.Save([]);
            return created;
        }

        try
        {
            var index = ImageIndex.Parse(root.ReadAll(FileName, ImageDocument.MaxBytes));
            return new ImageIndexFile(root, [.. index.Manifests.Where(m => MediaTypes.IsManifest(m.MediaType)).Select(Entry.Of)]);
        }
        catch (FormatException e)
        {
            throw new BundtException(
                FailureKind.Internal, Phase.Store, $"{root}/{FileName} is damaged: {e.Message}", "Move it away; blobs and layers stay, images must be pulled again", e);
        }
    }

    /// <summary>Gives a manifest these names, or an entry without a name when there are none and it has none.</summary>
    public void Add(Descriptor manifest, IEnumerable<ImageReference> names, Func<string, string> idOf)
    {
        var entries = new List<Entry>(_entries);
        var plain = new Descriptor(manifest.MediaType, manifest.Digest, manifest.Size);
        foreach (var name in names)
        {
            var before = entries.FindIndex(e => e.Name == name);
            if (before >= 0)
            {
                var old = entries[before];
                entries.RemoveAt(before);
                KeepDangling(entries, old, idOf);
            }

            entries.Add(new Entry(plain, name));
        }

        if (entries.TrueForAll(e => e.Manifest.Digest != plain.Digest))
        {
            entries.Add(new Entry(plain, null));
        }

        // An entry without a name is there for images that have none.
        entries.RemoveAll(e => e.Name is null && entries.Exists(o => o.Name is not null && o.Manifest.Digest == e.Manifest.Digest));
        Save(entries);
    }

    /// <summary>Removes entries; images that lose their last one are gone, unless <paramref name="keepDangling"/>.</summary>
    public void Remove(IReadOnlyCollection<Entry> removed, bool keepDangling, Func<string, string> idOf)
    {
        var entries = _entries.Where(e => !removed.Contains(e)).ToList();
        if (keepDangling)
        {
            foreach (var entry in removed)
            {
                KeepDangling(entries, entry, idOf);
            }
        }

        Save(entries);
    }

    private static void KeepDangling(List<Entry> entries, Entry removed, Func<string, string> idOf)
    {
        var id = idOf(removed.Manifest.Digest);
        if (!entries.Exists(e => e.Manifest.Digest == removed.Manifest.Digest || idOf(e.Manifest.Digest) == id))
        {
            entries.Add(removed with { Name = null });
        }
    }

    private void Save(List<Entry> entries)
    {
        var index = new ImageIndex(MediaTypes.OciIndex, [.. entries.Select(e => e.ToDescriptor())]);
        AtomicFile.Replace(_root, FileName, index.ToBytes(), durable: true);
        _entries = entries;
    }

    /// <summary>A manifest under a name, or under none.</summary>
    internal sealed record Entry(Descriptor Manifest, ImageReference? Name)
    {
        public static Entry Of(Descriptor descriptor) => new(
            new Descriptor(descriptor.MediaType, descriptor.Digest, descriptor.Size),
            descriptor.Annotations.TryGetValue(NameAnnotation, out var text) && ImageReference.TryParse(text, out var name) ? name : null);

        public Descriptor ToDescriptor() =>
            Name is null ? Manifest : Manifest with { Annotations = new Dictionary<string, string> { [NameAnnotation] = Name.Full } };
    }
}
