using System.Runtime.InteropServices;
using System.Text;

namespace Bundt.Linux.Cgroups;

/// <summary>System calls for cgroup files: by path of a hierarchy that only root can change, in one write each.</summary>
internal static unsafe partial class CgroupCalls
{
    private const int WriteOnly = 1, CloseOnExec = 0x80000, RemoveDirectory = 0x200, CurrentDirectory = -100;

    public static Errno Mkdir(string path)
    {
        fixed (byte* text = Terminated(path))
        {
            return mkdir(text, 0x1ed) == 0 ? Errno.None : Last();
        }
    }

    public static Errno Rmdir(string path)
    {
        fixed (byte* text = Terminated(path))
        {
            return unlinkat(CurrentDirectory, text, RemoveDirectory) == 0 ? Errno.None : Last();
        }
    }

    /// <summary>One write(2): the kernel takes each write as one command.</summary>
    public static Errno Write(string path, string value)
    {
        int fd;
        fixed (byte* text = Terminated(path))
        {
            fd = open(text, WriteOnly | CloseOnExec, 0);
        }

        if (fd < 0)
        {
            return Last();
        }

        var bytes = Encoding.ASCII.GetBytes(value);
        Errno errno;
        fixed (byte* data = bytes)
        {
            errno = write(fd, data, bytes.Length) == bytes.Length ? Errno.None : Last();
        }

        close(fd);
        return errno;
    }

    /// <summary>f_type of statfs(2); 0 when there is nothing.</summary>
    public static long FileSystemType(string path)
    {
        var buffer = stackalloc long[32];
        fixed (byte* text = Terminated(path))
        {
            return statfs(text, buffer) == 0 ? buffer[0] : 0;
        }
    }

    private static byte[] Terminated(string path) => Encoding.UTF8.GetBytes(path + "\0");

    private static Errno Last() => (Errno)Marshal.GetLastPInvokeError();

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkdir(byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlinkat(int directory, byte* path, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, byte* data, nint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int statfs(byte* path, long* buffer);
}
