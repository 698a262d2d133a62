using Bundt.Images.Blobs;
using Bundt.Images.Layers;
using Bundt.Oci.Distribution;

namespace Bundt.Images;

/// <summary>
/// What one pull or load brings into the store. Until it is disposed, no removal takes away what it has said it needs
/// (<see cref="Keep"/>), though no image refers to it yet.
/// </summary>
internal sealed class ImageIntake : IDisposable
{
    private readonly ImageStore _store;
    private readonly Action<ImageIntake> _end;
    private readonly Lock _lock;
    private readonly HashSet<string> _kept = [];

    internal ImageIntake(ImageStore store, BlobStore blobs, LayerStore layers, Lock storeLock, Action<ImageIntake> end)
    {
        _store = store;
        _lock = storeLock;
        _end = end;
        Blobs = blobs;
        Layers = layers;
    }

    /// <summary>The blobs.</summary>
    public BlobStore Blobs { get; }

    /// <summary>The unpacked layers.</summary>
    public LayerStore Layers { get; }

    /// <summary>Says that this blob or layer (digest or diffID) is needed; before looking whether it is there.</summary>
    public void Keep(string digest)
    {
        // The store's lock: a removal must not find the digest unneeded and take it away after this.
        lock (_lock)
        {
            _kept.Add(digest);
        }
    }

    /// <summary>Stores a small blob (manifest, config) whose bytes are at hand and verified, and keeps it.</summary>
    public string Put(ReadOnlySpan<byte> content)
    {
        Keep(ContentDigest.Sha256(content));
        return Blobs.Put(content);
    }

    /// <summary>
    /// Brings one layer in, blob and tree in one pass: downloads if the blob is missing, unpacks if the tree is missing, verifies
    /// size, digest and diffID. If another intake is busy with the same blob, waits for that one.
    /// </summary>
    /// <param name="blob">The layer's descriptor.</param>
    /// <param name="diffId">The digest of its tar, from the config.</param>
    /// <param name="open">Opens the source positioned at the ingest's offset; may call <see cref="BlobIngest.Restart"/> first.</param>
    /// <param name="progress">Told the number of the blob's bytes that have passed, those kept from before included.</param>
    /// <param name="cancellation">Stops; what has arrived of the blob is kept for the next time.</param>
    /// <returns>False when everything was there already.</returns>
    public async Task<bool> AddLayerAsync(
        Descriptor blob, string diffId, Func<BlobIngest, CancellationToken, Task<Stream>> open, Action<long>? progress, CancellationToken cancellation)
    {
        Keep(blob.Digest);
        Keep(diffId);
        using var ingest = await Blobs.BeginIngestAsync(blob.Digest, blob.Size, cancellation).ConfigureAwait(false);
        if (ingest.IsPresent)
        {
            if (Blobs.SizeOf(blob.Digest) != blob.Size && blob.Size >= 0)
            {
                throw new Linux.BundtException(
                    Linux.FailureKind.Internal, Linux.Phase.Pull, $"blob {blob.Digest} has {Blobs.SizeOf(blob.Digest)} bytes instead of {blob.Size}");
            }

            return await Layers.EnsureAsync(diffId, () => Blobs.OpenRead(blob.Digest), cancellation).ConfigureAwait(false);
        }

        var source = await open(ingest, cancellation).ConfigureAwait(false);
        var tee = ingest.Tee(source, progress);
        await using (tee.ConfigureAwait(false))
        {
            try
            {
                // The blob must be committed whether or not its tree was there: both readers go to the blob's end.
                await Layers.UnpackAsync(diffId, tee, ingest.Commit, cancellation).ConfigureAwait(false);
            }
            catch (Linux.BundtException e) when (e is { Phase: Linux.Phase.Unpack, Kind: Linux.FailureKind.InvalidArgument })
            {
                // What cannot be unpacked was mostly damaged on its way. Then the commit refuses the blob, and that is the cause to name.
                await tee.CopyToAsync(Stream.Null, cancellation).ConfigureAwait(false);
                ingest.Commit();
                throw;
            }
        }

        return true;
    }

    /// <summary>Registers an image whose manifest, config and layers are in the store, under these names; answers it.</summary>
    /// <param name="manifest">The manifest's descriptor.</param>
    /// <param name="names">Tags move to this image. A name with a digest is kept as a repository digest.</param>
    public StoredImage Add(Descriptor manifest, IReadOnlyList<ImageReference> names) => _store.Register(manifest, names);

    /// <inheritdoc/>
    public void Dispose() => _end(this);

    internal void KeepLocked(string digest) => _kept.Add(digest);

    internal void AddKeptTo(HashSet<string> all) => all.UnionWith(_kept);
}
