using System.Net.Sockets;
using Bundt.Linux;
using Microsoft.Win32.SafeHandles;

namespace Bundt.RuntimeCli;

/// <summary>The socket of --console-socket, connected.</summary>
internal sealed class ConsoleSocket : IDisposable
{
    private readonly Socket _socket;

    private ConsoleSocket(Socket socket) => _socket = socket;

    /// <summary>The descriptor; valid while this object lives.</summary>
    public SafeFileHandle Handle => new(_socket.Handle, ownsHandle: false);

    public static ConsoleSocket Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new ConsoleSocket(socket);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"cannot connect to the console socket {path}: {e.Message}", null, e);
        }
    }

    public void Dispose() => _socket.Dispose();
}
