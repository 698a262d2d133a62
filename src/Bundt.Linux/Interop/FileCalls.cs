using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Interop;

/// <summary>
/// File system calls that Mono.Posix lacks (openat2, renameat2, statx, getdents64, syncfs, memfd_create) or that programs linked
/// statically need, where Mono.Posix's helper library cannot be loaded. Calls without a wrapper in every libc go through syscall(2).
/// </summary>
internal static unsafe partial class FileCalls
{
    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_REMOVEDIR = 0x200;
    public const int AT_EMPTY_PATH = 0x1000;

    public const int O_WRONLY = 1;
    public const int O_RDWR = 2;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_TRUNC = 0x200;
    public const int O_APPEND = 0x400;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int O_PATH = 0x200000;

    public const ulong RESOLVE_NO_XDEV = 0x01;
    public const ulong RESOLVE_NO_MAGICLINKS = 0x02;
    public const ulong RESOLVE_NO_SYMLINKS = 0x04;
    public const ulong RESOLVE_BENEATH = 0x08;
    public const ulong RESOLVE_IN_ROOT = 0x10;

    public const uint RENAME_NOREPLACE = 1;
    public const uint RENAME_EXCHANGE = 2;

    public const uint STATX_BASIC_STATS = 0x7ff;

    public const uint MFD_CLOEXEC = 1;

    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    private const nint SYS_openat2 = 437;
    private const nint SYS_fchmodat2 = 452;

    // The two architectures that .NET's AOT compiler and Bundt share; the generic table serves arm64 and riscv64.
    private static readonly bool s_x64 = RuntimeInformation.ProcessArchitecture == Architecture.X64;

    public static int O_DIRECTORY => s_x64 ? 0x10000 : 0x4000;

    public static int O_NOFOLLOW => s_x64 ? 0x20000 : 0x8000;

    private static nint SYS_renameat2 => s_x64 ? 316 : 276;

    private static nint SYS_getdents64 => s_x64 ? 217 : 61;

    private static nint SYS_statx => s_x64 ? 332 : 291;

    [StructLayout(LayoutKind.Sequential)]
    public struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct StatxTimestamp
    {
        public long Seconds;
        public uint Nanoseconds;
        private readonly int _reserved;
    }

    /// <summary>struct statx (include/uapi/linux/stat.h), the same on every architecture; 256 bytes.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 256)]
    public struct Statx
    {
        public uint Mask;
        public uint BlockSize;
        public ulong Attributes;
        public uint Links;
        public uint Uid;
        public uint Gid;
        public ushort Mode;
        private readonly ushort _spare;
        public ulong Inode;
        public ulong Size;
        public ulong Blocks;
        public ulong AttributesMask;
        public StatxTimestamp AccessTime;
        public StatxTimestamp BirthTime;
        public StatxTimestamp ChangeTime;
        public StatxTimestamp ModifyTime;
        public uint NodeMajor;
        public uint NodeMinor;
        public uint DeviceMajor;
        public uint DeviceMinor;
        public ulong MountId;
    }

    public static int Openat2(int directory, byte* path, OpenHow* how) =>
        (int)syscall4(SYS_openat2, directory, (nint)path, (nint)how, sizeof(OpenHow));

    public static int Openat2(SafeFileHandle directory, byte* path, OpenHow* how)
    {
        using var held = new HeldFd(directory);
        return Openat2(held.Fd, path, how);
    }

    public static int Renameat2(SafeFileHandle from, byte* oldName, SafeFileHandle to, byte* newName, uint flags)
    {
        using var heldFrom = new HeldFd(from);
        using var heldTo = new HeldFd(to);
        return (int)syscall5(SYS_renameat2, heldFrom.Fd, (nint)oldName, heldTo.Fd, (nint)newName, (nint)flags);
    }

    public static nint Getdents64(SafeFileHandle directory, byte* buffer, nint size)
    {
        using var held = new HeldFd(directory);
        return syscall3(SYS_getdents64, held.Fd, (nint)buffer, size);
    }

    public static int StatxAt(SafeFileHandle directory, byte* path, int flags, Statx* result)
    {
        using var held = new HeldFd(directory);
        return (int)syscall5(SYS_statx, held.Fd, (nint)path, flags, (nint)STATX_BASIC_STATS, (nint)result);
    }

    public static int Fchmodat2(SafeFileHandle directory, byte* path, uint mode, int flags)
    {
        using var held = new HeldFd(directory);
        return (int)syscall4(SYS_fchmodat2, held.Fd, (nint)path, (nint)mode, flags);
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mkdirat(SafeFileHandle directory, byte* path, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unlinkat(SafeFileHandle directory, byte* path, int flags);

    // Mono.Posix has it with a StringBuilder only, which loses bytes.
    [LibraryImport("libc", SetLastError = true)]
    public static partial nint readlinkat(SafeFileHandle directory, byte* path, byte* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fsync(SafeFileHandle fd);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int flock(SafeFileHandle fd, int operation);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int syncfs(SafeFileHandle fd);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchmod(SafeFileHandle fd, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchown(SafeFileHandle fd, uint uid, uint gid);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(SafeFileHandle fd, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(SafeFileHandle fd, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial long lseek(SafeFileHandle fd, long offset, int whence);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(SafeFileHandle fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint copy_file_range(SafeFileHandle from, long* fromOffset, SafeFileHandle to, long* toOffset, nint length, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int memfd_create(byte* name, uint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall3(nint number, nint a, nint b, nint c);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall4(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall5(nint number, nint a, nint b, nint c, nint d, nint e);
}
