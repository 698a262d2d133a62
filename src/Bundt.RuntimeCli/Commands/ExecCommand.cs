using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Capabilities;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli.Commands;

/// <summary>exec.</summary>
internal static class ExecCommand
{
    public static readonly string[] Options =
    [
        "process|p=", "env|e=", "tty|t", "user|u=", "additional-gids|g=", "cwd=", "detach|d", "pid-file=", "console-socket=", "pidfd-socket=", "cap|c=",
        "no-new-privs", "preserve-fds=", "cgroup=", "ignore-paused", "process-label=", "apparmor=", "no-subreaper", "help|h",
    ];

    public static int Run(Invocation invocation, CommandOptions options)
    {
        var container = invocation.Open(options);
        var file = options.Value("process");
        var args = options.Arguments[1..];
        if (file is null && args.Count == 0)
        {
            throw CommandOptions.Usage("exec needs a command, or --process");
        }

        var detach = options.Flag("detach");

        // The launcher hands off and exits: the process becomes our child, and stays one at least until its pid is known to whoever waits for it above
        // us, even if it ends at once.
        Subreaper.Become();

        using var console = ConnectedSocket.Connect(options.Value("console-socket"));
        using var pidfd = ConnectedSocket.Connect(options.Value("pidfd-socket"));
        using var foreground = detach ? null : new Foreground();
        var (uid, gid) = User(options.Value("user"));
        var running = container.Exec(new ExecOptions
        {
            Process = file is null ? null : Read(file),
            Args = args,
            Env = options.Values("env"),
            Cwd = options.Value("cwd"),
            Uid = uid,
            Gid = gid,
            AdditionalGids = [.. options.Values("additional-gids").Select(text => Id(text, "--additional-gids"))],
            Terminal = options.Flag("tty") ? true : null,
            Capabilities = [.. options.Values("cap").Select(Capability)],
            NoNewPrivileges = options.Flag("no-new-privs") ? true : null,
            ApparmorProfile = options.Value("apparmor"),
            SelinuxLabel = options.Value("process-label"),
            PidFile = options.Value("pid-file"),
            ConsoleSocket = console?.Handle,
            PidFdSocket = pidfd?.Handle,
            Foreground = !detach,
            PreserveFds = (int)(options.Number("preserve-fds", 0, CreateCommands.MostPreserved) ?? 0),
            Cgroup = options.Value("cgroup"),
            IgnorePaused = options.Flag("ignore-paused"),
            Warn = detach ? invocation.Log.WarnAside : invocation.Log.Warn,
        });
        using var process = running.Process;
        return foreground?.Wait(running) ?? 0;
    }

    private static RuntimeProcess Read(string path)
    {
        var json = InputFile.Read(path);
        try
        {
            return RuntimeConfigReader.ReadProcess(json);
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"{path}: {e.Message}", null, e);
        }
    }

    private static (uint? Uid, uint? Gid) User(string? text)
    {
        if (text is null)
        {
            return (null, null);
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (Id(text, "--user"), null) : (Id(text[..colon], "--user"), Id(text[(colon + 1)..], "--user"));
    }

    private static uint Id(string text, string option) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id <= int.MaxValue ? id : throw CommandOptions.Usage($"{option} takes numbers from 0 to {int.MaxValue}, not \"{text}\"");

    private static string Capability(string name) =>
        CapabilityNames.TryParse(name, out var number) ? CapabilityNames.Of(number) : throw CommandOptions.Usage($"there is no capability {name}");
}
