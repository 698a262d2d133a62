using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Options;

[Command("create", "Create a new container", Usage = "[OPTIONS] IMAGE [COMMAND] [ARG...]", Minimum = 1, OptionsFirst = true,
    Aliases = "container create", Group = "Container Commands", Completes = "image")]
internal sealed class CreateOptions : ContainerOptions;
