using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("ps", "List containers", Maximum = 0, Aliases = "container ls, container list, container ps", Group = "Common Commands")]
internal sealed class PsOptions
{
    [Option('a', "all", HelpText = "Show all containers (default shows just running)")]
    public bool All { get; set; }

    [Option('f', "filter", MetaValue = "filter", HelpText = "Filter output based on conditions provided")]
    public IEnumerable<string> Filter { get; set; } = [];

    [Option("format", MetaValue = "string", HelpText = "Format output: 'table', 'table TEMPLATE', 'json' or a Go template")]
    public string? Format { get; set; }

    [Option('n', "last", MetaValue = "int", HelpText = "Show n last created containers (includes all states)")]
    public int? Last { get; set; }

    [Option('l', "latest", HelpText = "Show the latest created container (includes all states)")]
    public bool Latest { get; set; }

    [Option("no-trunc", HelpText = "Don't truncate output")]
    public bool NoTrunc { get; set; }

    [Option('q', "quiet", HelpText = "Only display container IDs")]
    public bool Quiet { get; set; }

    [Option('s', "size", HelpText = "Display total file sizes")]
    public bool Size { get; set; }
}
