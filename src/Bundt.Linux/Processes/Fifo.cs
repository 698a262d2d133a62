using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Processes;

/// <summary>A named pipe (fifo(7)) by a host path.</summary>
public static unsafe partial class Fifo
{
    private const int WriteOnly = 1, NonBlocking = 0x800, CloseOnExec = 0x80000;

    /// <summary>Makes one, for the owner alone.</summary>
    public static void Create(string path)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(path + "\0"))
        {
            if (mkfifo(text, 0x180) != 0)
            {
                throw BundtException.Last(Phase.State, "mkfifo", path);
            }
        }
    }

    /// <summary>Opens it for writing; null if nobody has it open for reading, or it does not exist.</summary>
    public static SafeFileHandle? TryOpenWriter(string path) => OpenForWriting(path) is >= 0 and var fd ? new SafeFileHandle(fd, true) : null;

    /// <summary>Whether it exists and somebody has it open for reading.</summary>
    public static bool HasReader(string path)
    {
        var fd = OpenForWriting(path);
        if (fd >= 0)
        {
            _ = ProcessCalls.close(fd);
        }

        return fd >= 0;
    }

    // -1: nobody reads, or there is none.
    private static int OpenForWriting(string path)
    {
        int fd;
        fixed (byte* text = Encoding.UTF8.GetBytes(path + "\0"))
        {
            fd = ProcessCalls.open(text, WriteOnly | NonBlocking | CloseOnExec, 0);
        }

        if (fd >= 0)
        {
            return fd;
        }

        var errno = (Errno)Marshal.GetLastPInvokeError();
        return errno is Errno.ENXIO or Errno.ENOENT ? -1 : throw new BundtException(Phase.State, "open", path, errno);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int mkfifo(byte* path, uint mode);
}
