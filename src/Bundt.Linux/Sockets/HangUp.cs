using System.Runtime.InteropServices;

namespace Bundt.Linux.Sockets;

/// <summary>Tells a peer that is gone from one that has only ended its sending side, which a read (both give end of file) cannot.</summary>
public static partial class HangUp
{
    private const short PollHup = 0x10;
    private const short PollErr = 0x8;

    /// <summary>Whether both directions of a connected unix socket are shut down (poll(2): POLLHUP; half-closed gives POLLRDHUP alone).</summary>
    public static bool IsSeen(SafeHandle socket)
    {
        bool held = false;
        try
        {
            socket.DangerousAddRef(ref held);
            var poll = new PollFd { Descriptor = (int)socket.DangerousGetHandle() };
            return Poll(ref poll, 1, 0) > 0 && (poll.Returned & (PollHup | PollErr)) != 0;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        finally
        {
            if (held)
            {
                socket.DangerousRelease();
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int Poll(ref PollFd descriptors, nuint count, int timeoutMilliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Descriptor;
        public short Requested;
        public short Returned;
    }
}
