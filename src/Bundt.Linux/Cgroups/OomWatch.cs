using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Bundt.Linux.Cgroups;

/// <summary>What <see cref="OomWatch.Wait"/> has seen.</summary>
public enum OomChange
{
    /// <summary>Nothing until the timeout.</summary>
    None,
    /// <summary>The OOM killer has killed in the cgroup, or below.</summary>
    Killed,
    /// <summary>No process is in the cgroup or below any more, or it is gone.</summary>
    Empty,
}

/// <summary>Waits for the OOM killer in a cgroup (memory.events) and for the cgroup's end (cgroup.events): the kernel wakes poll(2) with POLLPRI.</summary>
public sealed unsafe partial class OomWatch : IDisposable
{
    private const short PollPriority = 2;

    // -1 where the cgroup has no memory controller: poll passes over it.
    private readonly int _memory;
    private readonly int _events;
    private long _kills;

    internal OomWatch(string directory)
    {
        _memory = Open(directory + "/memory.events");
        _events = Open(directory + "/cgroup.events");
        _kills = Value(_memory, "oom_kill") ?? 0;
    }

    /// <summary>Waits for the next kill or for the end. A kill is told before the end that it causes.</summary>
    public OomChange Wait(TimeSpan timeout)
    {
        var requests = stackalloc PollFd[2];
        var until = Stopwatch.GetTimestamp() + (long)(timeout.TotalSeconds * Stopwatch.Frequency);
        while (true)
        {
            var populated = Value(_events, "populated");
            var kills = Value(_memory, "oom_kill") ?? _kills;
            if (kills > _kills)
            {
                _kills = kills;
                return OomChange.Killed;
            }

            if (populated is null or 0)
            {
                return OomChange.Empty;
            }

            var left = (until - Stopwatch.GetTimestamp()) * 1000 / Stopwatch.Frequency;
            if (left <= 0)
            {
                return OomChange.None;
            }

            requests[0] = new PollFd { Fd = _events, Events = PollPriority };
            requests[1] = new PollFd { Fd = _memory, Events = PollPriority };
            _ = poll(requests, 2, (int)Math.Min(left + 1, int.MaxValue));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = close(_memory);
        _ = close(_events);
    }

    private static int Open(string path)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(path + "\0"))
        {
            return open(text, 0x80000, 0);
        }
    }

    // Reading is also what tells the kernel that the change has been seen.
    private static long? Value(int fd, string key)
    {
        var buffer = stackalloc byte[512];
        var length = pread(fd, buffer, 512, 0);
        foreach (var line in Encoding.ASCII.GetString(buffer, (int)Math.Max(length, 0)).Split('\n'))
        {
            if (line.Length > key.Length && line[key.Length] == ' ' && line.StartsWith(key, StringComparison.Ordinal))
            {
                return long.Parse(line.AsSpan(key.Length + 1), CultureInfo.InvariantCulture);
            }
        }

        return null;
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
