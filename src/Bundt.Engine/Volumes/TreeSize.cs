using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Engine;

/// <summary>Measures trees that containers write to.</summary>
internal static class TreeSize
{
    /// <summary>Bytes of the regular files below a directory, each inode once; what vanishes meanwhile does not count.</summary>
    public static long Of(string path)
    {
        using var root = DirectoryFd.OpenHost(path);
        return Of(root, []);
    }

    private static long Of(DirectoryFd directory, HashSet<ulong> seen)
    {
        long bytes = 0;
        foreach (var entry in directory.Entries())
        {
            try
            {
                if (directory.TryStat(entry.Name) is not { } status)
                {
                    continue;
                }

                if (status.Type == FileType.Directory)
                {
                    using var below = directory.OpenDirectory(entry.Name, OpenFlags.NoSymlinks | OpenFlags.NoMounts);
                    bytes += Of(below, seen);
                }
                else if (status.Type == FileType.Regular && (status.Links == 1 || seen.Add(status.Inode)))
                {
                    bytes += status.Size;
                }
            }
            catch (BundtException e) when (e.Errno is Errno.ENOENT or Errno.ENOTDIR or Errno.ELOOP or Errno.EXDEV)
            {
                // Removed or exchanged between the listing and the look, or a mount.
            }
        }

        return bytes;
    }
}
