using System.Runtime.InteropServices;

namespace Bundt.Linux.Sockets;

/// <summary>Reading, writing and opening bare descriptors: a client's stdio and files, without a FileStream and without Console.</summary>
public static unsafe class Descriptors
{
    /// <summary>Reads what is there. 0 at the end, -1 when nothing is there (a non-blocking descriptor).</summary>
    /// <exception cref="BundtException">The read failed.</exception>
    public static int Read(int fd, Span<byte> buffer)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                nint n = SocketCalls.read(fd, p, (nuint)buffer.Length);
                if (n >= 0)
                {
                    return (int)n;
                }

                switch ((Errno)Marshal.GetLastPInvokeError())
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN:
                        return -1;
                    case Errno.EIO:
                        // A terminal whose other side is gone.
                        return 0;
                    default:
                        throw BundtException.Last(Phase.Run, "read");
                }
            }
        }
    }

    /// <summary>Lets more wait in a pipe (F_SETPIPE_SZ), so that writer and reader change places less often. What is no pipe stays as it is.</summary>
    /// <param name="fd">One of its ends.</param>
    /// <param name="bytes">How much: at most fs.pipe-max-size without CAP_SYS_RESOURCE, 1 MiB as a rule.</param>
    public static void WidenPipe(int fd, int bytes) => _ = SocketCalls.fcntl(fd, SocketCalls.F_SETPIPE_SZ, bytes);

    /// <summary>From now on no read or write on this open file description waits (O_NONBLOCK): to be called for one that nobody shares.</summary>
    public static void NeverWait(int fd) => _ = SocketCalls.fcntl(fd, SocketCalls.F_SETFL, SocketCalls.O_NONBLOCK);

    /// <summary>Writes what fits: 0 when nothing does (a non-blocking descriptor), -1 when nobody reads (EPIPE).</summary>
    /// <exception cref="BundtException">The write failed for another reason.</exception>
    public static int TryWrite(int fd, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* p = bytes)
        {
            while (true)
            {
                nint n = SocketCalls.write(fd, p, (nuint)bytes.Length);
                if (n >= 0)
                {
                    return (int)n;
                }

                switch ((Errno)Marshal.GetLastPInvokeError())
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.EAGAIN:
                        return 0;
                    case Errno.EPIPE or Errno.EIO:
                        return -1;
                    default:
                        throw BundtException.Last(Phase.Run, fd == 1 ? "write to stdout" : "write");
                }
            }
        }
    }

    /// <summary>Writes everything, waiting where it must.</summary>
    /// <returns>False when nobody reads.</returns>
    public static bool Write(int fd, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int n = TryWrite(fd, bytes);
            if (n < 0)
            {
                return false;
            }

            if (n == 0)
            {
                Span<PollEntry> entry = [new PollEntry(fd, PollEntry.Out)];
                _ = PollEntry.Wait(entry, -1);
            }

            bytes = bytes[n..];
        }

        return true;
    }

    /// <summary>Opens a file of the user's for reading.</summary>
    public static int OpenRead(string path) => Check(SocketCalls.open(path, SocketCalls.O_RDONLY | SocketCalls.O_CLOEXEC | SocketCalls.O_NOCTTY, 0), path);

    /// <summary>Opens a file of the user's for writing, made or emptied.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="exclusive">It must not exist yet.</param>
    public static int OpenWrite(string path, bool exclusive = false) => Check(
        SocketCalls.open(path, SocketCalls.O_WRONLY | SocketCalls.O_CREAT | SocketCalls.O_CLOEXEC | SocketCalls.O_NOCTTY | (exclusive ? SocketCalls.O_EXCL : SocketCalls.O_TRUNC), 0x1b6), path);

    /// <summary>Opens a log file for appending, made for root alone.</summary>
    public static int OpenAppend(string path) => Check(SocketCalls.open(path, SocketCalls.O_WRONLY | SocketCalls.O_CREAT | SocketCalls.O_APPEND | SocketCalls.O_CLOEXEC | SocketCalls.O_NOCTTY, 0x180), path);

    /// <summary>
    /// A second, non-blocking open file description of a pipe or terminal, so that the flag does not reach those who share the first one. -1 where that
    /// cannot be (a socket, no permission).
    /// </summary>
    public static int ReopenNonBlocking(int fd) => SocketCalls.open($"/proc/self/fd/{fd}", SocketCalls.O_WRONLY | SocketCalls.O_NONBLOCK | SocketCalls.O_NOCTTY | SocketCalls.O_CLOEXEC, 0);

    /// <summary>A pipe: read end, write end, both closed on exec.</summary>
    /// <param name="nonBlocking">Whether neither end ever waits.</param>
    public static (int Read, int Write) Pipe(bool nonBlocking = false)
    {
        int* fds = stackalloc int[2];
        return SocketCalls.pipe2(fds, SocketCalls.O_CLOEXEC | (nonBlocking ? SocketCalls.O_NONBLOCK : 0)) == 0 ? (fds[0], fds[1]) : throw BundtException.Last(Phase.Run, "pipe2");
    }

    /// <summary>Closes it.</summary>
    public static void Close(int fd) => _ = SocketCalls.close(fd);

    private static int Check(int fd, string path) => fd >= 0 ? fd : throw BundtException.Last(Phase.Request, "open", path);
}
