using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;
using Bundt.Cli.Values;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Commands;

/// <summary>The volume commands.</summary>
internal static class VolumeCommands
{
    /// <summary><c>volume create</c>.</summary>
    public static int Create(VolumeCreateOptions options, DaemonClient client)
    {
        if (options.Volume.Length > 0 && options.Name is not null)
        {
            throw new UsageException("conflicting options: cannot specify a volume-name through both --name and as a positional arg");
        }

        ReadOnlyMemory<byte> body = JsonBody.Write(json =>
        {
            json.Text("Name", options.Name ?? options.Volume);
            json.WriteString("Driver", options.Driver ?? "local");
            json.Map("DriverOpts", KeyValueFiles.Map(options.Opt, "-o, --opt"));
            json.Map("Labels", KeyValueFiles.Map(options.Label, "--label"));
        });
        StandardStreams.OutLine(client.FetchJson("POST", "/volumes/create", body.Span).GetProperty("Name").GetString()!);
        return 0;
    }

    /// <summary><c>volume ls</c>.</summary>
    public static int List(VolumeListOptions options, DaemonClient client)
    {
        string query = Filters.Query(options.Filter);
        JsonElement answer = client.FetchJson("GET", "/volumes" + (query.Length > 0 ? "?" + query : ""));
        List<Row> rows = [];
        if (answer.TryGetProperty("Volumes", out JsonElement volumes) && volumes.ValueKind == JsonValueKind.Array)
        {
            rows.AddRange(volumes.EnumerateArray().Select(ToRow).OrderBy(static row => row["Name"], StringComparer.Ordinal));
        }

        new ListPrinter([("DRIVER", "Driver"), ("VOLUME NAME", "Name")], [("MOUNTPOINT", "Mountpoint"), ("SCOPE", "Scope"), ("LABELS", "Labels"), ("LINKS", "Links"), ("SIZE", "Size"), ("AVAILABILITY", "Availability"), ("GROUP", "Group"), ("STATUS", "Status")], "Name")
            .Print(rows, options.Format, options.Quiet);
        return 0;
    }

    /// <summary><c>volume rm</c>.</summary>
    public static int Remove(VolumeRemoveOptions options, DaemonClient client) =>
        ForEach.Name(options.Volumes, client, name => ("DELETE", $"/volumes/{DaemonClient.Escape(name)}?force={(options.Force ? 1 : 0)}"));

    /// <summary><c>volume prune</c>.</summary>
    public static int Prune(VolumePruneOptions options, DaemonClient client)
    {
        if (!options.Force && !Confirm(options.All))
        {
            return 0;
        }

        string query = Filters.Query(options.All ? options.Filter.Append("all=true") : options.Filter);
        JsonElement answer = client.FetchJson("POST", "/volumes/prune" + (query.Length > 0 ? "?" + query : ""));
        if (answer.TryGetProperty("VolumesDeleted", out JsonElement deleted) && deleted.ValueKind == JsonValueKind.Array && deleted.GetArrayLength() > 0)
        {
            StandardStreams.OutLine("Deleted Volumes:");
            foreach (JsonElement name in deleted.EnumerateArray())
            {
                StandardStreams.OutLine(name.GetString()!);
            }

            StandardStreams.OutLine("");
        }

        long bytes = answer.TryGetProperty("SpaceReclaimed", out JsonElement space) ? space.GetInt64() : 0;
        StandardStreams.OutLine("Total reclaimed space: " + Sizes.Format(bytes, 4));
        return 0;
    }

    private static bool Confirm(bool all)
    {
        StandardStreams.Out($"WARNING! This will remove {(all ? "all" : "anonymous")} local volumes not used by at least one container.\nAre you sure you want to continue? [y/N] ");
        StandardStreams.Flush();
        Span<byte> answer = stackalloc byte[64];
        int n = Descriptors.Read(0, answer);
        return n > 0 && answer[0] is (byte)'y' or (byte)'Y';
    }

    private static Row ToRow(JsonElement volume)
    {
        string Text(string name) => volume.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
        var row = new Row
        {
            ["Name"] = Text("Name"),
            ["Driver"] = Text("Driver"),
            ["Mountpoint"] = Text("Mountpoint"),
            ["Scope"] = Text("Scope"),
            ["Links"] = "N/A",
            ["Size"] = "N/A",
            ["Availability"] = "N/A",
            ["Group"] = "N/A",
            ["Status"] = "N/A",
            ["Labels"] = "",
        };
        if (volume.TryGetProperty("Labels", out JsonElement labels) && labels.ValueKind == JsonValueKind.Object)
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
