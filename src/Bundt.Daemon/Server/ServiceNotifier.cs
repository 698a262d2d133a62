using System.Net.Sockets;
using System.Text;

namespace Bundt.Daemon.Server;

/// <summary>Tells the service manager how far the daemon is (sd_notify(3)).</summary>
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
}
