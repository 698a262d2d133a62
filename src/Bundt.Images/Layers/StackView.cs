using Bundt.Linux.Files;

namespace Bundt.Images.Layers;

/// <summary>
/// A stack of layers seen as the overlay will show it, as far as directories go: where the topmost layer with a directory does not carry
/// it but only implies it by a path, its attributes are those that a layer below gives it (image-spec leaves this open; builders that
/// omit parents rely on it).
/// </summary>
internal sealed class StackView : IDisposable
{
    private const UnixFileMode ImpliedMode = (UnixFileMode)0b111_101_101;
    private const UnixFileMode OwnerOnly = (UnixFileMode)0b111_000_000;

    private readonly List<(DirectoryFd Tree, HashSet<string> Implied)> _layers = [];

    /// <summary>Opens the layers, topmost first.</summary>
    public StackView(LayerStore store, IReadOnlyList<string> diffIds)
    {
        foreach (var diffId in diffIds)
        {
            _layers.Add((store.OpenTree(diffId), new HashSet<string>(store.RecordOf(diffId).Implied, StringComparer.Ordinal)));
        }
    }

    /// <summary>The directories whose attributes in the overlay would be wrong, sorted: parents first.</summary>
    public IReadOnlyList<string> ImpliedDirectoriesToMend() =>
    [
        .. _layers.SelectMany(l => l.Implied).Distinct(StringComparer.Ordinal)
            .Where(path => Find(path) is { } source && source.Implied && source.Carrier is { } carrier && Differs(carrier, path))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Makes these directories and their parents in an empty tree, with the attributes that they should have.</summary>
    public void WriteMended(IReadOnlyList<string> paths, DirectoryFd tree)
    {
        var all = new SortedSet<string>(StringComparer.Ordinal) { "" };
        foreach (var path in paths)
        {
            for (var end = path.Length; end > 0; end = path.LastIndexOf('/', end - 1))
            {
                all.Add(path[..end]);
            }
        }

        foreach (var path in all.Where(p => p.Length > 0))
        {
            tree.CreateDirectory(path, OwnerOnly);
        }

        // Children before parents, so that a parent's times stay.
        foreach (var path in all.Reverse())
        {
            var found = Find(path)!.Value;
            Copy(found.Carrier ?? found.Top, tree, path);
        }
    }

    public void Dispose() => _layers.ForEach(l => l.Tree.Dispose());

    private static bool Differs(DirectoryFd carrier, string path)
    {
        var status = Status(carrier, path)!.Value;
        return status.Mode != ImpliedMode || status.Uid != 0 || status.Gid != 0 || Attributes(carrier, path).Count > 0;
    }

    private static void Copy(DirectoryFd source, DirectoryFd tree, string path)
    {
        var status = Status(source, path)!.Value;
        using var directory = tree.OpenDirectory(path);
        DirectoryFd.SetOwner(directory.Handle, status.Uid, status.Gid);
        DirectoryFd.SetMode(directory.Handle, status.Mode);
        foreach (var name in Attributes(source, path))
        {
            if (source.GetXattr(path, name) is { } value)
            {
                DirectoryFd.SetXattr(directory.Handle, name, value);
            }
        }

        DirectoryFd.SetTimes(directory.Handle, status.Accessed, status.Modified);
    }

    private static List<string> Attributes(DirectoryFd tree, string path) =>
        path.Length == 0 ? [] : [.. tree.ListXattrs(path).Where(n => !n.StartsWith("trusted.overlay.", StringComparison.Ordinal))];

    private static FileStatus? Status(DirectoryFd tree, string path) => path.Length == 0 ? tree.Stat() : tree.TryStat(path);

    /// <summary>
    /// A directory of the merged view: the topmost layer that has it, whether that one only implies it, and the topmost that carries it.
    /// Null when something else stands there or nothing.
    /// </summary>
    private (DirectoryFd Top, bool Implied, DirectoryFd? Carrier)? Find(string path)
    {
        DirectoryFd? top = null;
        foreach (var (tree, implied) in _layers)
        {
            var (isThere, endsHere) = Look(tree, path);
            if (isThere)
            {
                top ??= tree;
                if (!implied.Contains(path))
                {
                    return (top, top != tree, tree);
                }
            }

            if (endsHere)
            {
                break;
            }
        }

        return top is null ? null : (top, true, null);
    }

    /// <summary>Whether a layer has the directory, and whether what it has hides the layers below at this path.</summary>
    private static (bool IsThere, bool EndsHere) Look(DirectoryFd tree, string path)
    {
        if (path.Length == 0)
        {
            return (true, false);
        }

        var hides = false;
        for (var end = path.IndexOf('/'); ; end = path.IndexOf('/', end + 1))
        {
            var part = end < 0 ? path : path[..end];
            if (tree.TryStat(part) is not { } status)
            {
                return (false, hides);
            }

            if (status.Type != FileType.Directory)
            {
                return (false, true);
            }

            hides |= tree.GetXattr(part, "trusted.overlay.opaque") is [(byte)'y'];
            if (end < 0)
            {
                return (true, hides);
            }
        }
    }
}
