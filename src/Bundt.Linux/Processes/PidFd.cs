using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Processes;

/// <summary>A process held by a pidfd (pidfd_open(2)): it never comes to mean another one.</summary>
public sealed class PidFd : IDisposable
{
    private const int WExited = ProcessCalls.WaitExited;
    private const int CldExited = 1;

    /// <summary>Takes over an open pidfd.</summary>
    public PidFd(int pid, SafeFileHandle handle)
    {
        Pid = pid;
        Handle = handle;
    }

    /// <summary>The pid it had when it was opened.</summary>
    public int Pid { get; }

    /// <summary>The descriptor; readable once the process has ended.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Opens a process; null when there is none of that pid.</summary>
    /// <exception cref="BundtException">It cannot be told, for want of descriptors for instance.</exception>
    public static PidFd? TryOpen(int pid)
    {
        var fd = ProcessCalls.OpenPidFd(pid);
        if (fd >= 0)
        {
            return new PidFd(pid, new SafeFileHandle(fd, true));
        }

        // EINVAL, later ENOENT: the number is a thread's by now.
        var errno = (Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
        return errno is Errno.ESRCH or Errno.EINVAL or Errno.ENOENT
            ? null
            : throw new BundtException(Phase.Run, "pidfd_open", pid.ToString(CultureInfo.InvariantCulture), errno);
    }

    /// <summary>Opens a process if it is the one that began at this time; null when that one is gone.</summary>
    /// <param name="pid">Pid.</param>
    /// <param name="startTime">Field 22 of /proc/PID/stat.</param>
    public static PidFd? TryOpen(int pid, ulong startTime)
    {
        var process = TryOpen(pid);
        if (process is null || ReadStartTime(pid) == startTime && process.IsAlive)
        {
            return process;
        }

        process.Dispose();
        return null;
    }

    /// <summary>When a process began, field 22 of /proc/PID/stat in clock ticks since boot; null when there is none.</summary>
    public static ulong? ReadStartTime(int pid) => ReadStat(pid)?.StartTime;

    /// <summary>State letter, parent's pid and start time of a process; null when there is none.</summary>
    /// <exception cref="BundtException">It cannot be told, for want of descriptors for instance.</exception>
    public static unsafe (char State, int Parent, ulong StartTime)? ReadStat(int pid)
    {
        Span<byte> path = stackalloc byte[32];
        System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat\0"), path);
        int fd;
        fixed (byte* name = path)
        {
            fd = ProcessCalls.open(name, 0x80000, 0);
        }

        if (fd < 0)
        {
            var errno = (Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
            return errno is Errno.ENOENT or Errno.ESRCH
                ? null
                : throw new BundtException(Phase.Run, "open", string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"), errno);
        }

        Span<byte> buffer = stackalloc byte[1024];
        nint length;
        fixed (byte* data = buffer)
        {
            length = ProcessCalls.read(fd, data, buffer.Length);
        }

        ProcessCalls.close(fd);
        if (length <= 0)
        {
            return null;
        }

        // The command, which can contain anything, ends at the last parenthesis; the state is field 3.
        var rest = buffer[..(int)length];
        rest = rest[(rest.LastIndexOf((byte)')') + 2)..];
        var state = (char)rest[0];
        var parent = 0;
        for (var field = 3; field < 22; field++)
        {
            rest = rest[(rest.IndexOf((byte)' ') + 1)..];
            if (field == 3 && !int.TryParse(rest[..rest.IndexOf((byte)' ')], CultureInfo.InvariantCulture, out parent))
            {
                return null;
            }
        }

        return ulong.TryParse(rest[..rest.IndexOf((byte)' ')], CultureInfo.InvariantCulture, out var start) ? (state, parent, start) : null;
    }

    /// <summary>Whether the process still runs (a zombie does not).</summary>
    public bool IsAlive => !WaitForEnd(0);

    /// <summary>Sends a signal; false when the process has ended.</summary>
    /// <exception cref="BundtException">The kernel refused.</exception>
    public bool Signal(int signal)
    {
        if (ProcessCalls.SendSignal(Fd, signal) == 0)
        {
            return true;
        }

        var errno = (Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError();
        return errno == Errno.ESRCH ? false : throw new BundtException(Phase.Run, "send " + SignalNames.Of(signal), "to process " + Pid, errno);
    }

    /// <summary>From now on these signals to us go to this process instead (native/forward.h). This object must live on.</summary>
    public unsafe void TakeSignals(ReadOnlySpan<int> signals)
    {
        fixed (int* numbers = signals)
        {
            var result = ProcessCalls.bundt_forward_signals(Fd, numbers, signals.Length);
            if (result != 0)
            {
                throw new BundtException(Phase.Run, "forward signals", null, (Errno)(-result));
            }
        }
    }

    /// <summary>Waits until the process has ended.</summary>
    /// <param name="milliseconds">At most this long; -1: for ever.</param>
    public unsafe bool WaitForEnd(int milliseconds)
    {
        var poll = new ProcessCalls.PollFd { Fd = Fd, Events = ProcessCalls.PollIn };
        while (true)
        {
            var count = ProcessCalls.poll(&poll, 1, milliseconds);
            if (count >= 0)
            {
                return count > 0;
            }

            if ((Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw BundtException.Last(Phase.Run, "wait for process", Pid.ToString(CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>Waits for a child's end and takes it away (waitid(2)). Answers 0 to 255, 128+n for a signal; null when it is no child of ours.</summary>
    public unsafe int? Reap()
    {
        var info = stackalloc byte[128];
        while (ProcessCalls.waitid(ProcessCalls.WaitPidFd, Fd, info, WExited, 0) != 0)
        {
            if ((Errno)System.Runtime.InteropServices.Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                return null;
            }
        }

        // siginfo_t of SIGCHLD: si_code at 8, si_status at 24.
        var code = *(int*)(info + 8);
        var status = *(int*)(info + 24);
        return code == CldExited ? status & 0xff : 128 + status;
    }

    /// <summary>How an ended process ended, asked without being its parent (PIDFD_GET_INFO, Linux 6.15); null where the kernel does not say.</summary>
    public unsafe int? ExitCode()
    {
        // struct pidfd_info: mask (8), cgroupid (8), then 14 words of which the last is exit_code; size 64. _IOWR(0xFF, 11, 64).
        const ulong InfoExit = 1 << 3;
        var info = stackalloc byte[64];
        new Span<byte>(info, 64).Clear();
        *(ulong*)info = InfoExit;
        if (ProcessCalls.ioctl(Fd, 0xc040ff0b, info) != 0 || (*(ulong*)info & InfoExit) == 0)
        {
            return null;
        }

        var status = *(int*)(info + 60);
        return (status & 0x7f) == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f);
    }

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    private int Fd => (int)Handle.DangerousGetHandle();
}
