using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Interop;

/// <summary>Mount namespaces as a thread of ours uses them for itself. Containers' mounts are the launcher's.</summary>
internal static unsafe partial class MountCalls
{
    public const int CLONE_NEWNS = 0x20000;
    public const int CLONE_NEWNET = 0x40000000;

    public const ulong MS_REC = 0x4000;
    public const ulong MS_SLAVE = 0x80000;

    public const int MNT_DETACH = 2;

    public const int OPEN_TREE_CLONE = 1;
    public const int OPEN_TREE_CLOEXEC = 0x80000;
    public const int AT_EMPTY_PATH = 0x1000;

    public const uint FSOPEN_CLOEXEC = 1;
    public const uint FSMOUNT_CLOEXEC = 1;
    public const int FSCONFIG_SET_FLAG = 0;
    public const int FSCONFIG_SET_STRING = 1;
    public const int FSCONFIG_SET_FD = 5;
    public const int FSCONFIG_CMD_CREATE = 6;

    public const int MOVE_MOUNT_F_EMPTY_PATH = 0x4;
    public const int MOVE_MOUNT_T_EMPTY_PATH = 0x40;

    private const nint SYS_open_tree = 428;
    private const nint SYS_move_mount = 429;
    private const nint SYS_fsopen = 430;
    private const nint SYS_fsconfig = 431;
    private const nint SYS_fsmount = 432;

    private static nint SYS_pivot_root => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 155 : 41;

    public static int OpenTree(SafeFileHandle directory, int flags)
    {
        using var held = new HeldFd(directory);
        byte empty = 0;
        return (int)syscall3(SYS_open_tree, held.Fd, (nint)(&empty), flags);
    }

    public static int MoveMount(SafeFileHandle tree, SafeFileHandle onto)
    {
        using var heldTree = new HeldFd(tree);
        using var heldOnto = new HeldFd(onto);
        byte empty = 0;
        return (int)syscall5(
            SYS_move_mount, heldTree.Fd, (nint)(&empty), heldOnto.Fd, (nint)(&empty), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
    }

    public static int FsOpen(byte* type) => (int)syscall2(SYS_fsopen, (nint)type, (nint)FSOPEN_CLOEXEC);

    public static int FsConfig(SafeFileHandle context, int command, byte* key, byte* value, int auxiliary)
    {
        using var held = new HeldFd(context);
        return (int)syscall5(SYS_fsconfig, held.Fd, command, (nint)key, (nint)value, auxiliary);
    }

    public static int FsMount(SafeFileHandle context)
    {
        using var held = new HeldFd(context);
        return (int)syscall3(SYS_fsmount, held.Fd, (nint)FSMOUNT_CLOEXEC, 0);
    }

    public static int PivotRoot(byte* newRoot, byte* putOld) => (int)syscall2(SYS_pivot_root, (nint)newRoot, (nint)putOld);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setns(int fd, int type);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mount(byte* source, byte* target, byte* type, ulong flags, void* data);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int umount2(byte* target, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchdir(SafeFileHandle directory);

    // It cannot fail; SetLastError makes the generator write a wrapper, which the ban on raw P/Invokes accepts.
    [LibraryImport("libc", SetLastError = true)]
    public static partial uint umask(uint mask);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall2(nint number, nint a, nint b);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall3(nint number, nint a, nint b, nint c);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall5(nint number, nint a, nint b, nint c, nint d, nint e);
}
