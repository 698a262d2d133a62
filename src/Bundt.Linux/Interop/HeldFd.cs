using System.Runtime.InteropServices;

namespace Bundt.Linux.Interop;

/// <summary>A file descriptor's number, valid while this value lives: the handle cannot be closed under a running call.</summary>
internal readonly ref struct HeldFd
{
    private readonly SafeHandle _handle;

    public HeldFd(SafeHandle handle)
    {
        var held = false;
        handle.DangerousAddRef(ref held);
        _handle = handle;
        Fd = (int)handle.DangerousGetHandle();
    }

    public int Fd { get; }

    public void Dispose() => _handle.DangerousRelease();
}
