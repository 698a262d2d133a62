using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.RuntimeCli.Commands;

namespace Bundt.RuntimeCli;

/// <summary>bundt-runtime: the OCI runtime command line, as containerd, podman and dockerd call it.</summary>
internal static class Program
{
    // Ours, and the launcher's slots behind those that can be passed on.
    private const ulong LeastOpenFiles = 256, MostOpenFiles = 1024;

    private static readonly string[] s_global =
    [
        "root=", "log=", "log-format=", "log-level=", "debug", "systemd-cgroup", "rootless=", "cgroup-manager=", "criu=", "version|v", "help|h",
    ];

    private static int Main(string[] arguments)
    {
        var log = new Log();
        var failure = 1;
        try
        {
            OpenFiles.Ensure(LeastOpenFiles, MostOpenFiles);
            var (global, next) = CommandOptions.Parse(arguments, 0, s_global, stopAtArgument: true);
            log = new Log(global.Value("log"), global.Value("log-format"), global.Flag("debug") || global.Value("log-level") == "debug");
            if (global.Flag("version"))
            {
                Streams.Out(Help.Version);
                return 0;
            }

            if (global.Flag("help") || next >= arguments.Length)
            {
                Streams.Out(Help.Text);
                return global.Flag("help") ? 0 : 1;
            }

            // runc's: whoever reads an exec's exit code can tell ours from the process's own.
            failure = arguments[next] == "exec" ? 255 : 1;
            return Run(arguments[next], arguments, next + 1, new Invocation(global, log));
        }
        catch (Exception e)
        {
            log.Error(e is BundtException ? e.Message : $"unexpected {e.GetType().Name}: {BundtException.Reason(e)}");
            return failure;
        }
    }

    private static int Run(string command, string[] arguments, int from, Invocation invocation)
    {
        var (table, stopAtArgument, run) = Find(command);
        var (options, next) = CommandOptions.Parse(arguments, from, table, stopAtArgument, command == "kill" ? LifecycleCommands.IsSignal : null);
        if (options.Flag("help"))
        {
            Streams.Out(Help.Text);
            return 0;
        }

        if (stopAtArgument)
        {
            options.Arguments.AddRange(arguments[next..]);
        }

        if (options.Arguments.Count > MostArguments(command))
        {
            throw CommandOptions.Usage($"{command} takes no further argument: \"{options.Arguments[MostArguments(command)]}\"");
        }

        invocation.Log.Debug($"{command} {string.Join(' ', options.Arguments)}");
        return run(invocation, options);
    }

    private static (string[] Options, bool StopAtArgument, Func<Invocation, CommandOptions, int> Run) Find(string command) => command switch
    {
        "create" => (CreateCommands.CreateOptions, false, CreateCommands.Create),
        "run" => (CreateCommands.RunOptions, false, CreateCommands.Run),
        "start" => (s_none, false, LifecycleCommands.Start),
        "kill" => (["all|a", "regex|r", "help|h"], false, LifecycleCommands.Kill),
        "delete" => (["force|f", "regex|r", "help|h"], false, LifecycleCommands.Delete),
        "pause" => (s_none, false, LifecycleCommands.Pause),
        "resume" => (s_none, false, LifecycleCommands.Resume),
        "exec" => (ExecCommand.Options, true, ExecCommand.Run),
        "state" => (s_none, false, QueryCommands.State),
        "list" => (["format|f=", "quiet|q", "help|h"], false, QueryCommands.List),
        "ps" => (["format|f=", "help|h"], true, QueryCommands.Ps),
        "mounts" => (s_none, false, MountCommand.Run),
        "checkpoint" => (CheckpointCommands.CheckpointOptions, false, CheckpointCommands.Checkpoint),
        "restore" => (CheckpointCommands.RestoreOptions, false, CheckpointCommands.Restore),
        "update" => (LimitCommands.UpdateOptions, false, LimitCommands.Update),
        "events" => (["interval=", "stats", "help|h"], false, LimitCommands.Events),
        "spec" => (["bundle|b=", "config|f=", "rootless", "help|h"], false, BundleCommands.Spec),
        "plan" => (["bundle|b=", "config|f=", "help|h"], false, BundleCommands.Plan),
        "features" => (s_none, false, BundleCommands.Features),
        "help" => (s_none, false, (_, _) =>
        {
            Streams.Out(Help.Text);
            return 0;
        }
        ),
        _ => throw CommandOptions.Usage($"unknown command {command}"),
    };

    private static int MostArguments(string command) => command switch
    {
        "list" or "spec" or "plan" or "features" => 0,
        "create" or "run" or "start" or "pause" or "resume" or "delete" or "state" or "checkpoint" or "restore" or "update" or "events" => 1,
        "kill" => 2,
        "mounts" => 3,
        _ => int.MaxValue,
    };

    private static readonly string[] s_none = ["help|h"];
}
