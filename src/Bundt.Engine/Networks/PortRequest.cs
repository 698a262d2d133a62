using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Bundt.Linux;

namespace Bundt.Engine.Networks;

/// <summary>A port that a container wants to have published.</summary>
/// <param name="Protocol">The transport.</param>
/// <param name="Port">The container's port.</param>
/// <param name="Host">Address of the host; null: all, of each version of which the container has an address.</param>
/// <param name="First">The first port of the host that will do; 0: any.</param>
/// <param name="Last">The last one.</param>
internal sealed record PortRequest(PortProtocol Protocol, ushort Port, IPAddress? Host, ushort First, ushort Last)
{
    /// <summary>What a container wants: its bindings, and with --publish-all every port that is exposed and has none.</summary>
    /// <param name="settings">The container's.</param>
    /// <param name="exposed">"80/tcp" …</param>
    /// <exception cref="BundtException">InvalidArgument: one is no port.</exception>
    public static IReadOnlyList<PortRequest> Of(ContainerSettings settings, IReadOnlyList<string> exposed)
    {
        var requests = new List<PortRequest>();
        foreach (var binding in settings.PortBindings)
        {
            var (protocol, port) = Parse(binding.Port);
            var (first, last) = binding.HostPort is "" or "0" ? ((ushort)0, (ushort)0) : Range(binding.HostPort);
            requests.Add(new PortRequest(protocol, port, Address(binding.HostAddress), first, last));
        }

        foreach (var text in exposed)
        {
            var (protocol, port) = Parse(text);
            if (settings.PublishAllPorts && !requests.Exists(request => request.Protocol == protocol && request.Port == port))
            {
                requests.Add(new PortRequest(protocol, port, null, 0, 0));
            }
        }

        // Those that leave no choice come first: nobody takes from them at random what they need.
        return [.. requests.Distinct().OrderBy(request => request.First == 0 ? int.MaxValue : request.Last - request.First)];
    }

    /// <summary>Reads "80/tcp"; without a protocol it is tcp.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is no port.</exception>
    public static (PortProtocol Protocol, ushort Port) Parse(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var protocol = (slash < 0 ? "tcp" : text[(slash + 1)..].ToLowerInvariant()) switch
        {
            "tcp" => PortProtocol.Tcp,
            "udp" => PortProtocol.Udp,
            "sctp" => PortProtocol.Sctp,
            _ => throw Invalid($"invalid port specification: \"{text}\": the protocol is tcp, udp or sctp"),
        };
        return (protocol, Number(slash < 0 ? text : text[..slash], text));
    }

    private static (ushort First, ushort Last) Range(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        var first = Number(dash < 0 ? text : text[..dash], text);
        var last = dash < 0 ? first : Number(text[(dash + 1)..], text);
        return first <= last ? (first, last) : throw Invalid($"invalid port specification: \"{text}\": the range ends before it begins");
    }

    private static ushort Number(string text, string whole) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : throw Invalid($"invalid port specification: \"{whole}\": a port is a number from 1 to 65535");

    private static IPAddress? Address(string text) => text.Length == 0 ? null
        : IPAddress.TryParse(text, out var address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || text.Count(c => c == '.') == 3) ? address
        : throw Invalid($"invalid host address \"{text}\" of a published port");

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
