using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.ExceptionServices;
using Bundt.Linux.Interop;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Namespaces;

/// <summary>Network namespaces that live by their descriptor alone, network_namespaces(7).</summary>
public static class NetworkNamespace
{
    private const ushort IffUp = 1;
    private const nuint SIOCSIFFLAGS = 0x8914;
    private const int InterfaceRequest = 40; // struct ifreq, netdevice(7): 16 bytes of name, then a union

    /// <summary>Makes one whose loopback interface is up. Needs CAP_SYS_ADMIN.</summary>
    /// <param name="inside">What is done in it first.</param>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public static SafeFileHandle Create(Action? inside = null)
    {
        SafeFileHandle? made = null;
        OnThread(() =>
        {
            made = Unshare();
            inside?.Invoke();
        });
        return made!;
    }

    /// <summary>The network namespace of a process.</summary>
    /// <exception cref="BundtException">There is no such process.</exception>
    public static SafeFileHandle Of(int pid)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/ns/net");
        var descriptor = SocketCalls.open(path, SocketCalls.O_RDONLY | SocketCalls.O_CLOEXEC, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, true) : throw BundtException.Last(Phase.Network, "open", path);
    }

    /// <summary>Does something inside a network namespace. Needs CAP_SYS_ADMIN over it.</summary>
    /// <exception cref="BundtException">The kernel refuses, or what is done fails.</exception>
    public static void Enter(SafeFileHandle target, Action action) => OnThread(() =>
    {
        if (MountCalls.setns((int)target.DangerousGetHandle(), MountCalls.CLONE_NEWNET) < 0)
        {
            throw BundtException.Last(Phase.Network, "setns", "network namespace");
        }

        action();
    });

    // unshare(2) and setns(2) move the calling thread, so that is one that ends with this.
    private static void OnThread(Action action)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e);
                }
            },
            256 * 1024)
        {
            IsBackground = true,
            Name = "network-namespace",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    private static SafeFileHandle Unshare()
    {
        if (MountCalls.unshare(MountCalls.CLONE_NEWNET) < 0)
        {
            throw BundtException.Last(Phase.Launch, "unshare network namespace");
        }

        BringLoopbackUp();
        var descriptor = SocketCalls.open("/proc/thread-self/ns/net", SocketCalls.O_RDONLY | SocketCalls.O_CLOEXEC, 0);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, true) : throw BundtException.Last(Phase.Launch, "open", "/proc/thread-self/ns/net");
    }

    private static unsafe void BringLoopbackUp()
    {
        var socket = SocketCalls.socket(SocketCalls.AF_UNIX, SocketCalls.SOCK_DGRAM | SocketCalls.SOCK_CLOEXEC, 0);
        if (socket < 0)
        {
            throw BundtException.Last(Phase.Launch, "socket");
        }

        Span<byte> request = stackalloc byte[InterfaceRequest];
        request.Clear();
        "lo"u8.CopyTo(request);
        BinaryPrimitives.WriteUInt16LittleEndian(request[16..], IffUp);
        fixed (byte* argument = request)
        {
            var failure = SocketCalls.ioctl(socket, SIOCSIFFLAGS, argument) < 0 ? BundtException.Last(Phase.Launch, "bring the loopback interface up") : null;
            _ = SocketCalls.close(socket);
            if (failure is not null)
            {
                throw failure;
            }
        }
    }
}
