using System.Runtime.ExceptionServices;
using System.Text;
using Bundt.Linux.Interop;

namespace Bundt.Linux.Mounts;

/// <summary>
/// Runs code on a thread in a mount namespace of its own in which a directory is a mount point, as programs that take a container's root
/// want it. The host's mount table does not change; what the thread starts inherits the namespace.
/// </summary>
public static class PrivateRoot
{
    /// <summary>Runs an action there and waits for it; what it throws comes out.</summary>
    public static void Run(string root, Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter(root);
                action();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    private static unsafe void Enter(string root)
    {
        const ulong Bind = 0x1000;
        fixed (byte* slash = "/\0"u8, path = Encoding.UTF8.GetBytes(root + "\0"))
        {
            Check(MountCalls.unshare(MountCalls.CLONE_NEWNS), "unshare mount namespace", null);
            Check(MountCalls.mount(null, slash, null, MountCalls.MS_REC | MountCalls.MS_SLAVE, null), "mount slave", "/");
            Check(MountCalls.mount(path, path, null, Bind | MountCalls.MS_REC, null), "bind", root);
        }
    }

    private static void Check(int result, string operation, string? path)
    {
        if (result < 0)
        {
            throw BundtException.Last(Phase.Mount, operation, path);
        }
    }
}
