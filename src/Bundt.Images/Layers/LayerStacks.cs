using System.Text;
using Bundt.Images.Blobs;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Layers;

/// <summary>
/// The lower directories of images, topmost first, and the leases that keep them. A stack is worked out once per process and image.
/// </summary>
internal sealed class LayerStacks(LayerStore layers, BlobStore blobs)
{
    // What an image without layers stands on: an overlay needs a lower directory.
    private static readonly string s_emptyLayer = ContentDigest.Sha256("bundt: the empty layer"u8);

    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<string>> _stacks = new(StringComparer.Ordinal);
    private bool _removalWaits;

    /// <summary>Every layer that an image may need: its own, and the one that mends directories which its layers only imply.</summary>
    public static IReadOnlyList<string> LayersOf(ImageConfig config) => [.. config.DiffIds, FixUpOf(config.DiffIds), s_emptyLayer];

    /// <summary>Counts a lease. Under the store's lock.</summary>
    public void Hold(IReadOnlyList<string> ids)
    {
        foreach (var id in ids)
        {
            _held[id] = _held.GetValueOrDefault(id) + 1;
        }
    }

    /// <summary>Gives a lease back; answers whether a removal has waited for it. Under the store's lock.</summary>
    public bool Release(IReadOnlyList<string> ids)
    {
        var free = false;
        foreach (var id in ids)
        {
            if (--_held[id] == 0)
            {
                _held.Remove(id);
                free = true;
            }
        }

        return free && _removalWaits;
    }

    /// <summary>Adds what leases hold. Under the store's lock, by a removal.</summary>
    public void AddHeldTo(HashSet<string> needed)
    {
        _removalWaits = _held.Keys.Any(id => !needed.Contains(id));
        needed.UnionWith(_held.Keys);
    }

    /// <summary>Forgets stacks with removed layers. Under the store's lock.</summary>
    public void Forget(IReadOnlyList<string> removed)
    {
        lock (_stacks)
        {
            if (removed.Count > 0)
            {
                _stacks.Clear();
            }
        }
    }

    /// <summary>The directories of a stack whose layers are held; unpacks and makes what is missing.</summary>
    public async Task<IReadOnlyList<string>> PrepareAsync(ImageManifest manifest, ImageConfig config, CancellationToken cancellation)
    {
        var key = FixUpOf(config.DiffIds);
        lock (_stacks)
        {
            if (_stacks.TryGetValue(key, out var known))
            {
                return known;
            }
        }

        if (manifest.Layers.Count != config.DiffIds.Count)
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.Store, $"the manifest has {manifest.Layers.Count} layers, the config {config.DiffIds.Count}");
        }

        for (var i = 0; i < config.DiffIds.Count; i++)
        {
            var blob = manifest.Layers[i].Digest;
            await layers.EnsureAsync(config.DiffIds[i], () => blobs.OpenRead(blob), cancellation).ConfigureAwait(false);
        }

        var stack = await WorkOutAsync(config.DiffIds, key, cancellation).ConfigureAwait(false);
        lock (_stacks)
        {
            _stacks[key] = stack;
        }

        return stack;
    }

    private static string FixUpOf(IReadOnlyList<string> diffIds) =>
        ContentDigest.Sha256(Encoding.ASCII.GetBytes("bundt: directories of\n" + string.Join('\n', diffIds)));

    private async Task<IReadOnlyList<string>> WorkOutAsync(IReadOnlyList<string> diffIds, string fixUp, CancellationToken cancellation)
    {
        var stack = new List<string>();
        foreach (var diffId in diffIds.Reverse())
        {
            // A layer that stands twice in an image (an empty one, mostly) hides its own lower copy; overlayfs refuses the same directory twice.
            if (!stack.Contains(diffId))
            {
                stack.Add(diffId);
            }

            if (layers.RecordOf(diffId).OpaqueRoot)
            {
                break;
            }
        }

        if (stack.Count > 1)
        {
            using var view = new StackView(layers, stack);
            var mended = view.ImpliedDirectoriesToMend();
            if (mended.Count > 0)
            {
                await layers.MakeAsync(fixUp, tree => view.WriteMended(mended, tree), cancellation).ConfigureAwait(false);
                stack.Insert(0, fixUp);
            }
        }

        if (stack.Count == 0)
        {
            await layers.MakeAsync(s_emptyLayer, _ => { }, cancellation).ConfigureAwait(false);
            stack.Add(s_emptyLayer);
        }

        return [.. stack.Select(layers.HostPathOf)];
    }
}
