using System.Globalization;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Requests;

namespace Bundt.Cli.Values;

/// <summary>A network that a container is to be in: "shop", or "name=shop,alias=till,ip=10.0.0.9,ip6=fd00::9,mac-address=…,gw-priority=1".</summary>
/// <param name="Name">The network.</param>
internal sealed record NetworkOption(string Name)
{
    public IReadOnlyList<string> Aliases { get; init; } = [];

    public IReadOnlyList<string> Links { get; init; } = [];

    public string? Ip { get; init; }

    public string? Ip6 { get; init; }

    public string? MacAddress { get; init; }

    public int GatewayPriority { get; init; }

    public IReadOnlyList<string> DriverOptions { get; init; } = [];

    /// <summary>Nothing is asked for but to be in it.</summary>
    public bool IsPlain => Aliases.Count == 0 && Links.Count == 0 && Ip is null && Ip6 is null && MacAddress is null && GatewayPriority == 0 && DriverOptions.Count == 0;

    /// <summary>Reads the value of --network.</summary>
    /// <exception cref="UsageException">A member that is not known, or no name.</exception>
    public static NetworkOption Parse(string text)
    {
        if (!text.Contains('=', StringComparison.Ordinal))
        {
            return new NetworkOption(text);
        }

        var option = new NetworkOption("");
        foreach (string member in text.Split(','))
        {
            int equals = member.IndexOf('=', StringComparison.Ordinal);
            string value = equals < 0 ? throw new UsageException($"invalid field {member} in --network: it has no value") : member[(equals + 1)..];
            option = member[..equals] switch
            {
                "name" => option with { Name = value },
                "alias" => option with { Aliases = [.. option.Aliases, value] },
                "ip" => option with { Ip = value },
                "ip6" => option with { Ip6 = value },
                "mac-address" => option with { MacAddress = value },
                "gw-priority" => option with
                {
                    GatewayPriority = int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int priority)
                        ? priority
                        : throw new UsageException($"invalid gw-priority in --network: \"{value}\" is no number"),
                },
                "driver-opt" => option with { DriverOptions = [.. option.DriverOptions, value] },
                _ => throw new UsageException($"invalid field key {member[..equals]} in --network"),
            };
        }

        return option.Name.Length > 0 ? option : throw new UsageException("network name/id is not specified: --network name=NAME,…");
    }

    /// <summary>Writes the members of the API's EndpointSettings.</summary>
    public void WriteEndpoint(Utf8JsonWriter json)
    {
        json.Texts("Aliases", Aliases);
        json.Texts("Links", Links);
        json.Text("MacAddress", MacAddress);
        if (GatewayPriority != 0)
        {
            json.WriteNumber("GwPriority", GatewayPriority);
        }

        json.Map("DriverOpts", KeyValueFiles.Map(DriverOptions, "driver-opt"));
        if (Ip is not null || Ip6 is not null)
        {
            json.WriteStartObject("IPAMConfig");
            json.Text("IPv4Address", Ip);
            json.Text("IPv6Address", Ip6);
            json.WriteEndObject();
        }
    }
}
