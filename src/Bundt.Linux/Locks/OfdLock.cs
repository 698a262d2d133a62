using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Locks;

/// <summary>
/// Open file description locks (fcntl_locking(2), F_OFD_SETLK): held as long as the description is open anywhere, so that they tell
/// whether the holder lives without trusting pids.
/// </summary>
public static unsafe partial class OfdLock
{
    /// <summary>Takes a write lock on the whole file. False when somebody else holds one.</summary>
    public static bool TryTake(SafeFileHandle file)
    {
        var request = new FileLock { Type = F_WRLCK };
        if (fcntl(file, F_OFD_SETLK, &request) == 0)
        {
            return true;
        }

        return (Errno)Marshal.GetLastPInvokeError() is Errno.EAGAIN or Errno.EACCES ? false : throw BundtException.Last(Phase.State, "fcntl F_OFD_SETLK");
    }

    /// <summary>Whether somebody else holds a lock on the file.</summary>
    public static bool IsHeld(SafeFileHandle file)
    {
        var request = new FileLock { Type = F_WRLCK };
        return fcntl(file, F_OFD_GETLK, &request) == 0 ? request.Type != F_UNLCK : throw BundtException.Last(Phase.State, "fcntl F_OFD_GETLK");
    }

    /// <summary>struct flock of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid;
    }

    private const short F_WRLCK = 1;
    private const short F_UNLCK = 2;
    private const int F_OFD_GETLK = 36;
    private const int F_OFD_SETLK = 37;

    // fcntl is variadic; on the ABIs that .NET runs on for Linux a pointer argument travels as a fixed one would (Apple's arm64 differs).
    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(SafeFileHandle file, int command, FileLock* request);
}
