namespace Bundt.Cli.CommandLine;

/// <summary>All about one command line: made at build time from the attributes of its option class.</summary>
internal sealed class CommandTable(
    CommandAttribute command,
    OptionSpec[] options,
    ArgumentSpec[] arguments,
    Func<object> create,
    Action<object, int, string> assign,
    Action<object, List<string>> assignArguments,
    Func<string[], object> parseWithLibrary)
{
    /// <summary>Name, description, usage.</summary>
    public CommandAttribute Command => command;

    /// <summary>Its options.</summary>
    public IReadOnlyList<OptionSpec> Options => options;

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<ArgumentSpec> Arguments => arguments;

    /// <summary>Fills the option class by the generated code. Null when help was asked for.</summary>
    /// <exception cref="UsageException">The command line is wrong.</exception>
    public object? ParseFast(ReadOnlySpan<string> line)
    {
        ArgumentNormalizer normal = ArgumentNormalizer.Read(this, line);
        if (normal.HelpRequested)
        {
            return null;
        }

        CheckCount(normal.Arguments.Count);
        object result = create();
        foreach ((int index, string value) in normal.Options)
        {
            assign(result, index, value);
        }

        assignArguments(result, normal.Arguments);
        return result;
    }

    /// <summary>Fills the option class by CommandLineParser. Null when help was asked for.</summary>
    /// <exception cref="UsageException">The command line is wrong.</exception>
    public object? ParseWithLibrary(ReadOnlySpan<string> line)
    {
        ArgumentNormalizer normal = ArgumentNormalizer.Read(this, line);
        if (normal.HelpRequested)
        {
            return null;
        }

        CheckCount(normal.Arguments.Count);
        return parseWithLibrary(normal.ToCanonical());
    }

    /// <summary>Index of an option by its long name, or -1.</summary>
    public int FindLong(ReadOnlySpan<char> name)
    {
        for (int i = 0; i < options.Length; i++)
        {
            if (name.SequenceEqual(options[i].Long))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Index of an option by its letter, or -1.</summary>
    public int FindShort(char letter)
    {
        for (int i = 0; i < options.Length; i++)
        {
            if (options[i].Short == letter)
            {
                return i;
            }
        }

        return -1;
    }

    private void CheckCount(int count)
    {
        if (count >= command.Minimum && count <= command.Maximum)
        {
            return;
        }

        string quantity = command.Minimum == command.Maximum ? (command.Minimum == 0 ? "no" : "exactly " + command.Minimum)
            : count < command.Minimum ? "at least " + command.Minimum : "at most " + command.Maximum;
        string verb = command.Maximum == 0 ? "accepts" : "requires";
        int limit = count < command.Minimum ? command.Minimum : command.Maximum;
        throw new UsageException($"'bundt {command.Name}' {verb} {quantity} argument{(limit == 1 ? "" : "s")}");
    }
}
