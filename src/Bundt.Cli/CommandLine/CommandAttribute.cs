namespace Bundt.Cli.CommandLine;

/// <summary>Marks an option class as the options of a command, and says what help, usage errors and completion need to know.</summary>
/// <param name="name">The words that select it ("run", "volume create").</param>
/// <param name="description">One sentence without a full stop.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class CommandAttribute(string name, string description) : Attribute
{
    /// <summary>The words that select it.</summary>
    public string Name { get; } = name;

    /// <summary>One sentence without a full stop.</summary>
    public string Description { get; } = description;

    /// <summary>What follows the name in the usage line.</summary>
    public string Usage { get; set; } = "[OPTIONS]";

    /// <summary>Arguments that must be there.</summary>
    public int Minimum { get; set; }

    /// <summary>Arguments that may be there.</summary>
    public int Maximum { get; set; } = int.MaxValue;

    /// <summary>Options end at the first argument: what follows belongs to a container's command.</summary>
    public bool OptionsFirst { get; set; }

    /// <summary>Other spellings, separated by commas ("container ls, container list").</summary>
    public string Aliases { get; set; } = "";

    /// <summary>Heading under which the top-level help lists it.</summary>
    public string Group { get; set; } = "Commands";

    /// <summary>What its arguments name, for shell completion: "container", "running", "image", "volume", "file" or "".</summary>
    public string Completes { get; set; } = "";
}
