using Bundt.Cli.CommandLine;
using CommandLine;

namespace Bundt.Cli.Options;

[Command("exec", "Execute a command in a running container", Usage = "[OPTIONS] CONTAINER COMMAND [ARG...]", Minimum = 2, OptionsFirst = true,
    Aliases = "container exec", Group = "Common Commands", Completes = "running")]
internal sealed class ExecOptions
{
    [Option('d', "detach", HelpText = "Detached mode: run command in the background")]
    public bool Detach { get; set; }

    [Option("detach-keys", MetaValue = "string", HelpText = "Override the key sequence for detaching a container (default \"ctrl-p,ctrl-q\")")]
    public string? DetachKeys { get; set; }

    [Option('e', "env", MetaValue = "list", HelpText = "Set environment variables")]
    public IEnumerable<string> Env { get; set; } = [];

    [Option("env-file", MetaValue = "list", HelpText = "Read in a file of environment variables")]
    public IEnumerable<string> EnvFile { get; set; } = [];

    [Option('i', "interactive", HelpText = "Keep STDIN open even if not attached")]
    public bool Interactive { get; set; }

    [Option("privileged", HelpText = "Give extended privileges to the command")]
    public bool Privileged { get; set; }

    [Option("sig-proxy", HelpText = "Proxy received signals to the process (default true)", Hidden = true)]
    public bool? SigProxy { get; set; }

    [Option('t', "tty", HelpText = "Allocate a pseudo-TTY")]
    public bool Tty { get; set; }

    [Option('u', "user", MetaValue = "string", HelpText = "Username or UID (format: <name|uid>[:<group|gid>])")]
    public string? User { get; set; }

    [Option('w', "workdir", MetaValue = "string", HelpText = "Working directory inside the container")]
    public string? Workdir { get; set; }

    [Value(0, MetaName = "CONTAINER")]
    public string Container { get; set; } = "";

    [Value(1, MetaName = "COMMAND")]
    public IEnumerable<string> Arguments { get; set; } = [];
}
