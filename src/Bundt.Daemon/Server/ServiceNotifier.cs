using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Daemon.Server;

/// <summary>Tells who started the daemon how far it is: the service manager (sd_notify(3)), or the client that waits on a pipe.</summary>
internal static class ServiceNotifier
{
    /// <summary>"READY=1", "STOPPING=1". Without a service manager nothing happens.</summary>
    public static void Send(string state)
    {
        string? address = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        if (string.IsNullOrEmpty(address))
        {
            return;
        }

        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            string path = address[0] == '@' ? "\0" + address[1..] : address; // the abstract namespace, unix(7)
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            // a service manager that does not listen is no reason to fail
        }
    }

    /// <summary>
    /// Writes one byte to the descriptor in BUNDT_READY_FD and closes it: the client that started this daemon waits for it, and for the end of file
    /// as the sign that it failed.
    /// </summary>
    public static void TellStarter()
    {
        string? descriptor = Environment.GetEnvironmentVariable("BUNDT_READY_FD");
        Environment.SetEnvironmentVariable("BUNDT_READY_FD", null);
        if (!int.TryParse(descriptor, NumberStyles.None, CultureInfo.InvariantCulture, out int fd))
        {
            return;
        }

        try
        {
            using var starter = new FileStream(new SafeFileHandle(fd, ownsHandle: true), FileAccess.Write, bufferSize: 0);
            starter.WriteByte((byte)'1');
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // a starter that does not wait any more is no reason to fail
        }
    }
}
