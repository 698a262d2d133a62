using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli.Commands;

/// <summary>state, list and ps.</summary>
internal static class QueryCommands
{
    public static int State(Invocation invocation, CommandOptions options)
    {
        var container = invocation.Open(options);
        Streams.Out([.. container.Record.Describe(container.Status), (byte)'\n']);
        return 0;
    }

    public static int List(Invocation invocation, CommandOptions options)
    {
        if (!Directory.Exists(invocation.Root) && invocation.HasOwnRoot)
        {
            throw new BundtException(FailureKind.NotFound, Phase.State, $"the root directory {invocation.Root} does not exist");
        }

        var containers = Directory.Exists(invocation.Root) ? OciContainer.List(invocation.Root, invocation.Log.Warn) : [];
        if (options.Flag("quiet"))
        {
            foreach (var container in containers)
            {
                Streams.Out(container.Record.Id + "\n");
            }

            return 0;
        }

        if (IsJson(options))
        {
            Streams.Out([.. Json(json =>
            {
                foreach (var container in containers)
                {
                    container.Record.WriteListed(json, container.Status, container.Owner());
                }
            }), (byte)'\n']);
            return 0;
        }

        List<string[]> rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]];
        foreach (var container in containers)
        {
            var status = container.Status;
            rows.Add(
            [
                container.Record.Id, (status == ContainerStatus.Stopped ? 0 : container.Record.Pid).ToString(CultureInfo.InvariantCulture),
                status.ToString().ToLowerInvariant(), container.Record.Bundle,
                container.Record.Created.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", CultureInfo.InvariantCulture), container.Owner(),
            ]);
        }

        Streams.Out(Table(rows));
        return 0;
    }

    public static int Ps(Invocation invocation, CommandOptions options)
    {
        var pids = invocation.Open(options).Processes();
        if (IsJson(options))
        {
            Streams.Out([.. Json(json =>
            {
                foreach (var pid in pids)
                {
                    json.WriteNumberValue(pid);
                }
            }), (byte)'\n']);
            return 0;
        }

        var program = HelperProgram.Find("ps");
        var own = options.Arguments[1..];
        if (own.Count > 0 && program is null)
        {
            throw new BundtException(FailureKind.NotFound, Phase.Request, "the host has no ps, which these options are for", "Install procps, or leave them out.");
        }

        List<string> arguments = own.Count > 0 ? own : ["-ef"];
        var (code, answer) = program is null ? (127, "") : HelperProgram.Ask(program, ["ps", .. arguments], "");
        if (code != 0 && own.Count > 0)
        {
            throw CommandOptions.Usage($"ps {string.Join(' ', arguments)} ends with exit code {code}");
        }

        // Without a ps that works: what can be told of them all the same.
        Streams.Out(code == 0 ? Only(answer, pids) : Table([["PID", "PPID", "CMD"], .. pids.Select(Row).OfType<string[]>()]));
        return 0;
    }

    // Null: it has ended meanwhile.
    private static string[]? Row(int pid)
    {
        if (PidFd.ReadStat(pid) is not { } stat)
        {
            return null;
        }

        try
        {
            var command = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline")).TrimEnd('\0');
            var name = command.Length > 0 ? command : $"[{File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/comm")).TrimEnd('\n')}]";

            // What a process calls itself shall not steer a terminal.
            return [pid.ToString(CultureInfo.InvariantCulture), stat.Parent.ToString(CultureInfo.InvariantCulture), string.Concat(name.Select(c => c == '\0' ? ' ' : char.IsControl(c) ? '?' : c))];
        }
        catch (IOException)
        {
            return null;
        }
    }

    // The lines of these processes, by the column that ps calls PID.
    private static string Only(string answer, IReadOnlyList<int> pids)
    {
        var lines = answer.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var column = lines.Length > 0 ? Array.IndexOf(Words(lines[0]), "PID") : -1;
        if (column < 0)
        {
            throw CommandOptions.Usage("ps prints no column PID: with these options it cannot be told whose the processes are");
        }

        var text = new StringBuilder(lines[0]).Append('\n');
        foreach (var line in lines.Skip(1))
        {
            var words = Words(line);
            if (words.Length > column && int.TryParse(words[column], NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && pids.Contains(pid))
            {
                text.Append(line).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static bool IsJson(CommandOptions options) => options.Value("format") switch
    {
        null or "table" => false,
        "json" => true,
        var other => throw CommandOptions.Usage($"--format must be table or json, not {other}"),
    };

    private static byte[] Json(Action<Utf8JsonWriter> elements)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            elements(json);
            json.WriteEndArray();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static string Table(List<string[]> rows)
    {
        var widths = new int[rows[0].Length];
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }

        var text = new StringBuilder();
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Length; i++)
            {
                text.Append(i == row.Length - 1 ? row[i] : row[i].PadRight(Math.Max(widths[i], 11) + 1));
            }

            text.Append('\n');
        }

        return text.ToString();
    }
}
