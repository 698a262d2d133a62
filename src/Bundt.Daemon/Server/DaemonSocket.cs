using System.Globalization;
using System.Net.Sockets;
using Bundt.Linux;
using Mono.Unix.Native;

namespace Bundt.Daemon.Server;

/// <summary>The unix socket that the daemon listens on: systemd's (sd_listen_fds(3)) or one of its own.</summary>
internal static class DaemonSocket
{
    private const int FirstPassedDescriptor = 3;

    /// <summary>Longest path in sun_path, unix(7), with its terminating zero.</summary>
    private const int MaxPath = 107;

    /// <summary>Groups that may speak to the daemon, the first that exists; docker's is what people are already members of.</summary>
    private static readonly string[] s_groups = ["bundt", "docker"];

    /// <summary>Opens it. A socket left behind by a killed daemon is replaced: the caller holds the lock of the root directory.</summary>
    /// <exception cref="BundtException">Conflict when somebody listens there.</exception>
    public static Socket Open(string path)
    {
        if (Passed() is { } passed)
        {
            return passed;
        }

        string directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(directory);
        if (File.Exists(path) && IsAlive(path))
        {
            throw new BundtException(FailureKind.Conflict, Phase.State, $"another daemon listens on {path}", "Give this one another --socket, or stop the other");
        }

        File.Delete(path);
        if (path.Length > MaxPath)
        {
            throw new BundtException(
                FailureKind.InvalidArgument, Phase.State, $"the socket's path {path} is longer than {MaxPath} characters", "Choose a shorter --socket");
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint(path));
            Protect(path);
            socket.Listen(1024);
            return socket;
        }
        catch (SocketException exception)
        {
            socket.Dispose();
            throw new BundtException(FailureKind.Internal, Phase.State, $"listen on {path}: {exception.SocketErrorCode}", inner: exception);
        }
    }

    private static Socket? Passed()
    {
        string? pid = Environment.GetEnvironmentVariable("LISTEN_PID");
        string? count = Environment.GetEnvironmentVariable("LISTEN_FDS");
        if (count is null || pid != Environment.ProcessId.ToString(CultureInfo.InvariantCulture) || !int.TryParse(count, out int number) || number < 1)
        {
            return null;
        }

        // Not for the programs that this one starts.
        Environment.SetEnvironmentVariable("LISTEN_PID", null);
        Environment.SetEnvironmentVariable("LISTEN_FDS", null);
        if (Syscall.fcntl(FirstPassedDescriptor, FcntlCommand.F_SETFD, 1) < 0) // FD_CLOEXEC
        {
            throw BundtException.Last(Phase.State, "fcntl F_SETFD of the socket that the service manager passed");
        }

        return new Socket(new SafeSocketHandle(FirstPassedDescriptor, ownsHandle: true));
    }

    private static bool IsAlive(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Between bind and here the umask of 022 lets only root connect (connecting needs write permission, unix(7)).</summary>
    private static void Protect(string path)
    {
        foreach (string group in s_groups)
        {
            if (GroupId(group) is { } id && Syscall.chown(path, 0, id) == 0)
            {
                break;
            }
        }

        if (Syscall.chmod(path, FilePermissions.S_IRUSR | FilePermissions.S_IWUSR | FilePermissions.S_IRGRP | FilePermissions.S_IWGRP) < 0)
        {
            throw BundtException.Last(Phase.State, "chmod 0660", path);
        }
    }

    private static uint? GroupId(string name)
    {
        if (!File.Exists("/etc/group"))
        {
            return null;
        }

        foreach (string line in File.ReadLines("/etc/group"))
        {
            string[] fields = line.Split(':');
            if (fields.Length > 2 && fields[0] == name && uint.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint id))
            {
                return id;
            }
        }

        return null;
    }
}
