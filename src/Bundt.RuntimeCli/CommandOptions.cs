using System.Globalization;
using Bundt.Linux;

namespace Bundt.RuntimeCli;

/// <summary>A parsed command line: options by their long names, and what is left.</summary>
internal sealed class CommandOptions
{
    private readonly List<(string Name, string Value)> _values = [];

    private CommandOptions()
    {
    }

    /// <summary>Arguments that are no options.</summary>
    public List<string> Arguments { get; } = [];

    /// <summary>The first argument.</summary>
    /// <exception cref="BundtException">There is none.</exception>
    public string Id => Arguments.Count > 0 ? Arguments[0] : throw Usage("a container ID is needed");

    /// <summary>
    /// Reads options of a table ("bundle|b=" takes a value, "detach|d" is a flag) wherever they stand; "--" ends them.
    /// </summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="from">Where to begin.</param>
    /// <param name="table">The options.</param>
    /// <param name="stopAtArgument">What follows the first argument is not looked at.</param>
    /// <param name="isArgument">What is an argument behind the first, though it begins with a dash; null: nothing.</param>
    public static (CommandOptions Options, int Next) Parse(
        string[] arguments, int from, ReadOnlySpan<string> table, bool stopAtArgument = false, Func<string, bool>? isArgument = null)
    {
        var options = new CommandOptions();
        var i = from;
        for (; i < arguments.Length; i++)
        {
            var argument = arguments[i];
            if (argument == "--")
            {
                options.Arguments.AddRange(arguments[(i + 1)..]);
                return (options, arguments.Length);
            }

            if (argument.Length < 2 || argument[0] != '-' || options.Arguments.Count > 0 && isArgument?.Invoke(argument) == true)
            {
                if (stopAtArgument)
                {
                    break;
                }

                options.Arguments.Add(argument);
                continue;
            }

            i = options.Take(arguments, i, table);
        }

        return (options, i);
    }

    /// <summary>The last value of an option; null also for an empty one, which is what callers write for an option that they do not mean (as runc).</summary>
    public string? Value(string name)
    {
        for (var i = _values.Count - 1; i >= 0; i--)
        {
            if (_values[i].Name == name)
            {
                return _values[i].Value is { Length: > 0 } value ? value : null;
            }
        }

        return null;
    }

    /// <summary>Whether an option was given, be it empty.</summary>
    public bool Has(string name) => _values.Exists(value => value.Name == name);

    /// <summary>All values of an option, in order.</summary>
    public IReadOnlyList<string> Values(string name) => [.. _values.Where(value => value.Name == name).Select(value => value.Value)];

    /// <summary>Whether a flag was given.</summary>
    public bool Flag(string name) => Value(name) is not (null or "false" or "0");

    /// <summary>A number; null when the option was not given.</summary>
    /// <exception cref="BundtException">It is no number, or out of range.</exception>
    public long? Number(string name, long least = long.MinValue, long most = long.MaxValue) =>
        Value(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw Usage($"--{name} must be a number{(most == long.MaxValue ? "" : $" from {least} to {most}")}, not \"{text}\"");

    /// <summary>A mistake on the command line.</summary>
    internal static BundtException Usage(string what) => new(FailureKind.InvalidArgument, Phase.Request, what, "See bundt-runtime --help.");

    private int Take(string[] arguments, int index, ReadOnlySpan<string> table)
    {
        // As Go's flag packages: one dash or two, "--name=value" or "--name value".
        var text = arguments[index].TrimStart('-');
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? text : text[..equals];
        foreach (var entry in table)
        {
            var takesValue = entry.EndsWith('=');
            var names = entry.TrimEnd('=').Split('|');
            if (Array.IndexOf(names, name) < 0)
            {
                continue;
            }

            if (equals >= 0)
            {
                _values.Add((names[0], text[(equals + 1)..]));
            }
            else if (!takesValue)
            {
                _values.Add((names[0], "true"));
            }
            else if (index + 1 < arguments.Length)
            {
                _values.Add((names[0], arguments[++index]));
            }
            else
            {
                throw Usage($"option --{names[0]} needs a value");
            }

            return index;
        }

        throw Usage($"unknown option {arguments[index]}");
    }
}
