using Bundt.Images.Blobs;
using Bundt.Images.Compression;
using Bundt.Images.Tar;
using Bundt.Linux;

namespace Bundt.Images.Archives;

/// <summary>
/// An archive read once from a stream. What is what is known at its end at the earliest, so big files become blobs that are not yet
/// visible, small ones stay in memory.
/// </summary>
internal sealed class SpooledArchive : ILayoutSource, IDisposable
{
    private const int SmallFile = 1 << 20;
    private const int MaxSmallTotal = 64 << 20;
    private const int MaxBigFiles = 2000;
    private const int MaxEntries = 100_000;

    private readonly Dictionary<string, byte[]> _small = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Spooled> _big = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _links = new(StringComparer.Ordinal);
    private long _smallTotal;

    private SpooledArchive()
    {
    }

    /// <summary>Reads a whole archive, in any common compression.</summary>
    public static SpooledArchive Read(Stream stream, BlobStore blobs, CancellationToken cancellation)
    {
        var archive = new SpooledArchive();
        try
        {
            var source = new PeekStream(new BlockingStream(stream, cancellation));
            using (var inflated = Inflater.Open(source))
            using (var ahead = new ReadAhead(inflated))
            {
                var reader = new TarReader(ahead);
                var entries = 0;
                while (reader.Next() is { } entry)
                {
                    cancellation.ThrowIfCancellationRequested();
                    archive.Add(entry, reader, blobs);
                    if (++entries > MaxEntries)
                    {
                        throw Refuse($"it has more than {MaxEntries} entries");
                    }
                }

                // No digest covers the archive as a whole; a cut gzip stream just ends.
                if (!reader.EndMarkerSeen)
                {
                    throw Refuse("its end is missing");
                }

                reader.Drain();
            }

            source.Drain();
            return archive;
        }
        catch (TarFormatException e)
        {
            archive.Dispose();
            throw Refuse(e.Message, e);
        }
        catch (Exception e)
        {
            archive.Dispose();
            if (Inflater.Explain(e, Phase.Store, "the archive cannot be loaded") is { } explained)
            {
                throw explained;
            }

            throw;
        }
    }

    public byte[]? ReadSmall(string path, int maxBytes)
    {
        var target = Follow(path);
        if (_big.TryGetValue(target, out var big))
        {
            return big.Length <= maxBytes ? big.ReadAll() : throw Refuse($"{Layers.LayerPath.Show(path)} has {big.Length} bytes");
        }

        return _small.TryGetValue(target, out var content)
            ? content.Length <= maxBytes ? content : throw Refuse($"{Layers.LayerPath.Show(path)} has {content.Length} bytes")
            : null;
    }

    public Task<bool> BringAsync(ImageIntake intake, string path, string digest, long size, CancellationToken cancellation)
    {
        intake.Keep(digest);
        var target = Follow(path);
        if (_small.TryGetValue(target, out var content))
        {
            CheckBlob(path, digest, size, Oci.Distribution.ContentDigest.ComputeLike(digest, content), content.Length);
            intake.Put(content);
            return Task.FromResult(true);
        }

        if (_big.TryGetValue(target, out var big))
        {
            CheckBlob(path, digest, size, big.Digest, big.Length);
            big.Commit();
            return Task.FromResult(true);
        }

        return Task.FromResult(intake.Blobs.Contains(digest));
    }

    /// <summary>Digest, length and first bytes of a file, or null when there is none.</summary>
    public (string Digest, long Length, byte[] Start)? Describe(string path)
    {
        var target = Follow(path);
        if (_small.TryGetValue(target, out var content))
        {
            return (Oci.Distribution.ContentDigest.Sha256(content), content.Length, content[..Math.Min(6, content.Length)]);
        }

        return _big.TryGetValue(target, out var big) ? (big.Digest, big.Length, big.Start) : null;
    }

    public void Dispose()
    {
        foreach (var big in _big.Values)
        {
            big.Dispose();
        }
    }

    private static BundtException Refuse(string why, Exception? inner = null) =>
        new(FailureKind.InvalidArgument, Phase.Store, $"the archive cannot be loaded: {why}", null, inner);

    private static void CheckBlob(string path, string digest, long size, string actual, long length)
    {
        if (actual != digest)
        {
            throw Refuse($"{Layers.LayerPath.Show(path)} has the digest {actual} instead of {digest}");
        }

        if (size >= 0 && size != length)
        {
            throw Refuse($"{Layers.LayerPath.Show(path)} has {length} bytes instead of {size}");
        }
    }

    private void Add(TarEntry entry, TarReader reader, BlobStore blobs)
    {
        var path = Layers.LayerPath.Normalize(entry.Name, "archive entry");
        switch (entry.Type)
        {
            case TarEntryType.SymbolicLink:
                // Old "docker save" wrote a layer that stands in two images once, and links to it.
                _links[path] = Resolve(Layers.LayerPath.Split(path).Parent, entry.LinkName);
                break;
            case TarEntryType.HardLink:
                _links[path] = Resolve("", entry.LinkName);
                break;
            case TarEntryType.File:
                if (_big.Remove(path, out var before))
                {
                    before.Dispose();
                }

                _small.Remove(path);
                _links.Remove(path);
                AddFile(path, entry, reader, blobs);
                break;
            default:
                break;
        }
    }

    private void AddFile(string path, TarEntry entry, TarReader reader, BlobStore blobs)
    {
        if (entry.Size <= SmallFile)
        {
            _smallTotal += entry.Size;
            if (_smallTotal > MaxSmallTotal)
            {
                throw Refuse("it has too many small files");
            }

            var content = new byte[entry.Size];
            while (reader.ReadContent(out var offset, out var piece))
            {
                piece.CopyTo(content.AsSpan((int)offset));
            }

            _small[path] = content;
            return;
        }

        if (entry.Extents is not null)
        {
            throw Refuse($"{Layers.LayerPath.Show(path)} is a sparse file");
        }

        if (_big.Count == MaxBigFiles)
        {
            throw Refuse($"it has more than {MaxBigFiles} big files");
        }

        var writer = blobs.BeginWrite();
        try
        {
            byte[]? start = null;
            while (reader.ReadContent(out _, out var piece))
            {
                start ??= piece[..Math.Min(6, piece.Length)].ToArray();
                writer.Append(piece);
            }

            _big[path] = new Spooled(writer, blobs, start ?? []);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    private string Follow(string path)
    {
        for (var hops = 0; _links.TryGetValue(path, out var target); hops++)
        {
            if (hops == 40)
            {
                throw Refuse($"{Layers.LayerPath.Show(path)} is a link to itself");
            }

            path = target;
        }

        return path;
    }

    // Paths in the archive's own name space: they are looked up in a table and never reach a file system.
    private static string Resolve(string directory, string target)
    {
        var parts = new List<string>(target.StartsWith('/') ? [] : directory.Split('/', StringSplitOptions.RemoveEmptyEntries));
        foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
            {
                if (parts.Count > 0)
                {
                    parts.RemoveAt(parts.Count - 1);
                }
            }
            else if (part != ".")
            {
                parts.Add(part);
            }
        }

        return string.Join('/', parts);
    }

    /// <summary>A big file, in the blob store but not yet visible.</summary>
    private sealed class Spooled : IDisposable
    {
        private readonly BlobWriter _writer;
        private readonly BlobStore _blobs;
        private bool _committed;

        public Spooled(BlobWriter writer, BlobStore blobs, byte[] start)
        {
            _writer = writer;
            _blobs = blobs;
            Start = start;
            Digest = writer.Finish();
        }

        public string Digest { get; }

        public long Length => _writer.Length;

        public byte[] Start { get; }

        public void Commit()
        {
            if (!_committed)
            {
                _writer.Commit();
                _committed = true;
            }
        }

        public byte[] ReadAll() => _committed ? _blobs.Read(Digest, (int)Length) : _writer.ReadAll();

        public void Dispose() => _writer.Dispose();
    }
}
