using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("inspect", "Return low-level information on containers, images, networks and volumes", Usage = "[OPTIONS] NAME|ID [NAME|ID...]", Minimum = 1,
    Aliases = "container inspect, image inspect, network inspect, volume inspect", Group = "Common Commands", Completes = "object")]
internal sealed class InspectOptions
{
    [Option('f', "format", MetaValue = "string", HelpText = "Format output: 'json' or a Go template")]
    public string? Format { get; set; }

    [Option('s', "size", HelpText = "Display total file sizes if the type is container")]
    public bool Size { get; set; }

    [Option("type", MetaValue = "string", HelpText = "Only inspect objects of the given type (container|image|network|volume)")]
    public string? Type { get; set; }

    [Value(0, MetaName = "NAME|ID")]
    public IEnumerable<string> Names { get; set; } = [];
}
