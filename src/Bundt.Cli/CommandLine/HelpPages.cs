using System.Text;

namespace Bundt.Cli.CommandLine;

/// <summary>Help pages, made from the commands' tables.</summary>
internal static class HelpPages
{
    private const int Width = 100;
    private static readonly string[] s_groups = ["Common Commands", "Container Commands", "Image Commands", "Volume Commands", "Network Commands", "System Commands"];

    /// <summary>The page of one command.</summary>
    public static string Command(CommandTable table)
    {
        var text = new StringBuilder();
        _ = text.Append("Usage:  bundt ").Append(table.Command.Name);
        if (table.Command.Usage.Length > 0)
        {
            _ = text.Append(' ').Append(table.Options.All(static o => o.Hidden) ? table.Command.Usage.Replace("[OPTIONS]", "", StringComparison.Ordinal).Trim() : table.Command.Usage);
        }

        _ = text.Append("\n\n").Append(table.Command.Description).Append('\n');
        if (CommandSet.Aliases(table) is { Length: > 0 } aliases)
        {
            _ = text.Append("\nAliases:\n  ").Append(string.Join(", ", aliases.Append(table.Command.Name).Select(static a => "bundt " + a))).Append('\n');
        }

        OptionSpec[] shown = [.. table.Options.Where(static o => !o.Hidden).OrderBy(static o => o.Long, StringComparer.Ordinal)];
        if (shown.Length > 0)
        {
            _ = text.Append("\nOptions:\n");
            AppendOptions(text, shown);
        }

        return text.ToString();
    }

    /// <summary>The page of <c>bundt --help</c>.</summary>
    public static string TopLevel()
    {
        var text = new StringBuilder("Usage:  bundt [OPTIONS] COMMAND\n\nA container engine for Linux\n");
        foreach (string group in s_groups)
        {
            AppendCommands(text, group, OptionTables.All.Where(t => t.Command.Group == group));
        }

        _ = text.Append("\nGlobal Options:\n");
        AppendOptions(text, GlobalOptions);
        _ = text.Append("\nRun 'bundt COMMAND --help' for more information on a command.\n");
        return text.ToString();
    }

    /// <summary>The page of a group (<c>bundt volume</c>).</summary>
    public static string Group(string group)
    {
        string prefix = group + " ";
        var text = new StringBuilder($"Usage:  bundt {group} COMMAND\n");
        _ = text.Append("\nCommands:\n");
        (string Name, string Description)[] commands = [.. OptionTables.All
            .SelectMany(t => CommandSet.Aliases(t).Prepend(t.Command.Name).Where(n => n.StartsWith(prefix, StringComparison.Ordinal)).Take(1).Select(n => (n[prefix.Length..], t.Command.Description)))
            .OrderBy(static c => c.Item1, StringComparer.Ordinal)];
        foreach ((string name, string description) in commands)
        {
            _ = text.Append("  ").Append(name.PadRight(11)).Append(description).Append('\n');
        }

        _ = text.Append($"\nRun 'bundt {group} COMMAND --help' for more information on a command.\n");
        return text.ToString();
    }

    /// <summary>What stands before the command.</summary>
    public static OptionSpec[] GlobalOptions { get; } =
    [
        new('H', "host", OptionKind.Text, "string", "Daemon socket to connect to (unix:///path; also BUNDT_HOST)", false),
        new('\0', "root", OptionKind.Text, "string", "Where a daemon that is started keeps its state (also BUNDT_ROOT)", false),
        new('\0', "run", OptionKind.Text, "string", "Where a daemon that is started keeps its sockets (also BUNDT_RUN)", false),
        new('v', "version", OptionKind.Switch, "", "Print version information and quit", false),
        new('h', "help", OptionKind.Switch, "", "Print usage", false),
    ];

    private static void AppendCommands(StringBuilder text, string title, IEnumerable<CommandTable> tables)
    {
        _ = text.Append('\n').Append(title).Append(":\n");
        foreach (CommandTable table in tables.OrderBy(static t => t.Command.Name, StringComparer.Ordinal))
        {
            _ = text.Append("  ").Append(table.Command.Name.PadRight(19)).Append(table.Command.Description).Append('\n');
        }
    }

    private static void AppendOptions(StringBuilder text, IReadOnlyList<OptionSpec> options)
    {
        int width = options.Max(static o => Left(o).Length) + 3;
        foreach (OptionSpec option in options)
        {
            _ = text.Append(Left(option).PadRight(width));
            int column = width;
            foreach (string word in option.Help.Split(' '))
            {
                if (column > width && column + word.Length + 1 > Width)
                {
                    _ = text.Append('\n').Append(' ', width);
                    column = width;
                }
                else if (column > width)
                {
                    _ = text.Append(' ');
                    column++;
                }

                _ = text.Append(word);
                column += word.Length;
            }

            _ = text.Append('\n');
        }
    }

    private static string Left(OptionSpec option) =>
        (option.Short == '\0' ? "      --" : $"  -{option.Short}, --") + option.Long + (option.MetaValue.Length > 0 ? " " + option.MetaValue : "");
}
