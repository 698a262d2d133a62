namespace Bundt.Cli.CommandLine;

/// <summary>Finds the command that a command line names.</summary>
internal static class CommandSet
{
    /// <summary>Words under which docker groups commands.</summary>
    public static IReadOnlyList<string> Groups { get; } = ["container", "image", "volume", "system"];

    /// <summary>Finds it by its first one or two words. The hot ones need not build all tables.</summary>
    /// <param name="words">The command line, from the command on.</param>
    /// <param name="spelling">The words that named it.</param>
    /// <returns>Null when there is no such command.</returns>
    public static CommandTable? Find(ReadOnlySpan<string> words, out string spelling)
    {
        spelling = words[0];
        switch (words[0])
        {
            case "run":
                return OptionTables.RunOptions;
            case "exec":
                return OptionTables.ExecOptions;
            case "ps":
                return OptionTables.PsOptions;
        }

        string two = words.Length > 1 ? words[0] + " " + words[1] : words[0];
        foreach (CommandTable table in OptionTables.All)
        {
            if (table.Command.Name == two || Aliases(table).Contains(two))
            {
                spelling = two;
                return table;
            }
        }

        string one = words[0];
        return OptionTables.All.FirstOrDefault(table => table.Command.Name == one);
    }

    /// <summary>A command's other spellings.</summary>
    public static string[] Aliases(CommandTable table) => table.Command.Aliases.Split(", ", StringSplitOptions.RemoveEmptyEntries);
}
