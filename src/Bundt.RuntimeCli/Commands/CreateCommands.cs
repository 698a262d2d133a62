using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli.Commands;

/// <summary>create and run.</summary>
internal static class CreateCommands
{
    public static readonly string[] CreateOptions =
    [
        "bundle|b=", "config|f=", "pid-file=", "console-socket=", "pidfd-socket=", "preserve-fds=", "no-pivot", "no-new-keyring", "no-subreaper", "help|h",
    ];

    public static readonly string[] RunOptions = [.. CreateOptions, "keep", "detach|d"];

    // Descriptors behind these are the launcher's own.
    public const int MostPreserved = 190;

    public static int Create(Invocation invocation, CommandOptions options)
    {
        Make(invocation, options, waitForStart: true, foreground: false);
        return 0;
    }

    public static int Run(Invocation invocation, CommandOptions options)
    {
        var detach = options.Flag("detach");

        // The launcher hands off and exits: init becomes our child, and stays one at least until its pid is known to whoever waits for it above us.
        Subreaper.Become();
        if (detach)
        {
            Make(invocation, options, waitForStart: false, foreground: false);
            return 0;
        }

        using var foreground = new Foreground();
        return Wait(invocation, options, Make(invocation, options, waitForStart: false, foreground: true), foreground);
    }

    /// <summary>Waits for the end of a container in the foreground, and deletes it unless it shall be kept.</summary>
    public static int Wait(Invocation invocation, CommandOptions options, OciContainer container, Foreground foreground)
    {
        using var process = PidFd.TryOpen(container.Record.Pid);
        var code = process is null ? 255 : foreground.Wait(new RunningProcess(process, container.Terminal));
        if (!options.Flag("keep"))
        {
            try
            {
                container.Delete(force: true, invocation.Log.Warn);
            }
            catch (BundtException e)
            {
                // The exit code is the process's own, whatever becomes of its remains.
                invocation.Log.Warn(e.Message);
            }
        }

        return code;
    }

    private static OciContainer Make(Invocation invocation, CommandOptions options, bool waitForStart, bool foreground)
    {
        var id = options.Id;
        using var console = ConnectedSocket.Connect(options.Value("console-socket"));
        using var pidfd = ConnectedSocket.Connect(options.Value("pidfd-socket"));
        var bundle = Invocation.BundleOf(options);
        var (listen, preserve) = (ActivatedSockets(), (int)(options.Number("preserve-fds", 0, MostPreserved) ?? 0));
        if (listen + preserve > MostPreserved)
        {
            throw CommandOptions.Usage($"at most {MostPreserved} descriptors can be passed on, LISTEN_FDS and --preserve-fds together");
        }

        return OciContainer.Create(invocation.Root, id, new CreateOptions
        {
            Bundle = bundle,
            ConfigPath = Path.GetFullPath(options.Value("config") ?? "config.json", bundle),
            PidFile = options.Value("pid-file"),
            ConsoleSocket = console?.Handle,
            PidFdSocket = pidfd?.Handle,
            ListenFds = listen,
            PreserveFds = preserve,
            CgroupDriver = invocation.CgroupDriver,
            NoPivot = options.Flag("no-pivot"),
            NoNewKeyring = options.Flag("no-new-keyring"),
            WaitForStart = waitForStart,
            Foreground = foreground,
            Warn = foreground ? invocation.Log.Warn : invocation.Log.WarnAside,
        });
    }

    // sd_listen_fds(3), except for LISTEN_PID: as runc, which is often started by a shell in between.
    private static int ActivatedSockets() =>
        int.TryParse(Environment.GetEnvironmentVariable("LISTEN_FDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= MostPreserved
            ? count
            : 0;
}
