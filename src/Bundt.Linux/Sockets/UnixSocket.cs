using System.Runtime.InteropServices;
using System.Text;

namespace Bundt.Linux.Sockets;

/// <summary>A connected unix stream socket, by plain system calls: a System.Net socket costs a short-lived client half its time.</summary>
public sealed unsafe class UnixSocket : IDisposable
{
    // sun_path of struct sockaddr_un, unix(7).
    private const int MaximumPath = 107;

    private UnixSocket(int fd) => Descriptor = fd;

    /// <summary>The descriptor, for poll; -1 once disposed.</summary>
    public int Descriptor { get; private set; }

    /// <summary>Connects to a listening socket. A path too long for sun_path goes through its directory's descriptor.</summary>
    /// <param name="path">File name of the socket.</param>
    /// <param name="errno">Why not: ENOENT and ECONNREFUSED mean that nobody listens, EACCES that this user may not.</param>
    /// <returns>Null when it could not.</returns>
    public static UnixSocket? TryConnect(string path, out Errno errno)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        if (name.Length <= MaximumPath)
        {
            return TryConnect(name, out errno);
        }

        int directory = SocketCalls.open(Path.GetDirectoryName(path) ?? ".", SocketCalls.O_PATH | SocketCalls.O_CLOEXEC, 0);
        if (directory < 0)
        {
            errno = (Errno)Marshal.GetLastPInvokeError();
            return null;
        }

        try
        {
            return TryConnect(Encoding.UTF8.GetBytes($"/proc/self/fd/{directory}/{Path.GetFileName(path)}"), out errno);
        }
        finally
        {
            _ = SocketCalls.close(directory);
        }
    }

    /// <summary>Reads what is there, waiting for the first byte. 0 at the end, also when the peer has vanished.</summary>
    public int Read(Span<byte> buffer)
    {
        fixed (byte* p = buffer)
        {
            while (true)
            {
                nint n = SocketCalls.read(Descriptor, p, (nuint)buffer.Length);
                if (n >= 0)
                {
                    return (int)n;
                }

                switch ((Errno)Marshal.GetLastPInvokeError())
                {
                    case Errno.EINTR:
                        continue;
                    case Errno.ECONNRESET:
                        return 0;
                    default:
                        throw BundtException.Last(Phase.Run, "read from a socket");
                }
            }
        }
    }

    /// <summary>Writes everything, waiting as long as it takes.</summary>
    /// <returns>False when the peer reads no more.</returns>
    public bool Write(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            int n = Send(bytes, 0);
            if (n < 0)
            {
                return false;
            }

            bytes = bytes[n..];
        }

        return true;
    }

    /// <summary>Writes what fits without waiting: 0 when nothing does, -1 when the peer reads no more.</summary>
    public int TryWrite(ReadOnlySpan<byte> bytes) => Send(bytes, SocketCalls.MSG_DONTWAIT);

    /// <summary>Pid of the process that made the listening socket (SO_PEERCRED); 0 when it cannot be told.</summary>
    public int PeerPid()
    {
        int* credentials = stackalloc int[3];
        uint length = 3 * sizeof(int);
        return SocketCalls.getsockopt(Descriptor, SocketCalls.SOL_SOCKET, SocketCalls.SO_PEERCRED, credentials, &length) == 0 ? credentials[0] : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Descriptor >= 0)
        {
            _ = SocketCalls.close(Descriptor);
            Descriptor = -1;
        }
    }

    private static UnixSocket? TryConnect(ReadOnlySpan<byte> path, out Errno errno)
    {
        int fd = SocketCalls.socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_STREAM | SocketCalls.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            throw BundtException.Last(Phase.Request, "socket");
        }

        byte* address = stackalloc byte[2 + MaximumPath + 1];
        var span = new Span<byte>(address, 2 + MaximumPath + 1);
        span.Clear();
        address[0] = SocketCalls.AF_UNIX;
        path.CopyTo(span[2..]);
        while (SocketCalls.connect(fd, address, (uint)(2 + path.Length + 1)) < 0)
        {
            errno = (Errno)Marshal.GetLastPInvokeError();
            if (errno is Errno.EINTR)
            {
                continue;
            }

            _ = SocketCalls.close(fd);
            return null;
        }

        errno = Errno.None;
        return new UnixSocket(fd);
    }

    private int Send(ReadOnlySpan<byte> bytes, int flags)
    {
        fixed (byte* p = bytes)
        {
            while (true)
            {
                nint n = SocketCalls.send(Descriptor, p, (nuint)bytes.Length, flags | SocketCalls.MSG_NOSIGNAL);
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
                    case Errno.EPIPE or Errno.ECONNRESET:
                        return -1;
                    default:
                        throw BundtException.Last(Phase.Run, "write to a socket");
                }
            }
        }
    }
}
