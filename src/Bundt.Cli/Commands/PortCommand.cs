using System.Globalization;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;

namespace Bundt.Cli.Commands;

/// <summary><c>port</c>.</summary>
internal static class PortCommand
{
    /// <summary>Shows the host's ports that lead to a container's, or to one of them.</summary>
    public static int Execute(PortOptions options, DaemonClient client)
    {
        string wanted = options.Port.Length == 0 || options.Port.Contains('/', StringComparison.Ordinal) ? options.Port : options.Port + "/tcp";
        JsonElement ports = client.FetchJson("GET", $"/containers/{DaemonClient.Escape(options.Container)}/json").GetProperty("NetworkSettings").GetProperty("Ports");
        List<(int Port, string Name, string Host)> lines = [];
        foreach (JsonProperty port in ports.EnumerateObject())
        {
            if ((wanted.Length > 0 && port.Name != wanted) || port.Value.ValueKind != JsonValueKind.Array)
            {
                continue;
            }

            foreach (JsonElement binding in port.Value.EnumerateArray())
            {
                lines.Add((
                    int.Parse(port.Name.Split('/')[0], CultureInfo.InvariantCulture), port.Name,
                    PortsText.Host(binding.GetProperty("HostIp").GetString() ?? "", binding.GetProperty("HostPort").GetString() ?? "")));
            }
        }

        if (wanted.Length > 0 && lines.Count == 0)
        {
            throw new UsageException($"No public port '{options.Port}' published for {options.Container}");
        }

        foreach ((_, string name, string host) in lines.OrderBy(static line => line.Port).ThenBy(static line => line.Name, StringComparer.Ordinal))
        {
            StandardStreams.OutLine(wanted.Length > 0 ? host : $"{name} -> {host}");
        }

        return 0;
    }
}
