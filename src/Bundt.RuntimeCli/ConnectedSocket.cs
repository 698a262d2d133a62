using System.Net.Sockets;
using Bundt.Linux;
using Microsoft.Win32.SafeHandles;

namespace Bundt.RuntimeCli;

/// <summary>The socket of --console-socket or --pidfd-socket, connected.</summary>
internal sealed class ConnectedSocket : IDisposable
{
    private readonly Socket _socket;

    private ConnectedSocket(Socket socket) => _socket = socket;

    /// <summary>The descriptor; valid while this object lives.</summary>
    public SafeFileHandle Handle => new(_socket.Handle, ownsHandle: false);

    /// <summary>Connects; null without a path.</summary>
    public static ConnectedSocket? Connect(string? path)
    {
        if (path is null)
        {
            return null;
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return new ConnectedSocket(socket);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"cannot connect to the socket {path}: {e.Message}", null, e);
        }
    }

    public void Dispose() => _socket.Dispose();
}
