using System.Globalization;
using System.Net;

namespace Bundt.Cli.Commands;

/// <summary>A port of a container as the list has it.</summary>
/// <param name="Address">Of the host; "": it is not published.</param>
/// <param name="Inside">In the container.</param>
/// <param name="Outside">On the host.</param>
/// <param name="Protocol">"tcp" …</param>
internal readonly record struct ListedPort(string Address, int Inside, int Outside, string Protocol);

/// <summary>The PORTS column of ps: neighbours are shown as a range, as docker has it.</summary>
internal static class PortsText
{
    /// <summary>"0.0.0.0:8000-8001->8000-8001/tcp, 0.0.0.0:81->80/tcp, 53/udp": only ports that are the same outside are folded; others come last.</summary>
    public static string Of(IEnumerable<ListedPort> ports)
    {
        List<string> done = [], others = [];
        List<(string Address, string Protocol, int First, int Last)> open = [];
        foreach (ListedPort port in ports.OrderBy(static p => p.Inside).ThenBy(static p => p.Address, StringComparer.Ordinal).ThenBy(static p => p.Outside).ThenBy(static p => p.Protocol, StringComparer.Ordinal))
        {
            if (port.Address.Length > 0 && port.Outside != port.Inside)
            {
                others.Add($"{Host(port.Address, Number(port.Outside))}->{Number(port.Inside)}/{port.Protocol}");
                continue;
            }

            int known = open.FindIndex(range => range.Address == port.Address && range.Protocol == port.Protocol);
            if (known < 0)
            {
                open.Add((port.Address, port.Protocol, port.Inside, port.Inside));
            }
            else if (open[known].Last + 1 == port.Inside)
            {
                open[known] = open[known] with { Last = port.Inside };
            }
            else
            {
                done.Add(Text(open[known]));
                open[known] = (port.Address, port.Protocol, port.Inside, port.Inside);
            }
        }

        return string.Join(", ", [.. done, .. open.Select(Text), .. others]);
    }

    /// <summary>"0.0.0.0:8080", "[::]:8080".</summary>
    public static string Host(string address, string port) =>
        IPAddress.TryParse(address, out IPAddress? known) && known.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]:{port}" : $"{address}:{port}";

    private static string Text((string Address, string Protocol, int First, int Last) range)
    {
        string ports = range.First == range.Last ? Number(range.First) : $"{Number(range.First)}-{Number(range.Last)}";
        return (range.Address.Length == 0 ? ports : $"{Host(range.Address, ports)}->{ports}") + "/" + range.Protocol;
    }

    private static string Number(int port) => port.ToString(CultureInfo.InvariantCulture);
}
