using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Processes;

/// <summary>A pipe, or a pair of connected sockets; close-on-exec.</summary>
/// <param name="First">The reading end, or one socket.</param>
/// <param name="Second">The writing end, or the other socket.</param>
public readonly record struct DescriptorPair(SafeFileHandle First, SafeFileHandle Second) : IDisposable
{
    private const int CloseOnExec = 0x80000;

    /// <summary>A pipe.</summary>
    public static unsafe DescriptorPair Pipe()
    {
        var fds = stackalloc int[2];
        return ProcessCalls.pipe2(fds, CloseOnExec) == 0
            ? new DescriptorPair(new SafeFileHandle(fds[0], true), new SafeFileHandle(fds[1], true))
            : throw BundtException.Last(Phase.Launch, "pipe2");
    }

    /// <summary>Two connected unix stream sockets.</summary>
    public static unsafe DescriptorPair StreamSockets()
    {
        var fds = stackalloc int[2];
        return ProcessCalls.socketpair(1, 1 | CloseOnExec, 0, fds) == 0
            ? new DescriptorPair(new SafeFileHandle(fds[0], true), new SafeFileHandle(fds[1], true))
            : throw BundtException.Last(Phase.Launch, "socketpair");
    }

    /// <summary>Reads from the first end until its end of file; what comes is dropped.</summary>
    public void WaitForEnd()
    {
        while (ReadByte() >= 0)
        {
        }
    }

    /// <summary>Reads one byte from the first end, waiting for it; -1 at the end of file.</summary>
    public unsafe int ReadByte()
    {
        byte value;
        while (true)
        {
            var count = ProcessCalls.read((int)First.DangerousGetHandle(), &value, 1);
            if (count >= 0)
            {
                return count == 0 ? -1 : value;
            }

            if ((Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw BundtException.Last(Phase.Launch, "read", "status pipe");
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        First.Dispose();
        Second.Dispose();
    }
}
