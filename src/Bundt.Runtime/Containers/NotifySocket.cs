using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Containers;

/// <summary>
/// sd_notify(3) through the container's wall: a caller with $NOTIFY_SOCKET learns when the container is ready. The container has a socket of its own;
/// whoever starts it passes READY=1 on, together with the host's pid of the container as MAINPID.
/// </summary>
internal sealed class NotifySocket : IDisposable
{
    private const string SocketName = "notify.sock";
    private const string LinkName = "notify"; // crun's name of it
    private const string OwnPlace = "/run/notify";
    private const string Variable = "NOTIFY_SOCKET";

    private static readonly string[] s_kernels = ["/proc", "/sys", "/dev"];

    private readonly Socket _socket;
    private readonly string _caller;

    private NotifySocket(Socket socket, string caller)
    {
        _socket = socket;
        _caller = caller;
    }

    /// <summary>The config with the socket's directory and variable, if the caller wants to be notified.</summary>
    internal static RuntimeConfig Announce(ContainerDirectory directory, RuntimeConfig config)
    {
        if (Caller() is not { } caller || config.Process is not { } process)
        {
            return config;
        }

        Directory.CreateDirectory(directory.Notify);
        var place = PlaceOf(caller, config);
        return config with
        {
            Mounts = [.. config.Mounts, new RuntimeMount { Destination = place, Type = "bind", Source = directory.Notify, Options = ["bind", "ro", "nosuid", "noexec", "nodev"] }],
            Process = process with { Env = [.. process.Env, $"{Variable}={place}/{(place == OwnPlace ? SocketName : LinkName)}"] },
        };
    }

    /// <summary>Listens for the container; null when the caller does not want to be notified, or the container was created without.</summary>
    internal static NotifySocket? TryListen(ContainerDirectory directory)
    {
        if (Caller() is not { } caller || !Directory.Exists(directory.Notify))
        {
            return null;
        }

        using var open = DirectoryFd.OpenHost(directory.Notify);
        open.UnlinkIfExists(SocketName);
        open.UnlinkIfExists(LinkName);
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

        // Through the descriptor: a path may be longer than sun_path.
        socket.Bind(new UnixDomainSocketEndPoint($"/proc/self/fd/{open.Handle.DangerousGetHandle()}/{SocketName}"));
        open.SetMode(SocketName, (UnixFileMode)0x1ff);
        open.Symlink(SocketName, LinkName);
        return new NotifySocket(socket, caller);
    }

    /// <summary>Waits until the container is ready, or has ended, and tells the caller.</summary>
    /// <param name="pid">Host pid of the container's process.</param>
    /// <param name="aside">In a thread of its own, which does not keep this process alive.</param>
    /// <param name="warn">Is told why the caller cannot be.</param>
    internal void ForwardReady(int pid, bool aside, Action<string>? warn)
    {
        if (aside)
        {
            new Thread(() => ForwardReady(pid, aside: false, warn)) { IsBackground = true }.Start();
            return;
        }

        using var process = PidFd.TryOpen(pid);
        var buffer = new byte[4096];
        while (process is not null && HasMessage(process))
        {
            var text = Encoding.UTF8.GetString(buffer, 0, _socket.Receive(buffer));
            if (!text.Split('\n').Contains("READY=1"))
            {
                continue;
            }

            try
            {
                using var outside = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
                outside.Connect(new UnixDomainSocketEndPoint(_caller[0] == '@' ? "\0" + _caller[1..] : _caller));
                outside.Send(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"READY=1\nMAINPID={pid}")));
            }
            catch (SocketException e)
            {
                warn?.Invoke($"cannot notify {_caller}: {e.Message}");
            }

            return;
        }
    }

    public void Dispose() => _socket.Dispose();

    // Waits for a message; false when the container has ended without one.
    private bool HasMessage(PidFd process)
    {
        Span<PollEntry> entries = [new((int)_socket.Handle, PollEntry.In), new((int)process.Handle.DangerousGetHandle(), PollEntry.In)];
        PollEntry.Wait(entries, -1);
        return entries[0].Saw(PollEntry.In);
    }

    // As crun, the directory is where the caller has its socket. As runc, it is in a place of its own where it would be in the way otherwise: of a systemd
    // in the container, whose own socket is there, of the kernel's file systems, of other mounts, and of the caller's very socket, if that is bound.
    private static string PlaceOf(string caller, RuntimeConfig config)
    {
        if (caller[0] != '/')
        {
            return OwnPlace;
        }

        var path = Path.GetFullPath(caller);
        var inTheWay = path.EndsWith("/systemd/notify", StringComparison.Ordinal) || s_kernels.Any(directory => IsAtOrBelow(path, directory)) || config.Mounts.Any(mount =>
        {
            var destination = Path.GetFullPath(mount.Destination, "/");
            return IsAtOrBelow(destination, path) || MountPlan.IsBind(mount) && IsAtOrBelow(path, destination);
        });
        return path == "/" || inTheWay ? OwnPlace : path;
    }

    private static bool IsAtOrBelow(string path, string directory) =>
        path == directory || directory == "/" || path.StartsWith(directory + "/", StringComparison.Ordinal);

    private static string? Caller() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } caller ? caller : null;
}
