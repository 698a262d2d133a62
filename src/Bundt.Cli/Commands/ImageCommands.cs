using System.Text;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Http;
using Bundt.Cli.Options;
using Bundt.Cli.Output;
using Bundt.Cli.Requests;
using Bundt.Linux.Sockets;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Commands;

/// <summary>load, save, tag, rmi and search.</summary>
internal static class ImageCommands
{
    private const int Chunk = 256 * 1024;

    /// <summary><c>load</c>.</summary>
    public static int Load(LoadOptions options, DaemonClient client)
    {
        if (options.Input is null && Terminal.IsTerminal(0))
        {
            throw new UsageException("requested load from stdin, but stdin is empty");
        }

        if (Directory.Exists(options.Input))
        {
            throw new UsageException($"cannot load {options.Input}: it is a directory, not an archive");
        }

        int input = options.Input is null ? 0 : Descriptors.OpenRead(options.Input);
        using HttpConnection connection = client.Connect();
        connection.SendChunkedHead("POST", $"{DaemonClient.Prefix}/images/load?quiet={(options.Quiet || !Terminal.IsTerminal(1) ? 1 : 0)}", "application/x-tar");
        byte[] buffer = new byte[Chunk];
        bool heard = true;
        while (heard)
        {
            int n = Descriptors.Read(input, buffer);
            if (n < 0)
            {
                Span<PollEntry> entry = [new PollEntry(input, PollEntry.In)];
                _ = PollEntry.Wait(entry, -1);
                continue;
            }

            heard = connection.SendChunk(buffer.AsSpan(0, n));
            if (n == 0)
            {
                break;
            }
        }

        _ = connection.Receive();
        DaemonClient.ThrowIfError(connection);
        new ProgressDisplay(1, Terminal.IsTerminal(1) ? Terminal.Size(1).Columns : 0, quiet: false).ShowAll(connection);
        return 0;
    }

    /// <summary><c>save</c>.</summary>
    public static int Save(SaveOptions options, DaemonClient client)
    {
        if (options.Output is null && Terminal.IsTerminal(1))
        {
            throw new UsageException("cowardly refusing to save to a terminal. Use the -o flag or redirect");
        }

        using HttpConnection connection = client.Open("GET", $"{DaemonClient.Prefix}/images/get?{string.Join('&', options.Images.Select(static i => "names=" + DaemonClient.Escape(i)))}");
        if (options.Output is null)
        {
            Copy(connection, 1);
            return 0;
        }

        // Complete or not there at all.
        string partial = options.Output + ".partial-" + Environment.ProcessId;
        int output = Descriptors.OpenWrite(partial, exclusive: true);
        try
        {
            Copy(connection, output);
            File.Move(partial, options.Output, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
        finally
        {
            Descriptors.Close(output);
        }

        return 0;
    }

    /// <summary><c>tag</c>.</summary>
    public static int Tag(TagOptions options, DaemonClient client)
    {
        (string repository, string tag) = ImageName.Split(options.Target);
        _ = client.Fetch("POST", $"/images/{DaemonClient.EscapePath(options.Source)}/tag?repo={DaemonClient.Escape(repository)}&tag={DaemonClient.Escape(tag.Length > 0 ? tag : "latest")}");
        return 0;
    }

    /// <summary><c>rmi</c>.</summary>
    public static int Remove(RemoveImageOptions options, DaemonClient client)
    {
        int code = 0;
        foreach (string image in options.Images)
        {
            try
            {
                JsonElement answer = client.FetchJson("DELETE", $"/images/{DaemonClient.EscapePath(image)}?force={(options.Force ? 1 : 0)}&noprune={(options.NoPrune ? 1 : 0)}");
                foreach (JsonElement entry in answer.EnumerateArray())
                {
                    StandardStreams.OutLine(entry.TryGetProperty("Deleted", out JsonElement deleted) && deleted.GetString() is { Length: > 0 } id
                        ? "Deleted: " + id
                        : "Untagged: " + entry.GetProperty("Untagged").GetString());
                }
            }
            catch (ApiException e)
            {
                Failure.Report(e);
                code = Failure.Code;
            }
        }

        return code;
    }

    /// <summary><c>search</c>.</summary>
    public static int Search(SearchOptions options, DaemonClient client)
    {
        string query = string.Join('&', new[] { "term=" + DaemonClient.Escape(options.Term), options.Limit is int limit ? "limit=" + limit : "", Filters.Query(options.Filter) }.Where(static part => part.Length > 0));
        JsonElement results = client.FetchJson("GET", "/images/search?" + query);
        List<Row> rows = [.. results.EnumerateArray().Select(result =>
        {
            string description = (result.TryGetProperty("description", out JsonElement d) ? d.GetString() ?? "" : "").ReplaceLineEndings(" ");
            return new Row
            {
                ["Name"] = result.GetProperty("name").GetString() ?? "",
                ["Description"] = !options.NoTrunc && description.Length > 45 ? description[..44] + "…" : description,
                ["StarCount"] = result.TryGetProperty("star_count", out JsonElement s) ? s.GetRawText() : "0",
                ["IsOfficial"] = result.TryGetProperty("is_official", out JsonElement o) && o.ValueKind == JsonValueKind.True ? "[OK]" : "",
                ["IsAutomated"] = "",
            };
        })];
        new ListPrinter([("NAME", "Name"), ("DESCRIPTION", "Description"), ("STARS", "StarCount"), ("OFFICIAL", "IsOfficial")], [("AUTOMATED", "IsAutomated")], "Name").Print(rows, options.Format, quiet: false);
        return 0;
    }

    private static void Copy(HttpConnection connection, int fd)
    {
        byte[] buffer = new byte[Chunk];
        int n;
        while ((n = connection.ReadBody(buffer)) > 0)
        {
            StandardStreams.Write(fd, buffer.AsSpan(0, n));
        }
    }
}
