using System.Net;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;
using Bundt.Cli.Values;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Commands;

/// <summary>The network commands.</summary>
internal static class NetworkCommands
{
    private const int ShortId = 12;

    /// <summary><c>network create</c>.</summary>
    public static int Create(NetworkCreateOptions options, DaemonClient client)
    {
        ReadOnlyMemory<byte> body = JsonBody.Write(json =>
        {
            json.WriteString("Name", options.Network);
            json.WriteString("Driver", options.Driver ?? "bridge");
            json.WriteBoolean("Internal", options.Internal);
            json.WriteBoolean("Attachable", options.Attachable);
            json.WriteBoolean("EnableIPv4", options.Ipv4 ?? true);
            json.WriteBoolean("EnableIPv6", options.Ipv6);
            json.Map("Options", KeyValueFiles.Map(options.Opt, "-o, --opt"));
            json.Map("Labels", KeyValueFiles.Map(options.Label, "--label"));
            json.WriteStartObject("IPAM");
            json.WriteString("Driver", "default");
            WriteSubnets(json, options);
            json.WriteEndObject();
        });
        StandardStreams.OutLine(client.FetchJson("POST", "/networks/create", body.Span).GetProperty("Id").GetString()!);
        return 0;
    }

    /// <summary><c>network ls</c>.</summary>
    public static int List(NetworkListOptions options, DaemonClient client)
    {
        string query = Filters.Query(options.Filter);
        JsonElement answer = client.FetchJson("GET", "/networks" + (query.Length > 0 ? "?" + query : ""));
        List<Row> rows = [.. answer.EnumerateArray().Select(network => ToRow(network, options.NoTrunc)).OrderBy(static row => row["Name"], StringComparer.Ordinal)];
        new ListPrinter(
            [("NETWORK ID", "ID"), ("NAME", "Name"), ("DRIVER", "Driver"), ("SCOPE", "Scope")],
            [("IPV6", "IPv6"), ("INTERNAL", "Internal"), ("LABELS", "Labels"), ("CREATED AT", "CreatedAt")], "ID").Print(rows, options.Format, options.Quiet);
        return 0;
    }

    /// <summary><c>network connect</c>.</summary>
    public static int Connect(NetworkConnectOptions options, DaemonClient client)
    {
        var endpoint = new NetworkOption(options.Network)
        {
            Aliases = [.. options.Alias],
            Links = [.. options.Link],
            Ip = options.Ip,
            Ip6 = options.Ip6,
            MacAddress = options.MacAddress,
            GatewayPriority = options.GwPriority ?? 0,
            DriverOptions = [.. options.DriverOpt],
        };
        client.Fetch("POST", $"/networks/{DaemonClient.Escape(options.Network)}/connect", JsonBody.Write(json =>
        {
            json.WriteString("Container", options.Container);
            json.WriteStartObject("EndpointConfig");
            endpoint.WriteEndpoint(json);
            json.WriteEndObject();
        }).Span);
        return 0;
    }

    /// <summary><c>network disconnect</c>.</summary>
    public static int Disconnect(NetworkDisconnectOptions options, DaemonClient client)
    {
        client.Fetch("POST", $"/networks/{DaemonClient.Escape(options.Network)}/disconnect", JsonBody.Write(json =>
        {
            json.WriteString("Container", options.Container);
            json.Flag("Force", options.Force);
        }).Span);
        return 0;
    }

    /// <summary><c>network rm</c>.</summary>
    public static int Remove(NetworkRemoveOptions options, DaemonClient client)
    {
        List<string> names = [.. options.Networks];
        if (options.Force)
        {
            names.RemoveAll(name => !Exists(client, name));
        }

        return ForEach.Name(names, client, static name => ("DELETE", $"/networks/{DaemonClient.Escape(name)}"));
    }

    /// <summary><c>network prune</c>.</summary>
    public static int Prune(NetworkPruneOptions options, DaemonClient client)
    {
        if (!options.Force && !Confirm())
        {
            return 0;
        }

        string query = Filters.Query(options.Filter);
        JsonElement answer = client.FetchJson("POST", "/networks/prune" + (query.Length > 0 ? "?" + query : ""));
        if (answer.TryGetProperty("NetworksDeleted", out JsonElement deleted) && deleted.ValueKind == JsonValueKind.Array && deleted.GetArrayLength() > 0)
        {
            StandardStreams.OutLine("Deleted Networks:");
            foreach (JsonElement name in deleted.EnumerateArray())
            {
                StandardStreams.OutLine(name.GetString()!);
            }

            StandardStreams.OutLine("");
        }

        return 0;
    }

    // A gateway, a range and a reserved address belong to the subnet that they are in.
    private static void WriteSubnets(Utf8JsonWriter json, NetworkCreateOptions options)
    {
        List<string> subnets = Words(options.Subnet), gateways = Words(options.Gateway), ranges = Words(options.IpRange);
        Dictionary<string, string> reserved = KeyValueFiles.Map(options.AuxAddress, "--aux-address").ToDictionary(static pair => pair.Key, static pair => pair.Value);
        if (subnets.Count == 0 && (gateways.Count > 0 || ranges.Count > 0))
        {
            throw new UsageException("every ip-range or gateway must have a corresponding subnet");
        }

        json.WriteStartArray("Config");
        foreach (string subnet in subnets)
        {
            json.WriteStartObject();
            json.WriteString("Subnet", subnet);
            json.Text("IPRange", Take(ranges, subnet));
            json.Text("Gateway", Take(gateways, subnet));
            json.Map("AuxiliaryAddresses", reserved.Where(pair => IsIn(pair.Value, subnet)).ToDictionary());
            json.WriteEndObject();
        }

        json.WriteEndArray();
        foreach (string address in (IEnumerable<string>)[.. gateways, .. ranges, .. reserved.Values.Where(address => !subnets.Exists(subnet => IsIn(address, subnet)))])
        {
            throw new UsageException($"no matching subnet for {address}");
        }
    }

    private static List<string> Words(IEnumerable<string> lists) => [.. lists.SelectMany(static list => list.Split(','))];

    private static string? Take(List<string> addresses, string subnet)
    {
        int index = addresses.FindIndex(address => IsIn(address, subnet));
        if (index < 0)
        {
            return null;
        }

        string address = addresses[index];
        addresses.RemoveAt(index);
        return address;
    }

    // What is malformed is the daemon's to refuse.
    private static bool IsIn(string address, string subnet)
    {
        int slash = subnet.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !IPAddress.TryParse(subnet.AsSpan(0, slash), out IPAddress? network) || !int.TryParse(subnet.AsSpan(slash + 1), out int prefix)
            || !IPAddress.TryParse(address.Split('/')[0], out IPAddress? one))
        {
            return true;
        }

        byte[] own = network.GetAddressBytes(), other = one.GetAddressBytes();
        if (own.Length != other.Length || prefix < 0 || prefix > own.Length * 8)
        {
            return false;
        }

        for (int bit = 0; bit < prefix; bit++)
        {
            if (((own[bit / 8] ^ other[bit / 8]) & 0x80 >> bit % 8) != 0)
            {
                return false;
            }
        }

        return true;
    }

    private static bool Exists(DaemonClient client, string name)
    {
        try
        {
            _ = client.FetchJson("GET", $"/networks/{DaemonClient.Escape(name)}");
            return true;
        }
        catch (ApiException e) when (e.Status == 404)
        {
            return false;
        }
    }

    private static bool Confirm()
    {
        StandardStreams.Out("WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue? [y/N] ");
        StandardStreams.Flush();
        Span<byte> answer = stackalloc byte[64];
        int n = Descriptors.Read(0, answer);
        return n > 0 && answer[0] is (byte)'y' or (byte)'Y';
    }

    private static Row ToRow(JsonElement network, bool whole)
    {
        string Text(string name) => network.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        string Truth(string name) => network.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True ? "true" : "false";
        string id = Text("Id");
        var row = new Row
        {
            ["ID"] = whole || id.Length <= ShortId ? id : id[..ShortId],
            ["Name"] = Text("Name"),
            ["Driver"] = Text("Driver"),
            ["Scope"] = Text("Scope"),
            ["IPv6"] = Truth("EnableIPv6"),
            ["Internal"] = Truth("Internal"),
            ["CreatedAt"] = Text("Created"),
            ["Labels"] = "",
        };
        if (network.TryGetProperty("Labels", out JsonElement labels) && labels.ValueKind == JsonValueKind.Object)
        {
            foreach (JsonProperty label in labels.EnumerateObject())
            {
                row.LabelMap[label.Name] = label.Value.GetString() ?? "";
            }

            row["Labels"] = string.Join(',', row.LabelMap.Select(static l => l.Key + "=" + l.Value));
        }

        return row;
    }
}
