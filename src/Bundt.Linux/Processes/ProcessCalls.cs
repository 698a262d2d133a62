using System.Runtime.InteropServices;

namespace Bundt.Linux.Processes;

/// <summary>System calls about processes, descriptors and memory files, on plain descriptors.</summary>
internal static unsafe partial class ProcessCalls
{
    public const int WaitPidFd = 3;
    public const int WaitExited = 4;
    public const int WaitNoHang = 1;
    public const short PollIn = 1;

    private const nint PidfdSendSignal = 424;
    private const nint PidfdOpen = 434;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }

    /// <summary>struct bundt_spawn_fd of native/spawn.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SpawnFd
    {
        public int Source;
        public int Target;
    }

    /// <summary>struct bundt_spawn of native/spawn.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SpawnSpec
    {
        public int ExeFd;
        public int CgroupFd;
        public uint Flags;
        public uint FdCount;
        public SpawnFd* Fds;
        public byte** Argv;
        public byte** Envp;
        public byte* Cwd;
    }

    [LibraryImport("bundtnative", SetLastError = true)]
    public static partial int bundt_spawn(SpawnSpec* spec, int* pidfd);

    [LibraryImport("bundtnative", SetLastError = true)]
    public static partial int bundt_forward_signals(int pidfd, int* signals, int count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int memfd_create(byte* name, uint flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ftruncate(int fd, nint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint sendfile(int target, int source, nint* offset, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pread(int fd, byte* buffer, nint count, nint offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint pwrite(int fd, byte* buffer, nint count, nint offset);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int fd, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int fd, byte* buffer, nint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int pipe2(int* fds, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socketpair(int domain, int type, int protocol, int* fds);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollFd* fds, nuint count, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int waitid(int type, int id, byte* info, int options, nint usage);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int prctl(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getrlimit(int resource, ulong* limits);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setrlimit(int resource, ulong* limits);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(int fd, nuint request, byte* argument);

    public static int OpenPidFd(int pid) => (int)syscall(PidfdOpen, pid, 0, 0, 0);

    public static int SendSignal(int pidFd, int signal) => (int)syscall(PidfdSendSignal, pidFd, signal, 0, 0);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint a, nint b, nint c, nint d);
}
