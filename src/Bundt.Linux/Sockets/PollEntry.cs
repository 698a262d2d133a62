using System.Runtime.InteropServices;

namespace Bundt.Linux.Sockets;

/// <summary>What to watch on a descriptor and what was seen (struct pollfd, poll(2)).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct PollEntry
{
    /// <summary>POLLIN: something to read, or the end.</summary>
    public const short In = 1;

    /// <summary>POLLOUT: a write would not block.</summary>
    public const short Out = 4;

    /// <summary>POLLERR | POLLHUP | POLLNVAL: always reported.</summary>
    public const short Gone = 8 | 16 | 32;

    private int _fd;
    private short _events;
    private short _seen;

    /// <summary>Watches <paramref name="fd"/>; a negative one is passed over.</summary>
    public PollEntry(int fd, short events)
    {
        _fd = fd;
        _events = events;
        _seen = 0;
    }

    /// <summary>Whether one of these events was seen by the last wait.</summary>
    public readonly bool Saw(int events) => (_seen & events) != 0;

    /// <summary>Sleeps until one of the descriptors is ready or the time is up. A signal does not end it.</summary>
    /// <param name="entries">What to watch.</param>
    /// <param name="milliseconds">-1: for ever.</param>
    /// <returns>How many are ready; 0 when the time was up.</returns>
    public static unsafe int Wait(Span<PollEntry> entries, int milliseconds)
    {
        fixed (PollEntry* p = entries)
        {
            while (true)
            {
                int ready = SocketCalls.poll(p, (nuint)entries.Length, milliseconds);
                if (ready >= 0)
                {
                    return ready;
                }

                if ((Errno)Marshal.GetLastPInvokeError() != Errno.EINTR)
                {
                    throw BundtException.Last(Phase.Run, "poll");
                }
            }
        }
    }
}
