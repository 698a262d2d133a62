using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Network;

/// <summary>Ports of the caller's network namespace that are held by a socket which is bound and nothing else, and those that others hold.</summary>
public static unsafe class BoundPort
{
    private const int Inet = 2, Inet6 = 10; // AF_INET, AF_INET6
    private const int Tcp = 6, Udp = 17;
    private const int ReuseAddress = 2; // SO_REUSEADDR
    private const int Ipv6Level = 41, OnlyIpv6 = 26; // IPPROTO_IPV6, IPV6_V6ONLY

    /// <summary>Binds a socket to a port, which is nobody else's as long as it is open.</summary>
    /// <param name="protocol">IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP.</param>
    /// <param name="address">Address of the host; the unspecified one of version 6 means that version alone.</param>
    /// <param name="port">The port.</param>
    /// <param name="errno">EADDRINUSE, EADDRNOTAVAIL …, or what says that the kernel has no such protocol.</param>
    /// <returns>Null: see <paramref name="errno"/>.</returns>
    public static SafeFileHandle? TryBind(int protocol, IPAddress address, ushort port, out Errno errno)
    {
        ArgumentNullException.ThrowIfNull(address);
        // Connections of the past that the kernel still remembers (TIME_WAIT) stand in nobody's way, but only to those who say so beforehand. Those who say
        // so may then bind beside us: so we ask without it first.
        var socket = TryBind(protocol, address, port, reuse: false, out errno);
        return errno == Errno.EADDRINUSE && protocol == Tcp && Owner(protocol, address, port) is null ? TryBind(protocol, address, port, reuse: true, out errno) : socket;
    }

    /// <summary>The process that listens on a port; null: none, or it is not to be found.</summary>
    /// <param name="protocol">IPPROTO_TCP or IPPROTO_UDP.</param>
    /// <param name="address">Address of the host.</param>
    /// <param name="port">The port.</param>
    public static (int Pid, string Name)? Owner(int protocol, IPAddress address, ushort port)
    {
        ArgumentNullException.ThrowIfNull(address);
        var table = protocol == Tcp ? "tcp" : protocol == Udp ? "udp" : null;
        if (table is null)
        {
            return null;
        }

        foreach (var file in (string[])["/proc/net/" + table, $"/proc/net/{table}6"])
        {
            foreach (var line in File.Exists(file) ? File.ReadLines(file).Skip(1) : [])
            {
                // sl local_address rem_address st … inode; addresses in words of the host's byte order.
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (fields.Length > 9 && fields[3] is "0A" or "07" && Reads(fields[1]) is var (local, number) && number == port && Overlap(local, address)
                    && OwnerOf(fields[9]) is { } owner)
                {
                    return owner;
                }
            }
        }

        return null;
    }

    private static SafeFileHandle? TryBind(int protocol, IPAddress address, ushort port, bool reuse, out Errno errno)
    {
        var isIpv6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        var fd = SocketCalls.socket(isIpv6 ? Inet6 : Inet, (protocol == Udp ? SocketCalls.SOCK_DGRAM : SocketCalls.SOCK_STREAM) | SocketCalls.SOCK_CLOEXEC, protocol);
        if (fd < 0)
        {
            errno = (Errno)Marshal.GetLastPInvokeError();
            return null;
        }

        var socket = new SafeFileHandle(fd, ownsHandle: true);
        var one = 1;
        if (isIpv6)
        {
            _ = SocketCalls.setsockopt(fd, Ipv6Level, OnlyIpv6, &one, sizeof(int));
        }

        if (reuse)
        {
            _ = SocketCalls.setsockopt(fd, SocketCalls.SOL_SOCKET, ReuseAddress, &one, sizeof(int));
        }

        // struct sockaddr_in, sockaddr_in6
        var bytes = stackalloc byte[28];
        var name = new Span<byte>(bytes, 28);
        name.Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(name, (ushort)(isIpv6 ? Inet6 : Inet));
        BinaryPrimitives.WriteUInt16BigEndian(name[2..], port);
        address.TryWriteBytes(name[(isIpv6 ? 8 : 4)..], out _);
        if (isIpv6)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(name[24..], (uint)address.ScopeId);
        }

        if (SocketCalls.bind(fd, bytes, isIpv6 ? 28u : 16u) == 0)
        {
            errno = Errno.None;
            return socket;
        }

        errno = (Errno)Marshal.GetLastPInvokeError();
        socket.Dispose();
        return null;
    }

    private static (IPAddress Address, int Port)? Reads(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        var bytes = Convert.FromHexString(text.AsSpan(0, colon));
        for (var i = 0; i < bytes.Length; i += 4)
        {
            Array.Reverse(bytes, i, 4);
        }

        var address = new IPAddress(bytes);
        return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, int.Parse(text.AsSpan(colon + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    // A socket of version 6 that is bound to no address has version 4 too, as a rule.
    private static bool Overlap(IPAddress one, IPAddress other) =>
        one.Equals(other) || one.Equals(IPAddress.IPv6Any) || other.Equals(IPAddress.IPv6Any) && one.AddressFamily == AddressFamily.InterNetworkV6
        || one.AddressFamily == other.AddressFamily && (one.Equals(IPAddress.Any) || other.Equals(IPAddress.Any));

    private static (int Pid, string Name)? OwnerOf(string inode)
    {
        var link = $"socket:[{inode}]";
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                continue;
            }

            try
            {
                if (Directory.EnumerateFiles(directory + "/fd").Any(file => new FileInfo(file).LinkTarget == link))
                {
                    return (pid, File.ReadAllText(directory + "/comm").Trim());
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended meanwhile.
            }
        }

        return null;
    }
}
