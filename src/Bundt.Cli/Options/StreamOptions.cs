using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("logs", "Fetch the logs of a container", Usage = "[OPTIONS] CONTAINER", Minimum = 1, Maximum = 1,
    Aliases = "container logs", Group = "Common Commands", Completes = "container")]
internal sealed class LogsOptions
{
    [Option('f', "follow", HelpText = "Follow log output")]
    public bool Follow { get; set; }

    [Option("since", MetaValue = "string", HelpText = "Show logs since timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)")]
    public string? Since { get; set; }

    [Option('n', "tail", MetaValue = "string", HelpText = "Number of lines to show from the end of the logs (default \"all\")")]
    public string? Tail { get; set; }

    [Option('t', "timestamps", HelpText = "Show timestamps")]
    public bool Timestamps { get; set; }

    [Option("until", MetaValue = "string", HelpText = "Show logs before a timestamp (e.g. \"2013-01-02T13:23:37Z\") or relative (e.g. \"42m\" for 42 minutes)")]
    public string? Until { get; set; }

    [Option("details", HelpText = "Show extra details provided to logs", Hidden = true)]
    public bool Details { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public string Container { get; set; } = "";
}

[Command("attach", "Attach local standard input, output, and error streams to a running container", Usage = "[OPTIONS] CONTAINER", Minimum = 1, Maximum = 1,
    Aliases = "container attach", Group = "Container Commands", Completes = "running")]
internal sealed class AttachOptions
{
    [Option("detach-keys", MetaValue = "string", HelpText = "Override the key sequence for detaching a container")]
    public string? DetachKeys { get; set; }

    [Option("no-stdin", HelpText = "Do not attach STDIN")]
    public bool NoStdin { get; set; }

    [Option("sig-proxy", HelpText = "Proxy all received signals to the process (default true)")]
    public bool? SigProxy { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public string Container { get; set; } = "";
}
