using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Distribution;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Images.Blobs;

/// <summary>
/// Blobs by digest, laid out as an OCI image layout (image-spec, image-layout.md). A blob is visible once it is complete and verified;
/// until then its bytes wait in partial/, from where a later ingest goes on. Safe for concurrent use in one process.
/// </summary>
public sealed class BlobStore : IDisposable
{
    private const UnixFileMode DirectoryMode = (UnixFileMode)0b111_000_000;

    private readonly DirectoryFd _blobs;
    private readonly DirectoryFd _partial;
    private readonly KeyedLocks _ingests = new();

    private BlobStore(DirectoryFd blobs, DirectoryFd partial)
    {
        _blobs = blobs;
        _partial = partial;
    }

    /// <summary>Opens or creates the layout's blob directories below <paramref name="root"/>.</summary>
    public static BlobStore Open(DirectoryFd root)
    {
        if (!root.Exists("oci-layout"))
        {
            AtomicFile.Replace(root, "oci-layout", """{"imageLayoutVersion":"1.0.0"}"""u8, durable: false);
        }

        root.EnsureDirectory("blobs/sha256", DirectoryMode).Dispose();
        root.EnsureDirectory("blobs/sha512", DirectoryMode).Dispose();
        return new BlobStore(root.EnsureDirectory("blobs", DirectoryMode), root.EnsureDirectory("partial", DirectoryMode));
    }

    /// <summary>Whether the blob is there, complete.</summary>
    public bool Contains(string digest) => _blobs.Exists(PathOf(digest));

    /// <summary>The blob's size in bytes, or null when it is not there.</summary>
    public long? SizeOf(string digest) => _blobs.TryStat(PathOf(digest))?.Size;

    /// <summary>A small blob (manifest, config), verified against its digest.</summary>
    /// <param name="digest">Which.</param>
    /// <param name="maxBytes">A bigger one is refused.</param>
    /// <exception cref="BundtException">NotFound; Internal when the bytes on disk are damaged.</exception>
    public byte[] Read(string digest, int maxBytes = 4 << 20)
    {
        var content = _blobs.ReadAll(PathOf(digest), maxBytes);
        return ContentDigest.ComputeLike(digest, content) == digest
            ? content
            : throw new BundtException(
                FailureKind.Internal, Phase.Store, $"blob {digest} is damaged on disk", "Remove the image and pull it again");
    }

    /// <summary>A blob's bytes, for reading once from the start. Not verified: the reader hashes.</summary>
    public FileStream OpenRead(string digest) => new(_blobs.OpenRegular(PathOf(digest)), FileAccess.Read, bufferSize: 0);

    /// <summary>Stores a small blob and answers its digest.</summary>
    public string Put(ReadOnlySpan<byte> content)
    {
        var digest = ContentDigest.Sha256(content);
        if (!Contains(digest))
        {
            using var directory = _blobs.OpenDirectory(ContentDigest.AlgorithmOf(digest));
            AtomicFile.Replace(directory, ContentDigest.HexOf(digest), content, durable: true);
        }

        return digest;
    }

    /// <summary>
    /// Begins or goes on with the ingest of a blob; waits while another ingest of the same blob is under way, so look at
    /// <see cref="BlobIngest.IsPresent"/> first: the other one may have brought it.
    /// </summary>
    /// <param name="digest">The blob's digest.</param>
    /// <param name="size">Its size in bytes as the descriptor says; −1 when not known.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<BlobIngest> BeginIngestAsync(string digest, long size, CancellationToken cancellation)
    {
        var path = PathOf(digest);
        var name = PartialNameOf(digest);
        var turn = await _ingests.EnterAsync(name, cancellation).ConfigureAwait(false);
        try
        {
            if (_blobs.Exists(path))
            {
                return new BlobIngest(this, digest, size, null, 0, turn);
            }

            var file = _partial.OpenFile(
                name, OpenFlags.Read | OpenFlags.Write | OpenFlags.Create | OpenFlags.NoFollow, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var kept = RandomAccess.GetLength(file);
            if (size >= 0 && kept > size)
            {
                RandomAccess.SetLength(file, 0);
                kept = 0;
            }

            return new BlobIngest(this, digest, size, file, kept, turn);
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    /// <summary>Begins to store a blob whose digest is known at its end only.</summary>
    public BlobWriter BeginWrite()
    {
        var name = "new-" + Guid.NewGuid().ToString("N");
        var file = _partial.OpenFile(
            name, OpenFlags.Read | OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return new BlobWriter(this, name, file);
    }

    /// <summary>Digests of all blobs that are complete.</summary>
    public IReadOnlyList<string> List() =>
    [
        .. _blobs.Entries().SelectMany(
            algorithm =>
            {
                using var directory = _blobs.OpenDirectory(algorithm.Name);
                return directory.Entries().Select(e => algorithm.Name + ":" + e.Name).Where(ContentDigest.IsValid).ToList();
            }),
    ];

    /// <summary>Takes a blob out of sight and answers an action that deletes its bytes, which takes longer.</summary>
    internal Action Remove(string digest)
    {
        var name = "removed-" + Guid.NewGuid().ToString("N");
        _blobs.Rename(PathOf(digest), _partial, name);
        return () => _partial.UnlinkIfExists(name);
    }

    /// <summary>
    /// Removes what a crash left and no ingest can use: files written beside that were never renamed. Downloads stay for resumption
    /// until <paramref name="keep"/> has passed since their last byte.
    /// </summary>
    public void RemoveLeftovers(TimeSpan keep)
    {
        foreach (var algorithm in _blobs.Entries())
        {
            using var directory = _blobs.OpenDirectory(algorithm.Name);
            foreach (var entry in directory.Entries().Where(e => !ContentDigest.IsValid(algorithm.Name + ":" + e.Name)))
            {
                directory.RemoveTree(entry.Name);
            }
        }

        foreach (var entry in _partial.Entries())
        {
            var resumable = ContentDigest.IsValid(entry.Name.Replace('-', ':')) && _partial.TryStat(entry.Name) is { } status
                && DateTimeOffset.UtcNow - status.Modified.ToDateTimeOffset() < keep;
            if (!resumable)
            {
                _partial.RemoveTree(entry.Name);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _blobs.Dispose();
        _partial.Dispose();
    }

    internal static string PartialNameOf(string digest) => Valid(digest).Replace(':', '-');

    internal void Publish(string partialName, string digest) => _partial.Rename(partialName, _blobs, PathOf(digest));

    internal void DropPartial(string name) => _partial.UnlinkIfExists(name);

    internal static void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset, string what)
    {
        try
        {
            RandomAccess.Write(file, bytes, offset);
        }
        catch (IOException e)
        {
            throw new BundtException(FailureKind.Internal, Phase.Store, $"write {what}: {BundtException.Reason(e)}", "Free some disk space and try again", e);
        }
    }

    internal static void Flush(SafeFileHandle file, string what)
    {
        try
        {
            RandomAccess.FlushToDisk(file);
        }
        catch (IOException e)
        {
            throw new BundtException(FailureKind.Internal, Phase.Store, $"write {what}: {BundtException.Reason(e)}", "Free some disk space and try again", e);
        }
    }

    private static string PathOf(string digest) => Valid(digest).Replace(':', '/');

    // Checked before it becomes a path: a digest comes from a registry.
    private static string Valid(string digest) =>
        ContentDigest.IsValid(digest)
            ? digest
            : throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"invalid digest \"{digest}\"");
}
