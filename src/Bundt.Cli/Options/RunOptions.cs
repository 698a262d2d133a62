using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("run", "Create and run a new container from an image", Usage = "[OPTIONS] IMAGE [COMMAND] [ARG...]", Minimum = 1, OptionsFirst = true,
    Aliases = "container run", Group = "Common Commands", Completes = "image")]
internal sealed class RunOptions : ContainerOptions
{
    [Option('d', "detach", HelpText = "Run container in background and print container ID")]
    public bool Detach { get; set; }

    [Option("detach-keys", MetaValue = "string", HelpText = "Override the key sequence for detaching a container (default \"ctrl-p,ctrl-q\")")]
    public string? DetachKeys { get; set; }

    [Option("sig-proxy", HelpText = "Proxy received signals to the process (default true)")]
    public bool? SigProxy { get; set; }
}
