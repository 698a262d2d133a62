namespace Bundt.Cli.CommandLine;

/// <summary>How an option takes its value.</summary>
internal enum OptionKind
{
    /// <summary>On or off; <c>--x</c>, <c>--x=false</c>.</summary>
    Switch,
    /// <summary>A switch whose absence means a third thing.</summary>
    Toggle,
    /// <summary>One text; the last one counts.</summary>
    Text,
    /// <summary>One whole number; the last one counts.</summary>
    Number,
    /// <summary>Texts in the order given.</summary>
    List,
}

/// <summary>One option of a command.</summary>
/// <param name="Short">Letter, or NUL.</param>
/// <param name="Long">Name without dashes.</param>
/// <param name="Kind">How it takes its value.</param>
/// <param name="MetaValue">What help calls the value.</param>
/// <param name="Help">One sentence.</param>
/// <param name="Hidden">Understood, but not shown.</param>
internal sealed record OptionSpec(char Short, string Long, OptionKind Kind, string MetaValue, string Help, bool Hidden)
{
    /// <summary>Whether a value follows as an argument of its own.</summary>
    public bool TakesValue => Kind is OptionKind.Text or OptionKind.Number or OptionKind.List;

    /// <summary>As Docker's messages name it: <c>-m, --memory</c> or <c>--memory-swap</c>.</summary>
    public string Display => Short == '\0' ? "--" + Long : $"-{Short}, --{Long}";
}

/// <summary>One argument of a command.</summary>
/// <param name="Name">What usage lines call it.</param>
/// <param name="List">Whether it takes all that follow.</param>
internal sealed record ArgumentSpec(string Name, bool List);
