using Bundt.Runtime.Containers;
using Bundt.Runtime.Launch;

namespace Bundt.RuntimeCli;

/// <summary>What the global options say.</summary>
internal sealed class Invocation
{
    private const string DefaultRoot = "/run/bundt-runtime";

    public Invocation(CommandOptions global, Log log)
    {
        Log = log;
        if (global.Has("root") && global.Value("root") is null)
        {
            // A variable that is empty by mistake must not mean everybody's containers.
            throw CommandOptions.Usage("--root needs a directory");
        }

        Root = Path.GetFullPath(global.Value("root") ?? DefaultRoot);
        HasOwnRoot = global.Value("root") is not null;
        CriuProgram = global.Value("criu");
        CgroupDriver = global.Value("cgroup-manager") switch
        {
            null when global.Flag("systemd-cgroup") => CgroupDriver.Systemd,
            null or "cgroupfs" => CgroupDriver.Cgroupfs,
            "systemd" => CgroupDriver.Systemd,
            "disabled" => CgroupDriver.Disabled,
            var other => throw CommandOptions.Usage($"--cgroup-manager must be cgroupfs, systemd or disabled, not {other}"),
        };
    }

    /// <summary>Where errors and warnings go.</summary>
    public Log Log { get; }

    /// <summary>Directory of the containers' state.</summary>
    public string Root { get; }

    /// <summary>The root was given, rather than the default.</summary>
    public bool HasOwnRoot { get; }

    /// <summary>Path of CRIU; null: in PATH.</summary>
    public string? CriuProgram { get; }

    /// <summary>Who makes cgroups.</summary>
    public CgroupDriver CgroupDriver { get; }

    /// <summary>Absolute path of the bundle: the current directory, unless another is given.</summary>
    public static string BundleOf(CommandOptions options) => Path.GetFullPath(options.Value("bundle") ?? ".");

    /// <summary>The container that a command is about.</summary>
    public OciContainer Open(CommandOptions options) => OciContainer.Open(Root, options.Id);
}
