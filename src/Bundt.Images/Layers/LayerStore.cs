using System.Security.Cryptography;
using System.Text.Json;
using Bundt.Images.Blobs;
using Bundt.Images.Compression;
using Bundt.Images.Tar;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Linux.Mounts;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Layers;

/// <summary>
/// Unpacked layers by diffID: layers/sha256/&lt;hex&gt;/diff is an overlay's lower directory, layer.json beside it says what the tree does
/// not show. A layer is unpacked beside and renamed once it is complete, verified and on disk. Safe for concurrent use in one process.
/// </summary>
public sealed class LayerStore : IDisposable
{
    private const UnixFileMode DirectoryMode = (UnixFileMode)0b111_000_000;
    private const UnixFileMode RootMode = (UnixFileMode)0b111_101_101;
    private const string RecordName = "layer.json";
    private const int MaxRecordBytes = 64 << 20;

    private readonly string _path;
    private readonly DirectoryFd _layers;
    private readonly DirectoryFd _unpacking;
    private readonly LayerLimits _limits;
    private readonly KeyedLocks _locks = new();

    private LayerStore(string path, DirectoryFd layers, DirectoryFd unpacking, LayerLimits limits)
    {
        _path = path;
        _layers = layers;
        _unpacking = unpacking;
        _limits = limits;
    }

    /// <summary>Whether the layer is there, complete and verified.</summary>
    public bool Contains(string diffId) => _layers.Exists(PathOf(diffId));

    /// <summary>Unpacks a layer if it is not there; answers whether it had to.</summary>
    public async Task<bool> EnsureAsync(string diffId, Func<Stream> open, CancellationToken cancellation)
    {
        if (Contains(diffId))
        {
            return false;
        }

        using var turn = await _locks.EnterAsync(diffId, cancellation).ConfigureAwait(false);
        if (Contains(diffId))
        {
            return false;
        }

        var source = open();
        await using (source.ConfigureAwait(false))
        {
            await OnThread(() => Unpack(diffId, source, null, cancellation)).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>
    /// Reads a layer's blob to its end, unpacks it if the layer is not there, verifies the diffID, then calls <paramref name="verified"/>
    /// (which commits the blob) and only after it makes the layer visible.
    /// </summary>
    public async Task UnpackAsync(string diffId, Stream blob, Action verified, CancellationToken cancellation)
    {
        using var turn = await _locks.EnterAsync(diffId, cancellation).ConfigureAwait(false);
        await OnThread(() =>
        {
            if (!Contains(diffId))
            {
                Unpack(diffId, blob, verified, cancellation);
                return;
            }

            // The same tree in other compression: the blob is wanted, and its content is checked against the diffID all the same.
            Check(diffId, blob, cancellation);
            verified();
        }).ConfigureAwait(false);
    }

    /// <summary>Opens or creates the layers below <paramref name="root"/>.</summary>
    /// <param name="root">The store's directory.</param>
    /// <param name="path">Its host path, for those who mount.</param>
    /// <param name="limits">Where unpacking stops.</param>
    internal static LayerStore Open(DirectoryFd root, string path, LayerLimits limits) =>
        new(path, root.EnsureDirectory("layers", DirectoryMode), root.EnsureDirectory("unpacking", DirectoryMode), limits);

    /// <summary>Removes what a crash left half unpacked or half removed.</summary>
    internal void RemoveLeftovers()
    {
        foreach (var entry in _unpacking.Entries())
        {
            _unpacking.RemoveTree(entry.Name);
        }
    }

    /// <summary>DiffIDs of all layers.</summary>
    internal IReadOnlyList<string> List() =>
    [
        .. _layers.Entries().SelectMany(
            algorithm =>
            {
                using var directory = _layers.OpenDirectory(algorithm.Name);
                return directory.Entries().Select(e => algorithm.Name + ":" + e.Name).Where(ContentDigest.IsValid).ToList();
            }),
    ];

    /// <summary>The record of a layer.</summary>
    internal LayerRecord RecordOf(string diffId)
    {
        try
        {
            return LayerRecord.Parse(_layers.ReadAll(PathOf(diffId) + "/" + RecordName, MaxRecordBytes));
        }
        catch (JsonException e)
        {
            throw new BundtException(FailureKind.Internal, Phase.Store, $"the record of layer {diffId} is damaged", "Remove the image and pull it again", e);
        }
    }

    /// <summary>The layer's root directory.</summary>
    internal DirectoryFd OpenTree(string diffId) => _layers.OpenDirectory(PathOf(diffId) + "/diff");

    /// <summary>The host path of the layer's root directory.</summary>
    internal string HostPathOf(string diffId) => $"{_path}/layers/{PathOf(diffId)}/diff";

    /// <summary>Takes a layer out of sight and answers an action that deletes its files, which takes longer.</summary>
    internal Action Remove(string diffId)
    {
        var name = "removed-" + Guid.NewGuid().ToString("N");
        _layers.Rename(PathOf(diffId), _unpacking, name);
        return () => _unpacking.RemoveTree(name);
    }

    /// <summary>
    /// Makes a layer that does not come from a tar, if it is not there: <paramref name="write"/> fills its root directory.
    /// </summary>
    internal async Task MakeAsync(string id, Action<DirectoryFd> write, CancellationToken cancellation)
    {
        using var turn = await _locks.EnterAsync(id, cancellation).ConfigureAwait(false);
        if (!Contains(id))
        {
            await OnThread(() => Build(id, null, (tree, _) =>
            {
                write(tree);
                return new LayerRecord();
            })).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _layers.Dispose();
        _unpacking.Dispose();
    }

    private static string PathOf(string diffId) =>
        ContentDigest.IsValid(diffId)
            ? diffId.Replace(':', '/')
            : throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"invalid layer digest \"{diffId}\"");

    private static Task OnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    private static void Check(string diffId, Stream blob, CancellationToken cancellation)
    {
        using var hash = ContentDigest.StartLike(diffId);
        Read(diffId, blob, hash, static _ => { }, cancellation);
    }

    /// <summary>Inflates a blob on a second thread, hashes the tar and verifies its diffID after <paramref name="consume"/>.</summary>
    private static void Read(string diffId, Stream blob, IncrementalHash hash, Action<IBlockSource> consume, CancellationToken cancellation)
    {
        var compressed = new PeekStream(blob);
        try
        {
            using (var inflated = Inflater.Open(compressed))
            using (var ahead = new ReadAhead(inflated))
            {
                var blocks = new HashedBlocks(ahead, hash, cancellation);
                consume(blocks);
                while (!blocks.Next().IsEmpty)
                {
                }
            }

            compressed.Drain();
        }
        catch (TarFormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Unpack, $"layer {diffId}: {e.Message}", null, e);
        }
        catch (Exception e) when (Inflater.Explain(e, Phase.Unpack, $"layer {diffId}") is { } explained)
        {
            throw explained;
        }

        var actual = ContentDigest.Finish(hash);
        if (actual != diffId)
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Unpack, $"layer {diffId} has the content of {actual}", "The image's config does not belong to its layers");
        }
    }

    private void Unpack(string diffId, Stream blob, Action? verified, CancellationToken cancellation) =>
        Build(diffId, verified, (tree, scratch) =>
        {
            LayerRecord? record = null;
            using var hash = ContentDigest.StartLike(diffId);
            Read(diffId, blob, hash, blocks => Jail.Run(tree, inside => record = WriteTree(inside, scratch, new TarReader(blocks))), cancellation);
            return record!;
        });

    private LayerRecord WriteTree(DirectoryFd tree, DirectoryFd scratch, TarReader reader)
    {
        using var writer = new LayerTreeWriter(tree, scratch, _limits);
        while (reader.Next() is { } entry)
        {
            writer.Write(entry, reader);
        }

        writer.Finish();
        return new LayerRecord { Size = writer.Size, Implied = writer.ImpliedDirectories, OpaqueRoot = writer.OpaqueRoot };
    }

    private void Build(string id, Action? verified, Func<DirectoryFd, DirectoryFd, LayerRecord> fill)
    {
        var path = PathOf(id);
        var name = Guid.NewGuid().ToString("N");
        try
        {
            using (var beside = _unpacking.EnsureDirectory(name, DirectoryMode))
            {
                using (var tree = beside.EnsureDirectory("diff", RootMode))
                {
                    var record = fill(tree, beside);
                    AtomicFile.Replace(beside, RecordName, record.ToBytes(), durable: false);
                    tree.SyncFileSystem();
                }
            }

            verified?.Invoke();
            _layers.EnsureDirectory(ContentDigest.AlgorithmOf(id), DirectoryMode).Dispose();
            _unpacking.Rename(name, _layers, path, RenameMode.NoReplace);
        }
        catch (Exception e)
        {
            _unpacking.RemoveTree(name);
            if (e is IOException)
            {
                throw new BundtException(FailureKind.Internal, Phase.Unpack, $"layer {id}: {BundtException.Reason(e)}", null, e);
            }

            throw;
        }
    }
}
