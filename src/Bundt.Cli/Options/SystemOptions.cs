using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("version", "Show the version of the client and the daemon", Maximum = 0, Group = "System Commands")]
internal sealed class VersionOptions
{
    [Option("client", HelpText = "Show the client's version alone; asks no daemon")]
    public bool Client { get; set; }

    [Option('f', "format", MetaValue = "string", HelpText = "Format output: 'json' or a Go template")]
    public string? Format { get; set; }
}

[Command("info", "Display system-wide information", Maximum = 0, Aliases = "system info", Group = "System Commands")]
internal sealed class InfoOptions
{
    [Option('f', "format", MetaValue = "string", HelpText = "Format output: 'json' or a Go template")]
    public string? Format { get; set; }
}

[Command("daemon", "Start or stop the daemon, or tell whether it runs", Usage = "start|stop|status", Minimum = 1, Maximum = 1, Group = "System Commands", Completes = "daemon")]
internal sealed class DaemonOptions
{
    [Value(0, MetaName = "ACTION")]
    public string Action { get; set; } = "";
}

[Command("completion", "Print a completion script for a shell", Usage = "bash|zsh|fish", Minimum = 1, Maximum = 1, Group = "System Commands", Completes = "shell")]
internal sealed class CompletionOptions
{
    [Value(0, MetaName = "SHELL")]
    public string Shell { get; set; } = "";
}
