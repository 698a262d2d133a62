using System.Globalization;
using System.Text.Json;
using Bundt.Cli.Output;
using Bundt.Cli.Values;

namespace Bundt.Cli.Commands;

/// <summary>A container of <c>GET /containers/json</c> as ps shows it. Read by hand: ps is a hot command.</summary>
internal static class ContainerRow
{
    /// <summary>Reads the whole answer.</summary>
    public static List<Row> ReadAll(ReadOnlySpan<byte> body, bool noTrunc, DateTimeOffset now)
    {
        List<Row> rows = [];
        var reader = new Utf8JsonReader(body);
        _ = reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            rows.Add(Read(ref reader, noTrunc, now));
        }

        return rows;
    }

    private static Row Read(ref Utf8JsonReader reader, bool noTrunc, DateTimeOffset now)
    {
        var row = new Row();
        string id = "";
        string image = "";
        string imageId = "";
        string command = "";
        long created = 0;
        long sizeRw = 0;
        long sizeRoot = 0;
        row["Names"] = row["Ports"] = row["Networks"] = row["Mounts"] = row["State"] = row["Status"] = row["Labels"] = "";
        row["LocalVolumes"] = "0";
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("Id"u8))
            {
                id = Text(ref reader);
            }
            else if (reader.ValueTextEquals("Names"u8))
            {
                row["Names"] = Names(ref reader);
            }
            else if (reader.ValueTextEquals("Image"u8))
            {
                image = Text(ref reader);
            }
            else if (reader.ValueTextEquals("ImageID"u8))
            {
                imageId = Text(ref reader);
            }
            else if (reader.ValueTextEquals("Command"u8))
            {
                command = Text(ref reader);
            }
            else if (reader.ValueTextEquals("Created"u8))
            {
                created = Number(ref reader);
            }
            else if (reader.ValueTextEquals("State"u8))
            {
                row["State"] = Text(ref reader);
            }
            else if (reader.ValueTextEquals("Status"u8))
            {
                row["Status"] = Text(ref reader);
            }
            else if (reader.ValueTextEquals("SizeRw"u8))
            {
                sizeRw = Number(ref reader);
            }
            else if (reader.ValueTextEquals("SizeRootFs"u8))
            {
                sizeRoot = Number(ref reader);
            }
            else if (reader.ValueTextEquals("Ports"u8))
            {
                row["Ports"] = Ports(ref reader);
            }
            else if (reader.ValueTextEquals("Labels"u8))
            {
                Labels(ref reader, row);
            }
            else if (reader.ValueTextEquals("Mounts"u8))
            {
                Mounts(ref reader, row, noTrunc);
            }
            else if (reader.ValueTextEquals("NetworkSettings"u8))
            {
                row["Networks"] = Networks(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        DateTimeOffset time = DateTimeOffset.FromUnixTimeSeconds(created);
        row["ID"] = noTrunc || id.Length <= 12 ? id : id[..12];
        row["Image"] = image.Length > 0 ? (noTrunc || image != imageId ? image : ShortId(image)) : "<no image>";
        row["Command"] = "\"" + (noTrunc ? command : Truncate(command, 20)) + "\"";
        row["CreatedAt"] = time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss zz00", CultureInfo.InvariantCulture) + " " + (TimeZoneInfo.Local.BaseUtcOffset == TimeSpan.Zero ? "UTC" : time.ToLocalTime().ToString("zz", CultureInfo.InvariantCulture));
        row["RunningFor"] = Durations.Format(now - time) + " ago";
        row["Size"] = sizeRoot > 0 ? $"{Sizes.Format(sizeRw)} (virtual {Sizes.Format(sizeRoot)})" : Sizes.Format(sizeRw);
        return row;
    }

    /// <summary>The first digits of an id that may begin with "sha256:".</summary>
    public static string ShortId(string id)
    {
        string digits = id.StartsWith("sha256:", StringComparison.Ordinal) ? id["sha256:".Length..] : id;
        return digits.Length > 12 ? digits[..12] : digits;
    }

    private static string Truncate(string text, int length) => text.Length > length ? text[..(length - 1)] + "…" : text;

    private static string Text(ref Utf8JsonReader reader)
    {
        _ = reader.Read();
        return reader.TokenType == JsonTokenType.String ? reader.GetString()! : "";
    }

    private static long Number(ref Utf8JsonReader reader)
    {
        _ = reader.Read();
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out long value) ? value : 0;
    }

    private static string Names(ref Utf8JsonReader reader)
    {
        List<string> names = [];
        _ = reader.Read();
        while (reader.TokenType == JsonTokenType.StartArray && reader.Read() && reader.TokenType == JsonTokenType.String || reader.TokenType == JsonTokenType.String)
        {
            names.Add(reader.GetString()!.TrimStart('/'));
            _ = reader.Read();
        }

        return string.Join(',', names);
    }

    private static void Labels(ref Utf8JsonReader reader, Row row)
    {
        _ = reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string key = reader.GetString()!;
            row.LabelMap[key] = Text(ref reader);
        }

        row["Labels"] = string.Join(',', row.LabelMap.Select(static l => l.Key + "=" + l.Value));
    }

    private static string Networks(ref Utf8JsonReader reader)
    {
        _ = reader.Read();
        using var settings = JsonDocument.ParseValue(ref reader);
        return settings.RootElement.ValueKind == JsonValueKind.Object && settings.RootElement.TryGetProperty("Networks", out JsonElement networks) && networks.ValueKind == JsonValueKind.Object
            ? string.Join(',', networks.EnumerateObject().Select(static n => n.Name))
            : "";
    }

    private static void Mounts(ref Utf8JsonReader reader, Row row, bool noTrunc)
    {
        _ = reader.Read();
        using var mounts = JsonDocument.ParseValue(ref reader);
        if (mounts.RootElement.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        static string Member(JsonElement mount, string name) => mount.TryGetProperty(name, out JsonElement value) ? value.GetString() ?? "" : "";
        string[] names = [.. mounts.RootElement.EnumerateArray().Select(static m => Member(m, "Name") is { Length: > 0 } name ? name : Member(m, "Source")).Where(static n => n.Length > 0)];
        row["Mounts"] = string.Join(',', names.Select(n => noTrunc ? n : Truncate(n, 15)));
        row["LocalVolumes"] = mounts.RootElement.EnumerateArray().Count(static m => Member(m, "Driver") == "local").ToString(CultureInfo.InvariantCulture);
    }

    private static string Ports(ref Utf8JsonReader reader)
    {
        _ = reader.Read();
        using var ports = JsonDocument.ParseValue(ref reader);
        if (ports.RootElement.ValueKind != JsonValueKind.Array || ports.RootElement.GetArrayLength() == 0)
        {
            return "";
        }

        return PortsText.Of(ports.RootElement.EnumerateArray().Select(static port => new ListedPort(
            port.TryGetProperty("IP", out JsonElement ip) ? ip.GetString() ?? "" : "",
            port.GetProperty("PrivatePort").GetInt32(),
            port.TryGetProperty("PublicPort", out JsonElement outside) ? outside.GetInt32() : 0,
            port.GetProperty("Type").GetString() ?? "tcp")));
    }
}
