using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("start", "Start one or more stopped containers", Usage = "[OPTIONS] CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container start", Group = "Container Commands", Completes = "container")]
internal sealed class StartOptions
{
    [Option('a', "attach", HelpText = "Attach STDOUT/STDERR and forward signals")]
    public bool Attach { get; set; }

    [Option("detach-keys", MetaValue = "string", HelpText = "Override the key sequence for detaching a container")]
    public string? DetachKeys { get; set; }

    [Option('i', "interactive", HelpText = "Attach container's STDIN")]
    public bool Interactive { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("stop", "Stop one or more running containers", Usage = "[OPTIONS] CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container stop", Group = "Container Commands", Completes = "running")]
internal sealed class StopOptions
{
    [Option('s', "signal", MetaValue = "string", HelpText = "Signal to send to the container")]
    public string? Signal { get; set; }

    [Option('t', "timeout", MetaValue = "int", HelpText = "Seconds to wait before killing the container (-1: forever)")]
    public int? Timeout { get; set; }

    [Option("time", MetaValue = "int", HelpText = "Seconds to wait before killing the container", Hidden = true)]
    public int? Time { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("restart", "Restart one or more containers", Usage = "[OPTIONS] CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container restart", Group = "Container Commands", Completes = "container")]
internal sealed class RestartOptions
{
    [Option('s', "signal", MetaValue = "string", HelpText = "Signal to send to the container")]
    public string? Signal { get; set; }

    [Option('t', "timeout", MetaValue = "int", HelpText = "Seconds to wait before killing the container (-1: forever)")]
    public int? Timeout { get; set; }

    [Option("time", MetaValue = "int", HelpText = "Seconds to wait before killing the container", Hidden = true)]
    public int? Time { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("kill", "Kill one or more running containers", Usage = "[OPTIONS] CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container kill", Group = "Container Commands", Completes = "running")]
internal sealed class KillOptions
{
    [Option('s', "signal", MetaValue = "string", HelpText = "Signal to send to the container (default KILL)")]
    public string? Signal { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("pause", "Pause all processes within one or more containers", Usage = "CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container pause", Group = "Container Commands", Completes = "running")]
internal sealed class PauseOptions
{
    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("unpause", "Unpause all processes within one or more containers", Usage = "CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container unpause", Group = "Container Commands", Completes = "running")]
internal sealed class UnpauseOptions
{
    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("wait", "Block until one or more containers stop, then print their exit codes", Usage = "CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container wait", Group = "Container Commands", Completes = "container")]
internal sealed class WaitOptions
{
    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("rm", "Remove one or more containers", Usage = "[OPTIONS] CONTAINER [CONTAINER...]", Minimum = 1,
    Aliases = "container rm, container remove", Group = "Container Commands", Completes = "container")]
internal sealed class RemoveOptions
{
    [Option('f', "force", HelpText = "Force the removal of a running container (uses SIGKILL)")]
    public bool Force { get; set; }

    [Option('v', "volumes", HelpText = "Remove anonymous volumes associated with the container")]
    public bool Volumes { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public IEnumerable<string> Containers { get; set; } = [];
}

[Command("port", "List port mappings or a specific mapping for the container", Usage = "CONTAINER [PRIVATE_PORT[/PROTO]]", Minimum = 1, Maximum = 2,
    Aliases = "container port", Group = "Container Commands", Completes = "container")]
internal sealed class PortOptions
{
    [Value(0, MetaName = "CONTAINER")]
    public string Container { get; set; } = "";

    [Value(1, MetaName = "PRIVATE_PORT")]
    public string Port { get; set; } = "";
}

[Command("rename", "Rename a container", Usage = "CONTAINER NEW_NAME", Minimum = 2, Maximum = 2,
    Aliases = "container rename", Group = "Container Commands", Completes = "container")]
internal sealed class RenameOptions
{
    [Value(0, MetaName = "CONTAINER")]
    public string Container { get; set; } = "";

    [Value(1, MetaName = "NEW_NAME")]
    public string NewName { get; set; } = "";
}
