using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("volume create", "Create a volume", Usage = "[OPTIONS] [VOLUME]", Maximum = 1, Group = "Volume Commands")]
internal sealed class VolumeCreateOptions
{
    [Option('d', "driver", MetaValue = "string", HelpText = "Specify volume driver name (default \"local\")")]
    public string? Driver { get; set; }

    [Option("label", MetaValue = "list", HelpText = "Set metadata for a volume")]
    public IEnumerable<string> Label { get; set; } = [];

    [Option("name", MetaValue = "string", HelpText = "Specify volume name", Hidden = true)]
    public string? Name { get; set; }

    [Option('o', "opt", MetaValue = "map", HelpText = "Set driver specific options")]
    public IEnumerable<string> Opt { get; set; } = [];

    [Value(0, MetaName = "VOLUME")]
    public string Volume { get; set; } = "";
}

[Command("volume ls", "List volumes", Maximum = 0, Aliases = "volume list", Group = "Volume Commands")]
internal sealed class VolumeListOptions
{
    [Option('f', "filter", MetaValue = "filter", HelpText = "Provide filter values (e.g. \"dangling=true\")")]
    public IEnumerable<string> Filter { get; set; } = [];

    [Option("format", MetaValue = "string", HelpText = "Format output: 'table', 'table TEMPLATE', 'json' or a Go template")]
    public string? Format { get; set; }

    [Option('q', "quiet", HelpText = "Only display volume names")]
    public bool Quiet { get; set; }
}

[Command("volume rm", "Remove one or more volumes", Usage = "[OPTIONS] VOLUME [VOLUME...]", Minimum = 1, Aliases = "volume remove", Group = "Volume Commands", Completes = "volume")]
internal sealed class VolumeRemoveOptions
{
    [Option('f', "force", HelpText = "Force the removal of one or more volumes")]
    public bool Force { get; set; }

    [Value(0, MetaName = "VOLUME")]
    public IEnumerable<string> Volumes { get; set; } = [];
}

[Command("volume prune", "Remove unused local volumes", Maximum = 0, Group = "Volume Commands")]
internal sealed class VolumePruneOptions
{
    [Option('a', "all", HelpText = "Remove all unused volumes, not just anonymous ones")]
    public bool All { get; set; }

    [Option("filter", MetaValue = "filter", HelpText = "Provide filter values (e.g. \"label=<label>\")")]
    public IEnumerable<string> Filter { get; set; } = [];

    [Option('f', "force", HelpText = "Do not prompt for confirmation")]
    public bool Force { get; set; }
}
