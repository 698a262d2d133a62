using Bundt.Linux.Files;

namespace Bundt.Engine.Volumes;

/// <summary>
/// An image's directories as a container would see them, read from its layers without mounting anything: whiteouts hide, opaque directories
/// cover (overlayfs.rst). Symbolic links are resolved in the merged tree and never lead out of it.
/// </summary>
internal sealed class MergedTree : IDisposable
{
    private const int MostLinks = 40;
    private const string OpaqueAttribute = "trusted.overlay.opaque";

    private readonly MergedDirectory _root;

    private MergedTree(MergedDirectory root) => _root = root;

    /// <summary>Opens the layers, topmost first.</summary>
    public static MergedTree Open(IEnumerable<string> layers)
    {
        var parts = new List<DirectoryFd>();
        foreach (var layer in layers)
        {
            parts.Add(DirectoryFd.OpenHost(layer));
        }

        return new MergedTree(new MergedDirectory(parts));
    }

    /// <inheritdoc/>
    public void Dispose() => _root.Dispose();

    /// <summary>The directory at a path, links followed; null when there is none. To be disposed.</summary>
    public MergedDirectory? FindDirectory(string path)
    {
        var stack = new Stack<MergedDirectory>();
        stack.Push(_root.Duplicate());
        var names = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        var links = 0;
        try
        {
            while (names.TryPop(out var name))
            {
                if (name is ".")
                {
                    continue;
                }

                if (name is "..")
                {
                    if (stack.Count > 1)
                    {
                        stack.Pop().Dispose();
                    }

                    continue;
                }

                if (stack.Peek().Lookup(name) is not { } entry)
                {
                    return null;
                }

                switch (entry.Status.Type)
                {
                    case FileType.Directory:
                        stack.Push(MergedDirectory.Open(entry));
                        break;
                    case FileType.SymbolicLink when ++links <= MostLinks:
                        var target = entry.Layer.ReadLink(name);
                        if (target.StartsWith('/'))
                        {
                            while (stack.Count > 1)
                            {
                                stack.Pop().Dispose();
                            }
                        }

                        foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                        {
                            names.Push(part);
                        }

                        break;
                    default:
                        return null;
                }
            }

            return stack.Pop();
        }
        finally
        {
            foreach (var directory in stack)
            {
                directory.Dispose();
            }
        }
    }

    /// <summary>One name in a merged directory.</summary>
    /// <param name="Name">The name.</param>
    /// <param name="Status">Of the topmost inode.</param>
    /// <param name="Layer">The directory that holds the topmost inode.</param>
    /// <param name="Layers">For a directory: all that hold a part of it, topmost first.</param>
    internal sealed record MergedEntry(string Name, FileStatus Status, DirectoryFd Layer, IReadOnlyList<DirectoryFd> Layers);

    /// <summary>A directory of the merged tree: the directories of the layers that make it up.</summary>
    internal sealed class MergedDirectory(IReadOnlyList<DirectoryFd> parts) : IDisposable
    {
        /// <summary>The topmost part, whose attributes count.</summary>
        public DirectoryFd Top => parts[0];

        public MergedDirectory Duplicate() => new([.. parts.Select(p => p.Duplicate())]);

        public MergedEntry? Lookup(string name)
        {
            MergedEntry? found = null;
            var layers = new List<DirectoryFd>();
            foreach (var part in parts)
            {
                if (part.TryStat(name) is not { } status)
                {
                    continue;
                }

                if (status is { Type: FileType.CharacterDevice, NodeMajor: 0, NodeMinor: 0 } || (found is not null && status.Type != FileType.Directory))
                {
                    break;
                }

                found ??= new MergedEntry(name, status, part, layers);
                if (status.Type != FileType.Directory)
                {
                    break;
                }

                layers.Add(part);
                if (part.GetXattr(name, OpaqueAttribute) is [(byte)'y'])
                {
                    break;
                }
            }

            return found;
        }

        public static MergedDirectory Open(MergedEntry directory) =>
            new([.. directory.Layers.Select(l => l.OpenDirectory(directory.Name, OpenFlags.NoSymlinks))]);

        public IEnumerable<MergedEntry> Entries()
        {
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var part in parts)
            {
                foreach (var entry in part.Entries())
                {
                    if (seen.Add(entry.Name) && Lookup(entry.Name) is { } merged)
                    {
                        yield return merged;
                    }
                }
            }
        }

        public void Dispose()
        {
            foreach (var part in parts)
            {
                part.Dispose();
            }
        }
    }
}
