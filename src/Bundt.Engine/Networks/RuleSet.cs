using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Bundt.Engine.Networks;

/// <summary>
/// Our table of the packet filter, in the words of nft(8). The rules are always the same ones; what changes are the elements of its maps and sets: which
/// bridges there are, and which ports lead where.
/// </summary>
/// <remarks>
/// Whoever asks for a published port is led to the container before the packet is routed, wherever it comes from: from outside and from other
/// containers in prerouting, from the host itself in output. The source address stays the client's but in two cases, in which the answer would not
/// come back this way: between two containers of one bridge, and from a loopback address.
/// </remarks>
internal static class RuleSet
{
    private const string Rules = """
          map at4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
          map at6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
          map any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }
          map any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }
          set bridges { type ifname; }
          set closed { type ifname; }
          set masked { type ifname; }
          set loops { type ifname . ifname; }
          set neighbours4 { type ifname . ipv4_addr; flags interval; }
          set neighbours6 { type ifname . ipv6_addr; flags interval; }

          chain raw {
            type filter hook prerouting priority raw; policy accept;
            iifname @bridges ip daddr 127.0.0.0/8 drop comment "route_localnet is for answers to the host"
          }
          chain prerouting {
            type nat hook prerouting priority dstnat; policy accept;
            ip daddr 127.0.0.0/8 return comment "a neighbour's, routed here: it would be redirected before the kernel takes it for a martian"
            ip6 daddr ::1 return
            fib daddr type local jump publish
          }
          chain output {
            type nat hook output priority -100; policy accept;
            fib daddr type local jump publish
          }
          chain publish {
            dnat ip to ip daddr . meta l4proto . th dport map @at4
            dnat ip6 to ip6 daddr . meta l4proto . th dport map @at6
            meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4
            meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6
          }
          chain postrouting {
            type nat hook postrouting priority srcnat; policy accept;
            ct status dnat oifname . ip saddr @neighbours4 masquerade comment "by the host's address; no iifname here with br_netfilter"
            ct status dnat oifname . ip6 saddr @neighbours6 masquerade
            oifname @bridges ip saddr 127.0.0.0/8 masquerade
            oifname @bridges ip6 saddr ::1 masquerade
            iifname @masked oifname != @bridges masquerade
          }
          chain forward {
            type filter hook forward priority filter; policy accept;
            ct state established,related accept
            iifname . oifname @loops accept comment "frames of one bridge come this way with br_netfilter"
            iifname @closed drop
            oifname @closed drop
            ct status dnat accept
            oifname @bridges drop comment "what is not published, and other networks"
          }

        """;

    /// <summary>Commands that make the table what it has to be, whatever it was, all at once.</summary>
    /// <param name="table">Its name.</param>
    /// <param name="bridges">All bridges.</param>
    /// <param name="ports">All ports.</param>
    public static string Replace(string table, IEnumerable<BridgeRules> bridges, IEnumerable<PublishedPort> ports)
    {
        var text = new StringBuilder($"add table inet {table}\ndelete table inet {table}\ntable inet {table} {{\n").Append(Rules).Append("}\n");
        foreach (var bridge in bridges)
        {
            Append(text, "add", table, bridge);
        }

        foreach (var port in ports)
        {
            Append(text, "add", table, port);
        }

        return text.ToString();
    }

    /// <summary>Commands that add bridges and ports to the table, or delete them from it.</summary>
    /// <param name="table">Its name.</param>
    /// <param name="verb">"add" or "delete".</param>
    /// <param name="bridges">Bridges.</param>
    /// <param name="ports">Ports.</param>
    public static string Change(string table, string verb, IEnumerable<BridgeRules> bridges, IEnumerable<PublishedPort> ports)
    {
        var text = new StringBuilder();
        foreach (var bridge in bridges)
        {
            Append(text, verb, table, bridge);
        }

        foreach (var port in ports)
        {
            Append(text, verb, table, port);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, string verb, string table, BridgeRules bridge)
    {
        var name = $"\"{bridge.Name}\"";
        Element(text, verb, table, "bridges", name);
        Element(text, verb, table, "loops", $"{name} . {name}");
        foreach (var subnet in bridge.Subnets)
        {
            Element(text, verb, table, subnet.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 ? "neighbours6" : "neighbours4", $"{name} . {subnet}");
        }

        if (bridge.Internal)
        {
            Element(text, verb, table, "closed", name);
        }
        else if (bridge.Masquerade)
        {
            Element(text, verb, table, "masked", name);
        }
    }

    private static void Append(StringBuilder text, string verb, string table, PublishedPort port)
    {
        var isIpv6 = port.Container.AddressFamily == AddressFamily.InterNetworkV6;
        var any = port.Host.Equals(System.Net.IPAddress.Any) || port.Host.Equals(System.Net.IPAddress.IPv6Any);
        var service = string.Create(CultureInfo.InvariantCulture, $"{port.Protocol.ToString().ToLowerInvariant()} . {port.HostPort}");
        var key = any ? service : $"{port.Host} . {service}";
        var map = (any ? "any" : "at") + (isIpv6 ? "6" : "4");
        Element(text, verb, table, map, verb == "add" ? string.Create(CultureInfo.InvariantCulture, $"{key} : {port.Container} . {port.ContainerPort}") : key);
    }

    private static void Element(StringBuilder text, string verb, string table, string set, string element) =>
        text.Append(verb).Append(" element inet ").Append(table).Append(' ').Append(set).Append(" { ").Append(element).Append(" }\n");
}
