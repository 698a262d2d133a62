using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Mounts;

/// <summary>What the kernel's procfs can do.</summary>
public static class ProcMount
{
    private static readonly Lazy<bool> s_takesPidNamespace = new(Probe);

    /// <summary>Whether a procfs can be mounted of a pid namespace that the caller is not in: by the option pidns (Linux 6.18).</summary>
    public static bool TakesPidNamespace => s_takesPidNamespace.Value;

    private static unsafe bool Probe()
    {
        fixed (byte* type = "proc\0"u8, key = "pidns\0"u8, own = "/proc/self/ns/pid\0"u8)
        {
            using var context = new SafeFileHandle(MountCalls.FsOpen(type), true);
            return !context.IsInvalid && MountCalls.FsConfig(context, MountCalls.FSCONFIG_SET_STRING, key, own, 0) == 0;
        }
    }
}
