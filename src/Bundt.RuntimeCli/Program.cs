using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Containers;
using Bundt.Runtime.Spec;

namespace Bundt.RuntimeCli;

/// <summary>bundt-runtime: the OCI runtime command line, as containerd, podman and dockerd call it.</summary>
internal static class Program
{
    private const string DefaultRoot = "/run/bundt-runtime";

    private const string Help = """
        bundt-runtime: an OCI runtime

        bundt-runtime [--root DIR] [--log FILE] [--log-format text|json] COMMAND …

          create ID   [-b BUNDLE] [--pid-file FILE] [--console-socket SOCKET] [--preserve-fds N]
          start ID
          run ID      [-b BUNDLE] [-d] [--pid-file FILE] [--console-socket SOCKET] [--preserve-fds N]
          state ID
          kill ID     [SIGNAL] [-a]
          delete ID   [-f]
          spec        [-b BUNDLE]      write a default config.json
          plan        [-b BUNDLE]      print the launch plan of a bundle without running it

        --root          directory of the containers' state (/run/bundt-runtime)
        --version, --help

        """;

    private static readonly string[] s_global =
        ["root=", "log=", "log-format=", "log-level=", "debug", "systemd-cgroup", "rootless=", "cgroup-manager=", "version|v", "help|h"];

    private static readonly string[] s_create =
        ["bundle|b=", "pid-file=", "console-socket=", "preserve-fds=", "no-pivot", "no-new-keyring", "no-subreaper", "keep", "detach|d", "help|h"];

    private static int Main(string[] arguments)
    {
        ErrorLog? log = null;
        try
        {
            var (global, next) = CommandOptions.Parse(arguments, 0, s_global, stopAtArgument: true);
            log = new ErrorLog(global.Value("log"), global.Value("log-format"));
            if (global.Flag("version"))
            {
                Streams.Out($"bundt-runtime version {typeof(Program).Assembly.GetName().Version?.ToString(3)}\nspec: 1.2.0\n");
                return 0;
            }

            if (global.Flag("help") || next >= arguments.Length)
            {
                Streams.Out(Help);
                return global.Flag("help") ? 0 : 1;
            }

            return Run(arguments[next], arguments, next + 1, global.Value("root") ?? DefaultRoot);
        }
        catch (Exception e)
        {
            Streams.Error("bundt-runtime: " + e.Message + "\n");
            log?.Error(e.Message);
            return e is not BundtException failure ? 1 : failure.Kind switch
            {
                FailureKind.CommandNotFound => 127,
                FailureKind.CommandNotExecutable => 126,
                _ => 1,
            };
        }
    }

    private static int Run(string command, string[] arguments, int from, string root)
    {
        string[] table = command switch
        {
            "create" or "run" => s_create,
            "kill" => ["all|a", "help|h"],
            "delete" => ["force|f", "help|h"],
            "start" or "state" => ["help|h"],
            "spec" or "plan" => ["bundle|b=", "help|h"],
            _ => throw CommandOptions.Usage($"unknown command {command}"),
        };
        var (options, _) = CommandOptions.Parse(arguments, from, table);
        if (options.Flag("help"))
        {
            Streams.Out(Help);
            return 0;
        }

        if (command is "spec" or "plan")
        {
            return Bundle(command, options);
        }

        var id = options.Arguments.Count > 0 ? options.Arguments[0] : throw CommandOptions.Usage($"{command} needs a container ID");
        switch (command)
        {
            case "create":
                Create(root, id, options, wait: true);
                return 0;
            case "run":
                return RunContainer(root, id, options);
            case "start":
                OciContainer.Open(root, id).Start();
                return 0;
            case "state":
                var container = OciContainer.Open(root, id);
                Streams.Out([.. container.Record.Describe(container.Status), (byte)'\n']);
                return 0;
            case "kill":
                Kill(root, id, options);
                return 0;
            default:
                return Delete(root, id, options);
        }
    }

    private static int RunContainer(string root, string id, CommandOptions options)
    {
        var detach = options.Flag("detach");
        if (!detach)
        {
            // The launcher hands off and exits: init becomes our child.
            Subreaper.Become();
        }

        var container = Create(root, id, options, wait: false);
        return detach ? 0 : Foreground.Wait(container, options.Flag("keep"));
    }

    private static OciContainer Create(string root, string id, CommandOptions options, bool wait)
    {
        using var console = options.Value("console-socket") is { } path ? ConsoleSocket.Connect(path) : null;
        var preserve = 0;
        if (options.Value("preserve-fds") is { } text && (!int.TryParse(text, out preserve) || preserve is < 0 or > 190))
        {
            throw CommandOptions.Usage($"--preserve-fds must be a number from 0 to 190, not {text}");
        }

        return OciContainer.Create(root, id, new CreateOptions
        {
            Bundle = Path.GetFullPath(options.Value("bundle") ?? "."),
            PidFile = options.Value("pid-file"),
            ConsoleSocket = console?.Handle,
            PreserveFds = preserve,
            WaitForStart = wait,
        });
    }

    private static void Kill(string root, string id, CommandOptions options)
    {
        var name = options.Arguments.Count > 1 ? options.Arguments[1] : "TERM";
        if (!SignalNames.TryParse(name, out var signal))
        {
            throw CommandOptions.Usage($"unknown signal {name}");
        }

        OciContainer.Open(root, id).Kill(signal, options.Flag("all"));
    }

    private static int Delete(string root, string id, CommandOptions options)
    {
        try
        {
            OciContainer.Open(root, id).Delete(options.Flag("force"));
        }
        catch (BundtException e) when (e.Kind == FailureKind.NotFound && options.Flag("force"))
        {
            // Nothing to delete is what was asked for; but a creation may have been killed before it had written its record.
            OciContainer.DeleteRemains(root, id);
        }

        return 0;
    }

    private static int Bundle(string command, CommandOptions options)
    {
        var bundle = Path.GetFullPath(options.Value("bundle") ?? ".");
        if (command == "plan")
        {
            Streams.Out(OciContainer.Plan("plan", bundle).Print());
            return 0;
        }

        var path = Path.Combine(bundle, "config.json");
        if (File.Exists(path))
        {
            throw new BundtException(FailureKind.Conflict, Phase.Request, $"{path} exists already");
        }

        File.WriteAllBytes(path, RuntimeConfigWriter.Write(DefaultSpec.Create(["sh"]) with { Hostname = "bundt" }));
        return 0;
    }
}
