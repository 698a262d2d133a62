using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Bundt.Linux.Files;
using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Mounts;

/// <summary>
/// Runs code on a thread of its own whose whole file system is one directory: a private mount namespace, pivot_root(2) into the
/// directory, the host's root detached. A second wall behind <see cref="DirectoryFd"/>, for code that writes what a stranger says.
/// </summary>
public static class Jail
{
    [ThreadStatic]
    private static bool s_inside;

    /// <summary>The current thread is in a jail: there is no /proc, and its working directory is its own.</summary>
    internal static bool IsInside => s_inside;

    /// <summary>
    /// Runs an action in the jail and waits for it; what it throws comes out. It gets the directory as seen from inside. It must start no
    /// thread and queue nothing to the thread pool: a thread inherits the root of the one that starts it.
    /// </summary>
    /// <remarks>
    /// A JIT-compiled process (the unit tests) loads code from files at any moment and cannot live in a jail; there the action runs
    /// behind the first wall alone.
    /// </remarks>
    public static void Run(DirectoryFd root, Action<DirectoryFd> action)
    {
        if (RuntimeFeature.IsDynamicCodeSupported)
        {
            action(root);
            return;
        }

        // Mono.Posix's libraries must be loaded while there are files to load them from.
        _ = Mono.Unix.Native.Syscall.getpid();
        Mono.Unix.Native.NativeConvert.TryFromOpenFlags(Mono.Unix.Native.OpenFlags.O_RDONLY, out _);

        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    Enter(root);
                    using var inside = DirectoryFd.OpenHost("/");
                    action(inside);
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e);
                }
            },
            512 * 1024)
        {
            IsBackground = true,
            Name = "jail",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    private static unsafe void Enter(DirectoryFd root)
    {
        // A mount of the directory that is attached nowhere, made while its descriptor still belongs to this mount namespace.
        var tree = MountCalls.OpenTree(root.Handle, MountCalls.OPEN_TREE_CLONE | MountCalls.OPEN_TREE_CLOEXEC | MountCalls.AT_EMPTY_PATH);
        Check(tree, "open_tree");
        using var mount = new SafeFileHandle(tree, true);

        // Also gives the thread a root, a working directory and an umask of its own.
        Check(MountCalls.unshare(MountCalls.CLONE_NEWNS), "unshare mount namespace");
        s_inside = true;
        _ = MountCalls.umask(0);
        fixed (byte* slash = "/\0"u8, dot = ".\0"u8)
        {
            Check(MountCalls.mount(null, slash, null, MountCalls.MS_REC | MountCalls.MS_SLAVE, null), "mount slave /");
            using var old = DirectoryFd.OpenHost("/");
            // Any directory will do to attach it to; this one is always there, and goes with the rest.
            using var place = DirectoryFd.OpenHost("/proc");
            Check(MountCalls.MoveMount(mount, place.Handle), "move_mount");
            Check(MountCalls.fchdir(mount), "fchdir");
            // The clone of a shared mount is shared too (every mount is where systemd runs), and pivot_root refuses such (EINVAL).
            Check(MountCalls.mount(null, dot, null, MountCalls.MS_REC | MountCalls.MS_SLAVE, null), "mount slave .");
            Check(MountCalls.PivotRoot(dot, dot), "pivot_root");
            Check(MountCalls.fchdir(old.Handle), "fchdir");
            Check(MountCalls.umount2(dot, MountCalls.MNT_DETACH), "umount old root");
            Check(MountCalls.fchdir(mount), "fchdir");
        }
    }

    private static void Check(int result, string operation)
    {
        if (result < 0)
        {
            throw BundtException.Last(Phase.Unpack, operation, null, "Unpacking needs CAP_SYS_ADMIN");
        }
    }
}
