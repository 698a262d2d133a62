using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("images", "List images", Usage = "[OPTIONS] [REPOSITORY[:TAG]]", Maximum = 1, Aliases = "image ls, image list", Group = "Common Commands", Completes = "image")]
internal sealed class ImagesOptions
{
    [Option('a', "all", HelpText = "Show all images (default hides intermediate images)")]
    public bool All { get; set; }

    [Option("digests", HelpText = "Show digests")]
    public bool Digests { get; set; }

    [Option('f', "filter", MetaValue = "filter", HelpText = "Filter output based on conditions provided")]
    public IEnumerable<string> Filter { get; set; } = [];

    [Option("format", MetaValue = "string", HelpText = "Format output: 'table', 'table TEMPLATE', 'json' or a Go template")]
    public string? Format { get; set; }

    [Option("no-trunc", HelpText = "Don't truncate output")]
    public bool NoTrunc { get; set; }

    [Option('q', "quiet", HelpText = "Only show image IDs")]
    public bool Quiet { get; set; }

    [Value(0, MetaName = "REPOSITORY")]
    public string Repository { get; set; } = "";
}

[Command("search", "Search a registry for images", Usage = "[OPTIONS] TERM", Minimum = 1, Maximum = 1, Group = "Image Commands")]
internal sealed class SearchOptions
{
    [Option('f', "filter", MetaValue = "filter", HelpText = "Filter output based on conditions provided")]
    public IEnumerable<string> Filter { get; set; } = [];

    [Option("format", MetaValue = "string", HelpText = "Format output: 'table', 'table TEMPLATE', 'json' or a Go template")]
    public string? Format { get; set; }

    [Option("limit", MetaValue = "int", HelpText = "Max number of search results")]
    public int? Limit { get; set; }

    [Option("no-trunc", HelpText = "Don't truncate output")]
    public bool NoTrunc { get; set; }

    [Value(0, MetaName = "TERM")]
    public string Term { get; set; } = "";
}

[Command("pull", "Download an image from a registry", Usage = "[OPTIONS] NAME[:TAG|@DIGEST]", Minimum = 1, Maximum = 1,
    Aliases = "image pull", Group = "Common Commands", Completes = "image")]
internal sealed class PullOptions
{
    [Option('a', "all-tags", HelpText = "Download all tagged images in the repository")]
    public bool AllTags { get; set; }

    [Option("platform", MetaValue = "string", HelpText = "Set platform if the image is multi-platform capable")]
    public string? Platform { get; set; }

    [Option('q', "quiet", HelpText = "Suppress verbose output")]
    public bool Quiet { get; set; }

    [Value(0, MetaName = "NAME")]
    public string Name { get; set; } = "";
}

[Command("load", "Load images from a tar archive or STDIN", Maximum = 0, Aliases = "image load", Group = "Image Commands")]
internal sealed class LoadOptions
{
    [Option('i', "input", MetaValue = "string", HelpText = "Read from tar archive file, instead of STDIN")]
    public string? Input { get; set; }

    [Option('q', "quiet", HelpText = "Suppress the load output")]
    public bool Quiet { get; set; }
}

[Command("save", "Save one or more images to a tar archive (streamed to STDOUT by default)", Usage = "[OPTIONS] IMAGE [IMAGE...]", Minimum = 1,
    Aliases = "image save", Group = "Image Commands", Completes = "image")]
internal sealed class SaveOptions
{
    [Option('o', "output", MetaValue = "string", HelpText = "Write to a file, instead of STDOUT")]
    public string? Output { get; set; }

    [Value(0, MetaName = "IMAGE")]
    public IEnumerable<string> Images { get; set; } = [];
}

[Command("tag", "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE", Usage = "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]", Minimum = 2, Maximum = 2,
    Aliases = "image tag", Group = "Image Commands", Completes = "image")]
internal sealed class TagOptions
{
    [Value(0, MetaName = "SOURCE_IMAGE")]
    public string Source { get; set; } = "";

    [Value(1, MetaName = "TARGET_IMAGE")]
    public string Target { get; set; } = "";
}

[Command("rmi", "Remove one or more images", Usage = "[OPTIONS] IMAGE [IMAGE...]", Minimum = 1, Aliases = "image rm, image remove", Group = "Image Commands", Completes = "image")]
internal sealed class RemoveImageOptions
{
    [Option('f', "force", HelpText = "Force removal of the image")]
    public bool Force { get; set; }

    [Option("no-prune", HelpText = "Do not delete untagged parents")]
    public bool NoPrune { get; set; }

    [Value(0, MetaName = "IMAGE")]
    public IEnumerable<string> Images { get; set; } = [];
}
