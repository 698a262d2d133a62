namespace Bundt.Cli.CommandLine;

/// <summary>
/// Reads arguments as Docker's command line does (bundled letters, <c>-p8080:80</c>, <c>--x=false</c>, options that end at the image), by the
/// command's table. What it finds is applied directly on hot commands, or written out canonically for CommandLineParser, which by itself lets a list
/// option eat the image and ignores <c>--rm=false</c>.
/// </summary>
internal sealed class ArgumentNormalizer
{
    private readonly CommandTable _table;

    private ArgumentNormalizer(CommandTable table) => _table = table;

    /// <summary>Options in the order given: index into the table and value ("true"/"false" for switches).</summary>
    public List<(int Index, string Value)> Options { get; } = [];

    /// <summary>The arguments.</summary>
    public List<string> Arguments { get; } = [];

    /// <summary><c>--help</c> was among the options.</summary>
    public bool HelpRequested { get; private set; }

    /// <summary>Splits options from arguments.</summary>
    /// <exception cref="UsageException">An option is unknown, lacks its value, or is a switch with a value that is no truth value.</exception>
    public static ArgumentNormalizer Read(CommandTable table, ReadOnlySpan<string> arguments)
    {
        var result = new ArgumentNormalizer(table);
        for (int i = 0; i < arguments.Length; i++)
        {
            string token = arguments[i];
            if (token.Length < 2 || token[0] != '-')
            {
                if (table.Command.OptionsFirst)
                {
                    result.TakeRest(arguments[i..]);
                    break;
                }

                result.Arguments.Add(token);
            }
            else if (token == "--")
            {
                result.TakeRest(arguments[(i + 1)..]);
                break;
            }
            else if (token[1] == '-')
            {
                result.ReadLong(token, arguments, ref i);
            }
            else
            {
                result.ReadLetters(token, arguments, ref i);
            }
        }

        return result;
    }

    /// <summary>The same command line in the one spelling that CommandLineParser cannot misread.</summary>
    public string[] ToCanonical()
    {
        var tokens = new List<string>(Options.Count + Arguments.Count + 1);
        for (int i = 0; i < Options.Count; i++)
        {
            (int index, string value) = Options[i];
            OptionSpec option = _table.Options[index];
            if (option.Kind == OptionKind.Switch)
            {
                // Present or absent: the last word on it decides.
                if (Options.FindLastIndex(o => o.Index == index) == i && OptionValues.Truth(value))
                {
                    tokens.Add("--" + option.Long);
                }
            }
            else
            {
                tokens.Add($"--{option.Long}={value}");
            }
        }

        tokens.Add("--");
        tokens.AddRange(Arguments);
        return [.. tokens];
    }

    private void TakeRest(ReadOnlySpan<string> rest)
    {
        foreach (string argument in rest)
        {
            Arguments.Add(argument);
        }
    }

    private void ReadLong(string token, ReadOnlySpan<string> arguments, ref int i)
    {
        int equals = token.IndexOf('=', StringComparison.Ordinal);
        ReadOnlySpan<char> name = equals < 0 ? token.AsSpan(2) : token.AsSpan(2, equals - 2);
        int index = _table.FindLong(name);
        if (index < 0)
        {
            if (name is "help")
            {
                HelpRequested = true;
                return;
            }

            throw new UsageException($"unknown flag: --{name}");
        }

        OptionSpec option = _table.Options[index];
        if (equals >= 0)
        {
            Add(index, token[(equals + 1)..]);
        }
        else if (!option.TakesValue)
        {
            Add(index, "true");
        }
        else if (i + 1 < arguments.Length)
        {
            Add(index, arguments[++i]);
        }
        else
        {
            throw new UsageException($"flag needs an argument: --{option.Long}");
        }
    }

    private void ReadLetters(string token, ReadOnlySpan<string> arguments, ref int i)
    {
        for (int at = 1; at < token.Length; at++)
        {
            int index = _table.FindShort(token[at]);
            if (index < 0)
            {
                if (token == "-h")
                {
                    HelpRequested = true;
                    return;
                }

                throw new UsageException($"unknown shorthand flag: '{token[at]}' in {token}");
            }

            OptionSpec option = _table.Options[index];
            bool more = at + 1 < token.Length;
            if (more && token[at + 1] == '=')
            {
                Add(index, token[(at + 2)..]);
                return;
            }

            if (!option.TakesValue)
            {
                Add(index, "true");
                continue;
            }

            if (more)
            {
                Add(index, token[(at + 1)..]);
            }
            else if (i + 1 < arguments.Length)
            {
                Add(index, arguments[++i]);
            }
            else
            {
                throw new UsageException($"flag needs an argument: '{option.Short}' in {token}");
            }

            return;
        }
    }

    private void Add(int index, string value)
    {
        OptionSpec option = _table.Options[index];
        if (!option.TakesValue && !OptionValues.TryTruth(value, out _))
        {
            throw new UsageException($"invalid argument \"{value}\" for \"{option.Display}\" flag: strconv.ParseBool: parsing \"{value}\": invalid syntax");
        }

        Options.Add((index, value));
    }
}
