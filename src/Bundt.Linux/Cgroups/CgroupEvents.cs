using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Bundt.Linux.Cgroups;

/// <summary>Waits for changes of cgroup.events: the kernel wakes poll(2) with POLLPRI.</summary>
internal sealed unsafe partial class CgroupEvents : IDisposable
{
    private const short PollPriority = 2;

    // The kernel tells of changes every 10 ms at most, by a timer, and what it has not told by then is lost when somebody removes the cgroup.
    private const int LookAgainMilliseconds = 100;

    private readonly int _fd;

    public CgroupEvents(string directory)
    {
        fixed (byte* path = Encoding.UTF8.GetBytes(directory + "/cgroup.events\0"))
        {
            _fd = open(path, 0x80000, 0);
        }
    }

    /// <summary>Waits until a key has a value; false after the timeout. A cgroup that is gone has every value.</summary>
    public bool WaitFor(string key, string value, TimeSpan timeout)
    {
        if (_fd < 0)
        {
            return true;
        }

        var until = Stopwatch.GetTimestamp() + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
        var wanted = Encoding.ASCII.GetBytes(key + " " + value + "\n");
        Span<byte> buffer = stackalloc byte[512];
        while (true)
        {
            nint length;
            fixed (byte* data = buffer)
            {
                length = pread(_fd, data, buffer.Length, 0);
            }

            if (length < 0 || buffer[..(int)length].IndexOf(wanted) >= 0)
            {
                return true;
            }

            var left = (until - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency;
            if (left <= 0)
            {
                return false;
            }

            var request = new PollFd { Fd = _fd, Events = PollPriority };
            _ = poll(&request, 1, (int)Math.Min(left + 1, LookAgainMilliseconds));
        }
    }

    public void Dispose()
    {
        if (_fd >= 0)
        {
            _ = close(_fd);
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint pread(int fd, byte* data, nint count, nint offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(PollFd* fds, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }
}
