using System.Runtime.InteropServices;
using System.Text;

namespace Bundt.Linux.Processes;

/// <summary>
/// Starts a program of our own installation that shall outlive its starter: posix_spawn(3) with a session of its own, an environment and descriptors that
/// the caller names, and nothing else. No managed code runs in the child.
/// </summary>
public static unsafe partial class DetachedProgram
{
    private const short POSIX_SPAWN_SETSIGDEF = 4;
    private const short POSIX_SPAWN_SETSIGMASK = 8;
    private const short POSIX_SPAWN_SETSID = 0x80;
    private const nint SYS_pidfd_open = 434; // the same number on every architecture

    /// <summary>Spawns it.</summary>
    /// <param name="program">File to execute.</param>
    /// <param name="arguments">All arguments, the name it sees first.</param>
    /// <param name="environment">"KEY=value" entries; nothing is inherited.</param>
    /// <param name="output">Descriptor that becomes stdout, and stderr unless <paramref name="error"/> does.</param>
    /// <param name="passed">A descriptor that becomes descriptor 3, or -1.</param>
    /// <param name="session">Whether it leads a session of its own (setsid), out of reach of the terminal's signals.</param>
    /// <param name="input">Descriptor that becomes stdin, or -1: /dev/null.</param>
    /// <param name="error">Descriptor that becomes stderr, or -1.</param>
    /// <returns>Its pid; the caller may wait for it with <see cref="Wait"/>.</returns>
    /// <exception cref="BundtException">It could not be executed.</exception>
    public static int Spawn(string program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, int output, int passed, bool session, int input = -1, int error = -1)
    {
        // Sizes of the opaque types are glibc's (80 and 336 bytes) with room to spare; musl's are smaller.
        long* actions = stackalloc long[64];
        long* attributes = stackalloc long[64];
        long* signals = stackalloc long[16];
        using var argv = new StringVector([.. arguments]);
        using var envp = new StringVector([.. environment]);
        Check(posix_spawn_file_actions_init(actions), program);
        Check(posix_spawnattr_init(attributes), program);
        try
        {
            // In this order no target overwrites a source that is still needed, as long as the caller's own stdio is open.
            Check(posix_spawn_file_actions_adddup2(actions, output, 1), program);
            Check(posix_spawn_file_actions_adddup2(actions, error >= 0 ? error : 1, 2), program);
            if (passed >= 0)
            {
                Check(posix_spawn_file_actions_adddup2(actions, passed, 3), program);
            }

            Check(input >= 0 ? posix_spawn_file_actions_adddup2(actions, input, 0) : posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0), program);
            Check(posix_spawn_file_actions_addclosefrom_np(actions, passed >= 0 ? 4 : 3), program);
            _ = sigemptyset(signals);
            Check(posix_spawnattr_setsigmask(attributes, signals), program);
            _ = sigfillset(signals);
            Check(posix_spawnattr_setsigdefault(attributes, signals), program);
            Check(posix_spawnattr_setflags(attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | (session ? POSIX_SPAWN_SETSID : 0))), program);
            int pid;
            Check(posix_spawn(&pid, program, actions, attributes, argv.Pointers, envp.Pointers), program);
            return pid;
        }
        finally
        {
            _ = posix_spawnattr_destroy(attributes);
            _ = posix_spawn_file_actions_destroy(actions);
        }
    }

    /// <summary>Replaces this process by a program; comes back only by an exception.</summary>
    /// <exception cref="BundtException">It could not be executed.</exception>
    public static void Replace(string program, IReadOnlyList<string> arguments, IReadOnlyList<string> environment)
    {
        using var argv = new StringVector([.. arguments]);
        using var envp = new StringVector([.. environment]);
        _ = execve(program, argv.Pointers, envp.Pointers);
        throw BundtException.Last(Phase.Request, "execute", program);
    }

    /// <summary>Waits for a child.</summary>
    /// <returns>Its exit code, or 128 and its signal.</returns>
    public static int Wait(int pid)
    {
        int status;
        while (waitpid(pid, &status, 0) < 0)
        {
            if ((Errno)Marshal.GetLastPInvokeError() != Errno.EINTR)
            {
                throw BundtException.Last(Phase.Request, "waitpid");
            }
        }

        return (status & 0x7f) == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);
    }

    /// <summary>Sets the file mode creation mask.</summary>
    public static void SetUmask(int mask) => _ = umask(mask);

    /// <summary>Asks a process to end (SIGTERM) and waits until it has.</summary>
    /// <param name="pid">The process; it is held by a pidfd, so that no later process of that number is meant.</param>
    /// <param name="milliseconds">How long to wait.</param>
    /// <returns>False when the time was up.</returns>
    public static bool TerminateAndWait(int pid, int milliseconds)
    {
        int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (fd < 0)
        {
            return (Errno)Marshal.GetLastPInvokeError() == Errno.ESRCH ? true : throw BundtException.Last(Phase.Request, "pidfd_open");
        }

        try
        {
            if (kill(pid, 15) < 0 && (Errno)Marshal.GetLastPInvokeError() != Errno.ESRCH)
            {
                throw BundtException.Last(Phase.Request, "kill");
            }

            Span<Sockets.PollEntry> entry = [new Sockets.PollEntry(fd, Sockets.PollEntry.In)];
            return Sockets.PollEntry.Wait(entry, milliseconds) > 0;
        }
        finally
        {
            Sockets.Descriptors.Close(fd);
        }
    }

    private static void Check(int errno, string program)
    {
        if (errno != 0)
        {
            throw new BundtException(Phase.Request, "execute", program, (Errno)errno);
        }
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(int* pid, string path, void* actions, void* attributes, byte** argv, byte** envp);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(void* actions, int fd, string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawn_file_actions_adddup2(void* actions, int fd, int target);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawn_file_actions_addclosefrom_np(void* actions, int from);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sigemptyset(void* signals);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sigfillset(void* signals);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int execve(string path, byte** argv, byte** envp);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);

    [LibraryImport("libc", SetLastError = true)]
    private static partial uint umask(int mask);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint first, nint second);
}
