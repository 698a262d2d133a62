using System.Globalization;
using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Values;

/// <summary>One published or exposed port.</summary>
/// <param name="Port">Port in the container and protocol, "80/tcp".</param>
/// <param name="HostIp">Address on the host, or "".</param>
/// <param name="HostPort">Port or range on the host, or "".</param>
internal readonly record struct PortMapping(string Port, string HostIp, string HostPort)
{
    /// <summary>Reads a <c>-p [[ip:]hostPort:]containerPort[/protocol]</c>; ranges make several.</summary>
    /// <exception cref="UsageException">It is none; in docker's words.</exception>
    public static IEnumerable<PortMapping> ParsePublish(string text)
    {
        (string body, string protocol) = Protocol(text);
        string ip = "";
        if (body.StartsWith('['))
        {
            int close = body.IndexOf("]:", StringComparison.Ordinal);
            if (close < 0)
            {
                throw Invalid(text);
            }

            ip = body[1..close];
            body = body[(close + 2)..];
        }

        string[] parts = body.Split(':');
        if (parts.Length == 3 && ip.Length == 0)
        {
            ip = parts[0];
            parts = parts[1..];
        }

        if (parts.Length > 2 || (ip.Length > 0 && !System.Net.IPAddress.TryParse(ip, out _)))
        {
            throw Invalid(text);
        }

        (int from, int to) = Range(parts[^1], text, "containerPort");
        string host = parts.Length == 2 ? parts[0] : "";
        if (host.Length == 0)
        {
            for (int port = from; port <= to; port++)
            {
                yield return new PortMapping(Name(port, protocol), ip, "");
            }

            yield break;
        }

        (int hostFrom, int hostTo) = Range(host, text, "hostPort");
        if (hostTo - hostFrom != to - from)
        {
            if (from != to)
            {
                throw new UsageException($"invalid ranges specified for container and host Ports: {parts[^1]} and {host}");
            }

            yield return new PortMapping(Name(from, protocol), ip, host);
            yield break;
        }

        for (int port = from; port <= to; port++)
        {
            yield return new PortMapping(Name(port, protocol), ip, (hostFrom + port - from).ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Reads an <c>--expose port[-port][/protocol]</c>.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static IEnumerable<string> ParseExpose(string text)
    {
        (string body, string protocol) = Protocol(text);
        if (body.Contains(':', StringComparison.Ordinal))
        {
            throw new UsageException($"invalid port format for --expose: {text}");
        }

        (int from, int to) = Range(body, text, "port");
        return Enumerable.Range(from, to - from + 1).Select(port => Name(port, protocol));
    }

    private static (string Body, string Protocol) Protocol(string text)
    {
        int slash = text.LastIndexOf('/');
        string protocol = slash < 0 ? "tcp" : text[(slash + 1)..].ToLowerInvariant();
        return protocol is "tcp" or "udp" or "sctp" ? (slash < 0 ? text : text[..slash], protocol) : throw new UsageException($"invalid proto: {protocol}");
    }

    private static (int From, int To) Range(string range, string text, string what)
    {
        int dash = range.IndexOf('-', StringComparison.Ordinal);
        return ushort.TryParse(dash < 0 ? range : range[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out ushort from)
            && ushort.TryParse(dash < 0 ? range : range[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort to) && from > 0 && to >= from
            ? (from, to)
            : throw new UsageException($"invalid {what}: {range} in {text}");
    }

    private static string Name(int port, string protocol) => port.ToString(CultureInfo.InvariantCulture) + "/" + protocol;

    private static UsageException Invalid(string text) => new($"invalid publish opts format (should be name=value but got '{text}')");
}
