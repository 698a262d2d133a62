using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Sockets;

/// <summary>A message with one descriptor over a unix socket (SCM_RIGHTS, unix(7)).</summary>
public static unsafe partial class DescriptorMessage
{
    private const int SolSocket = 1, ScmRights = 1, NoSignal = 0x4000, CloseOnExec = 0x40000000;
    private const int HeaderSize = 16; // struct cmsghdr: length (8), level (4), type (4); then the descriptor, padded to 8

    /// <summary>Sends a descriptor.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="descriptor">What is sent; it stays the caller's.</param>
    /// <param name="text">The message; not empty.</param>
    public static void Send(SafeFileHandle socket, SafeFileHandle descriptor, ReadOnlySpan<byte> text)
    {
        var control = stackalloc byte[HeaderSize + 8];
        *(nuint*)control = HeaderSize + sizeof(int);
        *(int*)(control + 8) = SolSocket;
        *(int*)(control + 12) = ScmRights;
        *(long*)(control + HeaderSize) = (int)descriptor.DangerousGetHandle();
        fixed (byte* data = text)
        {
            var part = new Part { Start = data, Length = (nuint)text.Length };
            var message = new Message { Parts = &part, PartCount = 1, Control = control, ControlLength = HeaderSize + 8 };
            if (sendmsg((int)socket.DangerousGetHandle(), &message, NoSignal) < 0)
            {
                throw BundtException.Last(Phase.Launch, "send a descriptor");
            }
        }

        GC.KeepAlive(descriptor);
    }

    /// <summary>Waits for a message and takes its descriptor; null when the peer has closed, or sent none.</summary>
    public static SafeFileHandle? Receive(SafeFileHandle socket)
    {
        var control = stackalloc byte[HeaderSize + 8];
        var data = stackalloc byte[256];
        var part = new Part { Start = data, Length = 256 };
        var message = new Message { Parts = &part, PartCount = 1, Control = control, ControlLength = HeaderSize + 8 };
        while (recvmsg((int)socket.DangerousGetHandle(), &message, CloseOnExec) < 0)
        {
            if ((Errno)Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw BundtException.Last(Phase.Launch, "receive a descriptor");
            }
        }

        return message.ControlLength >= HeaderSize + sizeof(int) && *(int*)(control + 8) == SolSocket && *(int*)(control + 12) == ScmRights
            ? new SafeFileHandle(*(int*)(control + HeaderSize), ownsHandle: true)
            : null;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint sendmsg(int fd, Message* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recvmsg(int fd, Message* message, int flags);

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Part
    {
        public byte* Start;
        public nuint Length;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Part* Parts;
        public nuint PartCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
