using System.Text;
using Bundt.Linux.Files;
using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;

namespace Bundt.Linux.Mounts;

/// <summary>Overlay mounts that are attached nowhere, made ahead of the container that will move one into its own mount namespace.</summary>
public static class OverlayMount
{
    private static readonly Lazy<bool> s_isSupported = new(static () =>
    {
        using var context = Open();
        return !context.IsInvalid && Set(context, "lowerdir+", "/");
    });

    /// <summary>Whether the kernel takes layers by descriptor (Linux 6.13).</summary>
    public static bool IsSupported => s_isSupported.Value;

    /// <summary>
    /// Makes one. The ways of older kernels, and what an error means, are the launcher's (native/overlay.c), which makes the mount itself
    /// where none was made ahead.
    /// </summary>
    /// <param name="lowers">Host directories, topmost first.</param>
    /// <param name="upper">Host directory of the writable layer.</param>
    /// <param name="work">Host directory that overlayfs works in.</param>
    /// <param name="options">Further options, "name=value" or "name".</param>
    /// <returns>The mount (an O_PATH descriptor), or null where the kernel or the file system cannot.</returns>
    public static SafeFileHandle? TryMake(IReadOnlyList<string> lowers, string upper, string work, IReadOnlyList<string> options)
    {
        using var context = Open();
        if (context.IsInvalid || !options.All(option => Set(context, option)))
        {
            return null;
        }

        foreach (var lower in lowers)
        {
            if (!Set(context, "lowerdir+", lower))
            {
                return null;
            }
        }

        if (!Set(context, "upperdir", upper) || !Set(context, "workdir", work) || !Create(context))
        {
            return null;
        }

        var mount = new SafeFileHandle(MountCalls.FsMount(context), true);
        if (!mount.IsInvalid && IsWritable(mount))
        {
            return mount;
        }

        mount.Dispose();
        return null;
    }

    private static unsafe SafeFileHandle Open()
    {
        fixed (byte* type = "overlay\0"u8)
        {
            return new SafeFileHandle(MountCalls.FsOpen(type), true);
        }
    }

    private static unsafe bool Set(SafeFileHandle context, string option)
    {
        var equals = option.IndexOf('=', StringComparison.Ordinal);
        var name = Encoding.UTF8.GetBytes((equals < 0 ? option : option[..equals]) + "\0");
        var value = Encoding.UTF8.GetBytes((equals < 0 ? "" : option[(equals + 1)..]) + "\0");
        fixed (byte* key = name, text = value)
        {
            return equals < 0
                ? MountCalls.FsConfig(context, MountCalls.FSCONFIG_SET_FLAG, key, null, 0) == 0
                : MountCalls.FsConfig(context, MountCalls.FSCONFIG_SET_STRING, key, text, 0) == 0;
        }
    }

    // By descriptor: a path may be long, and may hold what separates options.
    private static unsafe bool Set(SafeFileHandle context, string layer, string path)
    {
        using var directory = DirectoryFd.OpenHost(path);
        using var held = new HeldFd(directory.Handle);
        var name = Encoding.UTF8.GetBytes(layer + "\0");
        fixed (byte* key = name)
        {
            return MountCalls.FsConfig(context, MountCalls.FSCONFIG_SET_FD, key, null, held.Fd) == 0;
        }
    }

    private static unsafe bool Create(SafeFileHandle context) => MountCalls.FsConfig(context, MountCalls.FSCONFIG_CMD_CREATE, null, null, 0) == 0;

    // overlayfs that cannot work in its work directory mounts read-only, with a line in the kernel's log and no error.
    private static bool IsWritable(SafeFileHandle mount)
    {
        using var held = new HeldFd(mount);
        return Syscall.fstatvfs(held.Fd, out var status) == 0 && (status.f_flag & MountFlags.ST_RDONLY) == 0;
    }
}
