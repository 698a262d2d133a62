using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Runtime.Spec;

/// <summary>
/// The directories of an overlay seen as one tree, without mounting it: the topmost layer wins, whiteouts and opaque directories hide what is
/// below, links are followed inside. For reading a few small files of a container as data.
/// </summary>
internal sealed class LayeredRoot : IDisposable
{
    private const int MaxLinks = 40;

    private readonly DirectoryFd[] _layers;

    private LayeredRoot(DirectoryFd[] layers) => _layers = layers;

    /// <summary>Opens layers by their host paths, topmost first.</summary>
    public static LayeredRoot Open(IReadOnlyList<string> paths)
    {
        var layers = new DirectoryFd[paths.Count];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = DirectoryFd.OpenHost(paths[i]);
        }

        return new LayeredRoot(layers);
    }

    /// <summary>The content of a regular file; null when there is none at that path.</summary>
    /// <exception cref="BundtException">It is longer than <paramref name="maxBytes"/>.</exception>
    public byte[]? Read(string path, int maxBytes)
    {
        var opened = new List<DirectoryFd>();
        try
        {
            return Read(path, maxBytes, opened);
        }
        finally
        {
            opened.ForEach(directory => directory.Dispose());
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Array.ForEach(_layers, layer => layer.Dispose());

    private byte[]? Read(string path, int maxBytes, List<DirectoryFd> opened)
    {
        var above = new Stack<IReadOnlyList<DirectoryFd>>();
        IReadOnlyList<DirectoryFd> current = _layers;
        var rest = new Stack<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse());
        for (var links = 0; rest.TryPop(out var name);)
        {
            if (name == ".")
            {
                continue;
            }

            if (name == "..")
            {
                current = above.TryPop(out var parent) ? parent : _layers;
                continue;
            }

            var found = Find(current, name, opened);
            if (found.Directories.Count > 0)
            {
                above.Push(current);
                current = found.Directories;
            }
            else if (found.Holder is null)
            {
                return null;
            }
            else if (found.Type == FileType.SymbolicLink && ++links <= MaxLinks)
            {
                var target = found.Holder.ReadLink(name);
                if (target.StartsWith('/'))
                {
                    above.Clear();
                    current = _layers;
                }

                foreach (var part in target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                {
                    rest.Push(part);
                }
            }
            else
            {
                return found.Type == FileType.Regular && rest.Count == 0 ? found.Holder.ReadAll(name, maxBytes) : null;
            }
        }

        return null;
    }

    private static (IReadOnlyList<DirectoryFd> Directories, DirectoryFd? Holder, FileType Type) Find(
        IReadOnlyList<DirectoryFd> layers, string name, List<DirectoryFd> opened)
    {
        var directories = new List<DirectoryFd>();
        for (var i = 0; i < layers.Count; i++)
        {
            var layer = layers[i];
            if (layer.TryStat(name) is not { } status)
            {
                continue;
            }

            if (status.Type != FileType.Directory)
            {
                // The first one seen is what there is; a whiteout (character device 0:0) is nothing. Below a directory either hides the rest.
                return directories.Count > 0 || status is { Type: FileType.CharacterDevice, NodeMajor: 0, NodeMinor: 0 }
                    ? (directories, null, FileType.Unknown)
                    : (directories, layer, status.Type);
            }

            var directory = layer.OpenDirectory(name, OpenFlags.NoFollow | OpenFlags.NoMounts);
            opened.Add(directory);
            directories.Add(directory);

            // Nothing is below the last layer (and programs linked statically have no xattr calls, but only one layer).
            if (i + 1 < layers.Count && layer.GetXattr(name, "trusted.overlay.opaque") is [(byte)'y'])
            {
                break;
            }
        }

        return (directories, null, FileType.Unknown);
    }
}
