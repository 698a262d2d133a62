using System.Buffers.Binary;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Network;

/// <summary>Moves network interfaces between network namespaces.</summary>
public static class NetworkInterface
{
    private const ushort NewLink = 16, GetLink = 18, NewAddress = 20, GetAddress = 22; // RTM_*
    private const ushort Name = 3, NamespaceFd = 28; // IFLA_*
    private const ushort AddressFlags = 8; // IFA_FLAGS
    private const int Up = 1; // IFF_UP
    private const byte Permanent = 0x80; // IFA_F_PERMANENT

    // IFA_ADDRESS, IFA_LOCAL, IFA_BROADCAST, IFA_RT_PRIORITY: what an address is, not what it has become.
    private static readonly ushort[] s_keptAttributes = [1, 2, 4, 9];

    /// <summary>
    /// Moves an interface of the caller's network namespace into another one, under a name of its own, with its permanent addresses of global
    /// scope, and brings it up there. MTU and hardware address go along by themselves.
    /// </summary>
    /// <param name="name">Its name here.</param>
    /// <param name="target">The other network namespace.</param>
    /// <param name="newName">Its name there.</param>
    /// <exception cref="BundtException">NotFound: there is no such interface. Else what the kernel refuses.</exception>
    public static void Move(string name, SafeFileHandle target, string newName)
    {
        using var here = NetlinkSocket.Open();
        var index = Index(here, name);
        var addresses = Addresses(here, index);
        var moved = here.Request(
            NetlinkRequest.Change(NewLink, LinkMessage(index)).With(NamespaceFd, (int)target.DangerousGetHandle()).With(Name, newName));
        if (moved.Errno != Errno.None)
        {
            throw new BundtException(Phase.Network, "move network device", name, moved.Errno, moved.Text);
        }

        NetworkNamespace.Enter(target, () => Furnish(newName, addresses));
    }

    private static void Furnish(string name, List<byte[]> addresses)
    {
        using var there = NetlinkSocket.Open();
        var index = Index(there, name);
        foreach (var address in addresses)
        {
            Check(there.Request(Address(address, index)), "set the address of network device", name);
        }

        Check(there.Request(NetlinkRequest.Change(NewLink, LinkMessage(index, Up))), "bring up network device", name);
    }

    private static void Check((Errno Errno, string? Text) answer, string what, string name)
    {
        if (answer.Errno != Errno.None)
        {
            throw new BundtException(Phase.Network, what, name, answer.Errno, answer.Text);
        }
    }

    private static int Index(NetlinkSocket socket, string name)
    {
        // All of them: an answer about one comes without an acknowledgement that could be told from it.
        foreach (var link in socket.Dump(NetlinkRequest.Dump(GetLink, LinkMessage(0))))
        {
            foreach (var (type, value) in NetlinkAttributes.Read(link[16..]))
            {
                if (type == Name && System.Text.Encoding.UTF8.GetString(value.Span.TrimEnd((byte)0)) == name)
                {
                    return BinaryPrimitives.ReadInt32LittleEndian(link.Span[4..]);
                }
            }
        }

        throw new BundtException(FailureKind.NotFound, Phase.Network, $"network device {name} does not exist");
    }

    // struct ifaddrmsg: family, prefix length, flags, scope, index. What has another scope or a lifetime is of no use elsewhere.
    private static List<byte[]> Addresses(NetlinkSocket socket, int index)
    {
        var result = new List<byte[]>();
        foreach (var address in socket.Dump(NetlinkRequest.Dump(GetAddress, stackalloc byte[8])))
        {
            var message = address.Span;
            if (BinaryPrimitives.ReadInt32LittleEndian(message[4..]) == index && (message[2] & Permanent) != 0 && message[3] == 0)
            {
                result.Add(address.ToArray());
            }
        }

        return result;
    }

    private static NetlinkRequest Address(byte[] message, int index)
    {
        var family = message.AsSpan(0, 8).ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(family.AsSpan(4), index);
        var request = NetlinkRequest.Change(NewAddress, family);
        foreach (var (type, value) in NetlinkAttributes.Read(message.AsMemory(8)))
        {
            if (s_keptAttributes.Contains(type))
            {
                request.With(type, value.Span);
            }
        }

        return request.With(AddressFlags, Permanent);
    }

    // struct ifinfomsg: family, type, index, flags, which of the flags change.
    private static byte[] LinkMessage(int index, int flags = 0)
    {
        var message = new byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), index);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(8), flags);
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(12), flags);
        return message;
    }
}
