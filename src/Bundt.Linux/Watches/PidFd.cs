using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Watches;

/// <summary>Processes by pidfd: what is held is that very process, whoever gets its number later (pidfd_open(2)).</summary>
public static unsafe partial class PidFd
{
    /// <summary>A pidfd of the process with this number and start time; null when there is none (any more).</summary>
    /// <param name="pid">Its number.</param>
    /// <param name="startTime">Field 22 of /proc/PID/stat.</param>
    public static SafeFileHandle? Open(int pid, ulong startTime)
    {
        var descriptor = pid > 0 ? (int)syscall3(SYS_pidfd_open, pid, 0, 0) : -1;
        if (descriptor < 0)
        {
            return null;
        }

        // Compared after the pidfd was opened: if the start time is right now, the pidfd is the right process's.
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (StartTime(pid) == startTime)
        {
            return handle;
        }

        handle.Dispose();
        return null;
    }

    /// <summary>Sends a signal. False when the process has ended.</summary>
    public static bool Signal(SafeFileHandle pidFd, int signal)
    {
        var added = false;
        try
        {
            pidFd.DangerousAddRef(ref added);
            if (syscall4(SYS_pidfd_send_signal, pidFd.DangerousGetHandle(), signal, 0, 0) == 0)
            {
                return true;
            }
        }
        finally
        {
            if (added)
            {
                pidFd.DangerousRelease();
            }
        }

        return (Errno)Marshal.GetLastPInvokeError() == Errno.ESRCH ? false : throw BundtException.Last(Phase.Run, "pidfd_send_signal");
    }

    /// <summary>Reaps the process if it is an ended child of ours.</summary>
    public static void Reap(SafeFileHandle pidFd)
    {
        var info = stackalloc byte[128];
        var added = false;
        try
        {
            pidFd.DangerousAddRef(ref added);
            while (waitid(P_PIDFD, (int)pidFd.DangerousGetHandle(), info, WEXITED | WNOHANG) != 0 && (Errno)Marshal.GetLastPInvokeError() == Errno.EINTR)
            {
            }
        }
        finally
        {
            if (added)
            {
                pidFd.DangerousRelease();
            }
        }
    }

    /// <summary>The wait status of a process that has ended and been reaped, from PIDFD_GET_INFO (Linux 6.15); null where the kernel does not tell.</summary>
    public static int? ExitStatus(SafeFileHandle pidFd)
    {
        var info = new PidFdInfo { Mask = PIDFD_INFO_EXIT };
        return ioctl(pidFd, PIDFD_GET_INFO, &info) == 0 && (info.Mask & PIDFD_INFO_EXIT) != 0 ? info.ExitCode : null;
    }

    /// <summary>When a process was started, in clock ticks since boot (field 22 of /proc/PID/stat); 0 when it is not there.</summary>
    public static ulong StartTime(int pid)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat"));
            // The name may hold spaces and parentheses: fields are counted from the last one.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return ulong.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct PidFdInfo
    {
        public ulong Mask;
        public ulong CgroupId;
        private fixed uint _ids[11];
        public int ExitCode;
    }

    private const int P_PIDFD = 3;
    private const int WEXITED = 4;
    private const int WNOHANG = 1;
    private const ulong PIDFD_INFO_EXIT = 8;
    private const nuint PIDFD_GET_INFO = 0xC040FF0B; // _IOWR(0xFF, 11, 64 bytes)

    // Numbers of the unified table: the same on every architecture .NET runs on.
    private const nint SYS_pidfd_send_signal = 424;
    private const nint SYS_pidfd_open = 434;

    // syscall(2) takes long arguments; fixed arguments travel as variadic ones do on the ABIs of Linux that .NET runs on.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall3(nint number, nint a, nint b, nint c);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint syscall4(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitid(int type, int id, byte* info, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(SafeFileHandle file, nuint request, void* argument);
}
