using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Network;

/// <summary>A network interface as the kernel lists it.</summary>
/// <param name="Index">Its number, which is never another's while its network namespace lives.</param>
/// <param name="Name">Its name, at most 15 bytes.</param>
/// <param name="Kind">"bridge", "veth", "macvlan" …; "" for hardware and loopback.</param>
/// <param name="Master">The bridge that it is a port of; 0: none.</param>
/// <param name="IsUp">Whether it is administratively up.</param>
/// <param name="Mtu">Bytes.</param>
/// <param name="Address">Its hardware address.</param>
/// <param name="Alias">What somebody has written on it ("ip link" shows it); "": nothing.</param>
public sealed record NetworkLink(int Index, string Name, string Kind, int Master, bool IsUp, int Mtu, PhysicalAddress Address, string Alias);

/// <summary>An address of an interface.</summary>
/// <param name="Link">The interface's number.</param>
/// <param name="Address">The address.</param>
/// <param name="Prefix">Length of its network's prefix in bits.</param>
public readonly record struct LinkAddress(int Link, IPAddress Address, int Prefix);

/// <summary>A route of the main table.</summary>
/// <param name="Destination">Where it leads; a prefix of 0 bits: everywhere.</param>
/// <param name="Gateway">The next hop; null: the destination is on the link.</param>
/// <param name="Link">The interface's number; 0: none, or several.</param>
public readonly record struct Route(IPNetwork Destination, IPAddress? Gateway, int Link);

/// <summary>The interfaces, addresses and routes of one network namespace (rtnetlink(7)). Not for two threads at once.</summary>
public sealed class NetworkStack : IDisposable
{
    private const ushort NewLink = 16, DelLink = 17, GetLink = 18, NewAddress = 20, DelAddress = 21, GetAddress = 22, NewRoute = 24, DelRoute = 25, GetRoute = 26; // RTM_*
    private const ushort LinkHardware = 1, LinkName = 3, LinkMtu = 4, LinkLower = 5, LinkMaster = 10, LinkInfo = 18, LinkAlias = 20, LinkNamespace = 28; // IFLA_*
    private const ushort LinkFamilies = 26; // IFLA_AF_SPEC
    private const ushort InfoKind = 1, InfoData = 2, InfoPortKind = 4, InfoPortData = 5; // IFLA_INFO_KIND, DATA, SLAVE_KIND, SLAVE_DATA
    private const ushort PortHairpin = 4, PortIsolated = 33; // IFLA_BRPORT_MODE, IFLA_BRPORT_ISOLATED (Linux 4.18)
    private const ushort Ipv6Family = 10, Ipv6Generation = 8; // AF_INET6, IFLA_INET6_ADDR_GEN_MODE
    private const ushort VethPeer = 1, VlanMode = 1, VlanId = 1; // VETH_INFO_PEER, IFLA_MACVLAN_MODE and IFLA_IPVLAN_MODE, IFLA_VLAN_ID
    private const ushort AddressPrefix = 1, AddressLocal = 2, AddressBroadcast = 4, AddressFlags = 8; // IFA_*
    private const ushort RouteDestination = 1, RouteLink = 4, RouteGateway = 5, RouteTable = 15; // RTA_*
    private const byte MainTable = 254, ByBoot = 3, Universe = 0, OnLink = 253, Unicast = 1; // RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_*, RTN_UNICAST
    private const int IffUp = 1; // IFF_UP
    private const int NoDuplicateDetection = 2; // IFA_F_NODAD: whoever gives the addresses away knows that there is none

    private readonly NetlinkSocket _socket;

    private NetworkStack(NetlinkSocket socket) => _socket = socket;

    /// <summary>The caller's own network namespace.</summary>
    public static NetworkStack OpenOwn() => new(NetlinkSocket.Open());

    /// <summary>Another network namespace.</summary>
    /// <exception cref="BundtException">The kernel refuses.</exception>
    public static NetworkStack Open(SafeFileHandle networkNamespace) => new(NetlinkSocket.Open(networkNamespace));

    /// <summary>Makes a bridge, up, and without an IPv6 address of its own making.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="hardware">Its hardware address; null: the lowest of its ports', whichever they are.</param>
    /// <param name="mtu">Bytes; 0: the kernel's choice.</param>
    /// <param name="alias">What is written on it from the first moment on; "": nothing.</param>
    /// <exception cref="BundtException">Conflict: the name is taken. Else what the kernel refuses.</exception>
    public void AddBridge(string name, PhysicalAddress? hardware = null, int mtu = 0, string alias = "") =>
        MakeUp(Furnish(Named(name), hardware, mtu).Nest(LinkInfo, info => info.With(InfoKind, "bridge")), "bridge", name, alias);

    /// <summary>Makes an interface that leads nowhere, up.</summary>
    /// <exception cref="BundtException">Conflict: the name is taken. Else what the kernel refuses.</exception>
    public void AddDummy(string name, string alias) =>
        MakeUp(Named(name).Nest(LinkInfo, info => info.With(InfoKind, "dummy")), "dummy", name, alias);

    /// <summary>Makes the interface of a VLAN (IEEE 802.1Q), up.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="lower">Number of the interface below.</param>
    /// <param name="id">The VLAN, 1 to 4094.</param>
    /// <param name="alias">What is written on it from the first moment on.</param>
    /// <exception cref="BundtException">Conflict: the name is taken. Else what the kernel refuses.</exception>
    public void AddTagged(string name, int lower, ushort id, string alias)
    {
        var number = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(number, id);
        MakeUp(
            Named(name).With(LinkLower, lower).Nest(LinkInfo, info => info.With(InfoKind, "vlan").Nest(InfoData, data => data.With(VlanId, number))), "VLAN interface", name, alias);
    }

    /// <summary>Makes a pair of connected interfaces: one here, up and a port of a bridge, the other one elsewhere, still down.</summary>
    /// <param name="name">Its name here.</param>
    /// <param name="bridge">Number of the bridge.</param>
    /// <param name="elsewhere">The other network namespace.</param>
    /// <param name="otherName">The name there.</param>
    /// <param name="otherHardware">The hardware address there.</param>
    /// <param name="mtu">Bytes; 0: the kernel's choice.</param>
    /// <param name="alias">What is written on it here from the first moment on; "": nothing.</param>
    /// <param name="isIsolated">Nothing passes between this port and others that are isolated, too.</param>
    /// <exception cref="BundtException">Conflict: a name is taken. Else what the kernel refuses.</exception>
    public void AddVeth(
        string name, int bridge, SafeFileHandle elsewhere, string otherName, PhysicalAddress otherHardware, int mtu = 0, string alias = "", bool isIsolated = false)
    {
        var pair = Furnish(Named(name).With(LinkMaster, bridge), null, mtu);
        pair.Nest(LinkInfo, info => info.With(InfoKind, "veth").Nest(InfoData, data => data.Nest(
            VethPeer,
            peer => Furnish(peer.With(LinkName, otherName).With(LinkNamespace, (int)elsewhere.DangerousGetHandle()), otherHardware, mtu),
            LinkMessage(0))));

        Check([pair, Port(Up(name, alias), isIsolated)], "make veth", name);
    }

    /// <summary>Makes an interface a port of a bridge, if there is one of that name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="bridge">Number of the bridge.</param>
    /// <param name="isIsolated">Nothing passes between this port and others that are isolated, too.</param>
    /// <exception cref="BundtException">What the kernel refuses.</exception>
    public void Attach(string name, int bridge, bool isIsolated)
    {
        if (IndexOf(name) is { } link)
        {
            Check([NetlinkRequest.Change(NewLink, LinkMessage(link)).With(LinkMaster, bridge), Port(NetlinkRequest.Change(NewLink, LinkMessage(link)), isIsolated)], "attach to bridge", name);
        }
    }

    /// <summary>Makes a macvlan or ipvlan interface on one of this namespace's, in another namespace, still down.</summary>
    /// <param name="kind">"macvlan" or "ipvlan".</param>
    /// <param name="lower">Number of the interface below.</param>
    /// <param name="mode">MACVLAN_MODE_* (1 private, 2 vepa, 4 bridge, 8 passthru) or IPVLAN_MODE_* (0 l2, 1 l3, 2 l3s), if_link.h.</param>
    /// <param name="elsewhere">Where it goes.</param>
    /// <param name="name">Its name there.</param>
    /// <param name="hardware">Its hardware address; null: the kernel's choice (an ipvlan has that of the interface below).</param>
    /// <param name="mtu">Bytes; 0: that of the interface below.</param>
    /// <exception cref="BundtException">What the kernel refuses.</exception>
    public void AddVlan(string kind, int lower, int mode, SafeFileHandle elsewhere, string name, PhysicalAddress? hardware, int mtu = 0)
    {
        var request = Named(name).With(LinkLower, lower).With(LinkNamespace, (int)elsewhere.DangerousGetHandle());
        Furnish(request, hardware, mtu);
        Span<byte> word = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(word, mode);
        var value = (kind == "ipvlan" ? word[..2] : word).ToArray();
        Check(request.Nest(LinkInfo, info => info.With(InfoKind, kind).Nest(InfoData, data => data.With(VlanMode, value))), $"make {kind}", name);
    }

    /// <summary>Brings an interface up.</summary>
    /// <param name="link">Its number.</param>
    /// <param name="hasIpv6">It makes itself an IPv6 address of the link.</param>
    /// <exception cref="BundtException">What the kernel refuses.</exception>
    public void BringUp(int link, bool hasIpv6)
    {
        var request = NetlinkRequest.Change(NewLink, LinkMessage(link, IffUp));
        Check(hasIpv6 ? request : WithoutLinkLocal(request), "bring up interface", Number(link));
    }

    /// <summary>Removes an interface; false: there was none.</summary>
    /// <exception cref="BundtException">What the kernel refuses.</exception>
    public bool Remove(string name)
    {
        var (errno, text) = _socket.Request(NetlinkRequest.Change(DelLink, LinkMessage(0)).With(LinkName, name));
        return errno switch
        {
            Errno.None => true,
            Errno.ENODEV => false,
            _ => throw Refused("remove interface", name, errno, text),
        };
    }

    /// <summary>An interface by its name; null: there is none.</summary>
    /// <exception cref="BundtException">What the kernel refuses.</exception>
    public NetworkLink? Find(string name)
    {
        var (errno, text, answer) = _socket.Get(NetlinkRequest.Get(GetLink, LinkMessage(0)).With(LinkName, name));
        return errno switch
        {
            Errno.None => Link(answer),
            Errno.ENODEV => null,
            _ => throw Refused("find interface", name, errno, text),
        };
    }

    /// <summary>The number of an interface; null: there is none of that name.</summary>
    public int? IndexOf(string name) => Find(name)?.Index;

    /// <summary>Gives an interface an address. One of version 6 takes up to a second to work if the interface is not up by then.</summary>
    /// <exception cref="BundtException">Conflict: it has it already. Else what the kernel refuses.</exception>
    public void AddAddress(int link, IPAddress address, int prefix)
    {
        var bytes = address.GetAddressBytes();
        var request = NetlinkRequest.Create(NewAddress, AddressMessage(address, prefix, link)).With(AddressLocal, bytes).With(AddressPrefix, bytes);
        if (address.AddressFamily == AddressFamily.InterNetwork && prefix < 31)
        {
            var host = uint.MaxValue >> prefix;
            Span<byte> broadcast = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(broadcast, BinaryPrimitives.ReadUInt32BigEndian(bytes) | host);
            request.With(AddressBroadcast, broadcast);
        }
        else if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            request.With(AddressFlags, NoDuplicateDetection);
        }

        Check(request, "set address", $"{address}/{prefix} on {Number(link)}");
    }

    /// <summary>Takes an address from an interface; false: it did not have it.</summary>
    /// <exception cref="BundtException">What the kernel refuses.</exception>
    public bool RemoveAddress(int link, IPAddress address, int prefix)
    {
        var (errno, text) = _socket.Request(NetlinkRequest.Change(DelAddress, AddressMessage(address, prefix, link)).With(AddressLocal, address.GetAddressBytes()));
        return errno switch
        {
            Errno.None => true,
            Errno.EADDRNOTAVAIL or Errno.ENODEV => false,
            _ => throw Refused("remove address", $"{address}/{prefix}", errno, text),
        };
    }

    /// <summary>Adds a route of the main table.</summary>
    /// <exception cref="BundtException">Conflict: there is one to that destination. Else what the kernel refuses.</exception>
    public void AddRoute(Route route) => Check(With(route, NetlinkRequest.Create(NewRoute, RouteMessage(route))), "add route", Text(route));

    /// <summary>Removes a route of the main table; false: there was none.</summary>
    /// <exception cref="BundtException">What the kernel refuses.</exception>
    public bool RemoveRoute(Route route)
    {
        var (errno, text) = _socket.Request(With(route, NetlinkRequest.Change(DelRoute, RouteMessage(route))));
        return errno switch
        {
            Errno.None => true,
            Errno.ESRCH => false,
            _ => throw Refused("remove route", Text(route), errno, text),
        };
    }

    /// <summary>All interfaces.</summary>
    public IReadOnlyList<NetworkLink> Links() => [.. _socket.Dump(NetlinkRequest.Dump(GetLink, LinkMessage(0))).Select(Link)];

    /// <summary>All addresses of all interfaces.</summary>
    public IReadOnlyList<LinkAddress> Addresses()
    {
        var result = new List<LinkAddress>();
        foreach (var message in _socket.Dump(NetlinkRequest.Dump(GetAddress, stackalloc byte[8])))
        {
            IPAddress? address = null;
            foreach (var (type, value) in NetlinkAttributes.Read(message[8..]))
            {
                // Of a point-to-point link the one is the peer's; IPv6 has the other only there.
                if (type == AddressLocal || type == AddressPrefix && address is null)
                {
                    address = new IPAddress(value.Span);
                }
            }

            if (address is not null)
            {
                result.Add(new LinkAddress(BinaryPrimitives.ReadInt32LittleEndian(message.Span[4..]), address, message.Span[1]));
            }
        }

        return result;
    }

    /// <summary>The routes of the main table.</summary>
    public IReadOnlyList<Route> Routes()
    {
        var result = new List<Route>();
        foreach (var message in _socket.Dump(NetlinkRequest.Dump(GetRoute, stackalloc byte[12])))
        {
            var head = message.Span;
            if (head[4] != MainTable || head[7] != Unicast)
            {
                continue;
            }

            var any = head[0] == 2 ? IPAddress.Any : IPAddress.IPv6Any; // AF_INET
            var (destination, gateway, link, table) = (any, (IPAddress?)null, 0, (int)MainTable);
            foreach (var (type, value) in NetlinkAttributes.Read(message[12..]))
            {
                switch (type)
                {
                    case RouteDestination:
                        destination = new IPAddress(value.Span);
                        break;
                    case RouteGateway:
                        gateway = new IPAddress(value.Span);
                        break;
                    case RouteLink:
                        link = BinaryPrimitives.ReadInt32LittleEndian(value.Span);
                        break;
                    case RouteTable:
                        table = BinaryPrimitives.ReadInt32LittleEndian(value.Span);
                        break;
                }
            }

            if (table == MainTable)
            {
                result.Add(new Route(new IPNetwork(destination, head[1]), gateway, link));
            }
        }

        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    // struct ifinfomsg and attributes.
    private static NetworkLink Link(ReadOnlyMemory<byte> message)
    {
        var (name, kind, alias, master, mtu, hardware) = ("", "", "", 0, 0, PhysicalAddress.None);
        foreach (var (type, value) in NetlinkAttributes.Read(message[16..]))
        {
            switch (type)
            {
                case LinkName:
                    name = Text(value.Span);
                    break;
                case LinkAlias:
                    alias = Text(value.Span);
                    break;
                case LinkMaster:
                    master = BinaryPrimitives.ReadInt32LittleEndian(value.Span);
                    break;
                case LinkMtu:
                    mtu = BinaryPrimitives.ReadInt32LittleEndian(value.Span);
                    break;
                case LinkHardware:
                    hardware = new PhysicalAddress(value.ToArray());
                    break;
                case LinkInfo:
                    kind = NetlinkAttributes.Read(value).Where(info => info.Type == InfoKind).Select(info => Text(info.Value.Span)).FirstOrDefault("");
                    break;
            }
        }

        var flags = BinaryPrimitives.ReadInt32LittleEndian(message.Span[8..]);
        return new NetworkLink(BinaryPrimitives.ReadInt32LittleEndian(message.Span[4..]), name, kind, master, (flags & IffUp) != 0, mtu, hardware, alias);
    }

    private static NetlinkRequest Furnish(NetlinkRequest request, PhysicalAddress? hardware, int mtu)
    {
        if (hardware is not null)
        {
            request.With(LinkHardware, hardware.GetAddressBytes());
        }

        return mtu > 0 ? request.With(LinkMtu, mtu) : request;
    }

    // No address of its own, and so none of the packets by which it is announced.
    private static NetlinkRequest WithoutLinkLocal(NetlinkRequest request) =>
        request.Nest(LinkFamilies, families => families.Nest(Ipv6Family, ipv6 => ipv6.With(Ipv6Generation, [1]))); // IN6_ADDR_GEN_MODE_NONE

    // One message to the kernel: whoever is killed has made it with its alias, or not at all.
    private void MakeUp(NetlinkRequest make, string what, string name, string alias) => Check([make, Up(name, alias)], "make " + what, name);

    private void Check(NetlinkRequest request, string operation, string subject) => Check([request], operation, subject);

    private void Check(ReadOnlySpan<NetlinkRequest> requests, string operation, string subject)
    {
        var (errno, text) = _socket.Request(requests);
        if (errno != Errno.None)
        {
            throw Refused(operation, subject, errno, text);
        }
    }

    private static BundtException Refused(string operation, string subject, Errno errno, string? text) =>
        new(Phase.Network, operation, subject, errno, text, errno == Errno.EEXIST ? FailureKind.Conflict : FailureKind.Internal);

    private static string Number(int link) => $"interface {link}";

    // With br_netfilter what a container sends to itself by a published port comes back through the port it came from.
    private static NetlinkRequest Port(NetlinkRequest request, bool isIsolated) =>
        request.Nest(LinkInfo, info => info.With(InfoPortKind, "bridge").Nest(InfoPortData, data =>
        {
            data.With(PortHairpin, [1]);
            if (isIsolated)
            {
                data.With(PortIsolated, [1]);
            }
        }));

    private static NetlinkRequest Named(string name) => NetlinkRequest.Create(NewLink, LinkMessage(0)).With(LinkName, name);

    private static NetlinkRequest Up(string name, string alias)
    {
        var request = WithoutLinkLocal(NetlinkRequest.Change(NewLink, LinkMessage(0, IffUp)).With(LinkName, name));
        return alias.Length > 0 ? request.With(LinkAlias, Encoding.UTF8.GetBytes(alias)) : request;
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

    // struct ifaddrmsg: family, prefix length, flags, scope, index.
    private static byte[] AddressMessage(IPAddress address, int prefix, int link)
    {
        var message = new byte[8];
        message[0] = Family(address);
        message[1] = (byte)prefix;
        BinaryPrimitives.WriteInt32LittleEndian(message.AsSpan(4), link);
        return message;
    }

    private static NetlinkRequest With(Route route, NetlinkRequest request)
    {
        request.With(RouteLink, route.Link);
        if (route.Destination.PrefixLength > 0)
        {
            request.With(RouteDestination, route.Destination.BaseAddress.GetAddressBytes());
        }

        return route.Gateway is { } gateway ? request.With(RouteGateway, gateway.GetAddressBytes()) : request;
    }

    // struct rtmsg: family, length of the destination's prefix, …, table, protocol, scope, type.
    private static byte[] RouteMessage(Route route)
    {
        var message = new byte[12];
        message[0] = Family(route.Destination.BaseAddress);
        message[1] = (byte)route.Destination.PrefixLength;
        message[4] = MainTable;
        message[5] = ByBoot;
        message[6] = route.Gateway is null ? OnLink : Universe;
        message[7] = Unicast;
        return message;
    }

    private static string Text(Route route) => $"{route.Destination}{(route.Gateway is null ? "" : $" by {route.Gateway}")}";

    // AddressFamily has Windows' numbers.
    private static byte Family(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? (byte)10 : (byte)2;

    private static string Text(ReadOnlySpan<byte> value) => Encoding.UTF8.GetString(value.TrimEnd((byte)0));
}
