using System.Text;
using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;
using Errno = Bundt.Linux.Errno;

namespace Bundt.Linux.Files;

// Extended attributes of what is open: a directory itself has no name below itself.
public sealed partial class DirectoryFd
{
    /// <summary>All extended attributes of an open file, by name; empty where the file system keeps none.</summary>
    public static IReadOnlyDictionary<string, byte[]> Xattrs(SafeFileHandle file)
    {
        const int Largest = 65536;
        using var held = new HeldFd(file);
        var names = new byte[Largest];
        var length = Syscall.flistxattr(held.Fd, names, Largest);
        if (length < 0)
        {
            return LastErrno() == Errno.EOPNOTSUPP
                ? new Dictionary<string, byte[]>()
                : throw new BundtException(Phase.Store, "listxattr", null, LastErrno());
        }

        var result = new SortedDictionary<string, byte[]>(StringComparer.Ordinal);
        var value = new byte[Largest];
        foreach (var name in Encoding.UTF8.GetString(names, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries))
        {
            var size = Syscall.fgetxattr(held.Fd, name, value, Largest);
            if (size >= 0)
            {
                result[name] = value.AsSpan(0, (int)size).ToArray();
            }
            else if (LastErrno() != Errno.ENODATA)
            {
                throw new BundtException(Phase.Store, "getxattr", name, LastErrno());
            }
        }

        return result;
    }
}
