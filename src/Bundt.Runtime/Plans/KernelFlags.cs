using System.Runtime.InteropServices;

namespace Bundt.Runtime.Plans;

/// <summary>Flags of system calls as plans carry them.</summary>
internal static class KernelFlags
{
    public const ulong NewTime = 0x80;
    public const ulong NewMount = 0x20000;
    public const ulong NewCgroup = 0x02000000;
    public const ulong NewUts = 0x04000000;
    public const ulong NewIpc = 0x08000000;
    public const ulong NewUser = 0x10000000;
    public const ulong NewPid = 0x20000000;
    public const ulong NewNet = 0x40000000;

    public const ulong ReadWrite = 2;
    public const ulong NonBlocking = 0x800;
    public const ulong CloseOnExec = 0x80000;
    public const ulong PathOnly = 0x200000;

    /// <summary>O_NOFOLLOW.</summary>
    public static ulong NoFollow => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000UL : 0x20000;

    public const ulong OpenTreeClone = 1;
    public const ulong Recursive = 0x8000;

    /// <summary>MNT_DETACH.</summary>
    public const ulong Detach = 2;

    public const ulong ResolveNoMagicLinks = 0x02;
    public const ulong ResolveInRoot = 0x10;

    public const ulong PropagationRecursive = 0x4000;
    public const ulong Unbindable = 1 << 17;
    public const ulong Private = 1 << 18;
    public const ulong Slave = 1 << 19;
    public const ulong Shared = 1 << 20;

    public static ulong Directory => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x4000UL : 0x10000;

    public static ulong Namespace(Oci.Runtime.NamespaceType type) => type switch
    {
        Oci.Runtime.NamespaceType.Pid => NewPid,
        Oci.Runtime.NamespaceType.Network => NewNet,
        Oci.Runtime.NamespaceType.Mount => NewMount,
        Oci.Runtime.NamespaceType.Ipc => NewIpc,
        Oci.Runtime.NamespaceType.Uts => NewUts,
        Oci.Runtime.NamespaceType.User => NewUser,
        Oci.Runtime.NamespaceType.Cgroup => NewCgroup,
        _ => NewTime,
    };
}
