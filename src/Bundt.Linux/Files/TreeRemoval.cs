using System.Globalization;
using Bundt.Linux.Interop;

namespace Bundt.Linux.Files;

/// <summary>
/// Removes a directory tree. Directories below a certain depth are first moved up to the tree's top, so the stack of open directories
/// stays short however deep an attacker has made the tree.
/// </summary>
internal static class TreeRemoval
{
    private const int MaxDepth = 32;

    public static void Remove(DirectoryFd parent, string name)
    {
        var errno = parent.TryUnlink(name, 0);
        if (errno is Errno.None or Errno.ENOENT)
        {
            return;
        }

        // EISDIR on Linux, EPERM by POSIX: a directory. Anything else is a real failure and comes again below.
        using (var top = OpenInside(parent, name))
        {
            if (top is null)
            {
                throw parent.Failure("unlink", name, errno);
            }

            var moved = 0;
            // Until a pass finds nothing: directories moved up wait for the next pass, and another process may still be adding names.
            while (Empty(top, top, 0, ref moved))
            {
            }
        }

        errno = parent.TryUnlink(name, FileCalls.AT_REMOVEDIR);
        if (errno is not (Errno.None or Errno.ENOENT))
        {
            throw parent.Failure("rmdir", name, errno);
        }
    }

    /// <summary>Removes what it finds in a directory; answers whether it found anything.</summary>
    private static bool Empty(DirectoryFd directory, DirectoryFd top, int depth, ref int moved)
    {
        var entries = directory.Entries();
        foreach (var entry in entries)
        {
            var errno = entry.Type == FileType.Directory ? Errno.EISDIR : directory.TryUnlink(entry.Name, 0);
            if (errno is Errno.None or Errno.ENOENT)
            {
                continue;
            }

            if (errno is not (Errno.EISDIR or Errno.EPERM))
            {
                throw directory.Failure("unlink", entry.Name, errno);
            }

            // An empty directory, and the many that are, cost one call.
            var removed = directory.TryUnlink(entry.Name, FileCalls.AT_REMOVEDIR);
            if (removed is Errno.None or Errno.ENOENT)
            {
                continue;
            }

            if (removed is not (Errno.ENOTEMPTY or Errno.EEXIST))
            {
                throw directory.Failure("remove", entry.Name, removed);
            }

            if (depth == MaxDepth)
            {
                MoveUp(directory, entry.Name, top, ref moved);
                continue;
            }

            using (var inner = OpenInside(directory, entry.Name) ?? throw directory.Failure("open", entry.Name, Errno.ENOTDIR))
            {
                Empty(inner, top, depth + 1, ref moved);
            }

            removed = directory.TryUnlink(entry.Name, FileCalls.AT_REMOVEDIR);
            if (removed is not (Errno.None or Errno.ENOENT or Errno.ENOTEMPTY or Errno.EEXIST))
            {
                throw directory.Failure("rmdir", entry.Name, removed);
            }
        }

        return entries.Count > 0;
    }

    private static void MoveUp(DirectoryFd directory, string name, DirectoryFd top, ref int moved)
    {
        while (true)
        {
            try
            {
                directory.Rename(name, top, "bundt-removal-" + (moved++).ToString(CultureInfo.InvariantCulture), RenameMode.NoReplace);
                return;
            }
            catch (BundtException e) when (e.Errno == Errno.EEXIST)
            {
                // The tree has that very name; the next number will do.
            }
        }
    }

    private static DirectoryFd? OpenInside(DirectoryFd parent, string name)
    {
        const OpenFlags Inside = OpenFlags.Read | OpenFlags.Directory | OpenFlags.NoFollow | OpenFlags.NoSymlinks | OpenFlags.NoMounts | OpenFlags.Beneath;
        var errno = parent.TryOpen(name, Inside, 0, out var handle);
        return errno switch
        {
            Errno.None => DirectoryFd.Adopt(handle!, parent.Describe(name)),
            Errno.ENOTDIR or Errno.ELOOP => null,
            Errno.EXDEV => throw parent.Failure("remove mount point", name, Errno.EBUSY),
            _ => throw parent.Failure("open", name, errno),
        };
    }
}
