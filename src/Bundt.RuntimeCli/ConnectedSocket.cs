using Bundt.Linux;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.RuntimeCli;

/// <summary>The socket of --console-socket or --pidfd-socket, connected.</summary>
internal sealed class ConnectedSocket : IDisposable
{
    private readonly UnixSocket _socket;

    private ConnectedSocket(UnixSocket socket) => _socket = socket;

    /// <summary>The descriptor; valid while this object lives.</summary>
    public SafeFileHandle Handle => new(_socket.Descriptor, ownsHandle: false);

    /// <summary>Connects; null without a path.</summary>
    public static ConnectedSocket? Connect(string? path) =>
        path is null ? null
        : UnixSocket.TryConnect(path, out var errno) is { } socket ? new ConnectedSocket(socket)
        : throw new BundtException(Phase.Request, "connect to the socket", path, errno, null, FailureKind.InvalidArgument);

    public void Dispose() => _socket.Dispose();
}
