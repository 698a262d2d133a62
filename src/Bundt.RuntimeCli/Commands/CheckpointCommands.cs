using Bundt.Linux.Processes;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli.Commands;

/// <summary>checkpoint and restore, through CRIU.</summary>
internal static class CheckpointCommands
{
    // Options that CRIU has under the same name.
    private static readonly string[] s_flags = ["tcp-established", "ext-unix-sk", "shell-job", "file-locks", "link-remap", "auto-dedup", "lazy-pages", "tcp-skip-in-flight"];
    private static readonly string[] s_values = ["page-server", "lsm-profile", "empty-ns"];

    private static readonly string[] s_common =
        ["image-path=", "work-path=", "manage-cgroups-mode=", .. s_flags, .. s_values.Select(name => name + "="), "help|h"];

    public static readonly string[] CheckpointOptions = [.. s_common, "parent-path=", "pre-dump", "leave-running|R"];

    public static readonly string[] RestoreOptions =
        [.. s_common, "bundle|b=", "config|f=", "detach|d", "keep", "pid-file=", "no-subreaper", "no-pivot"];

    public static int Checkpoint(Invocation invocation, CommandOptions options)
    {
        invocation.Open(options).Checkpoint(Criu(invocation, options), invocation.Log.Warn);
        return 0;
    }

    public static int Restore(Invocation invocation, CommandOptions options)
    {
        var detach = options.Flag("detach");
        if (!detach)
        {
            Subreaper.Become();
        }

        using var foreground = detach ? null : new Foreground();
        var bundle = Invocation.BundleOf(options);
        var container = OciContainer.Restore(
            invocation.Root, options.Id,
            new CreateOptions
            {
                Bundle = bundle,
                ConfigPath = Path.GetFullPath(options.Value("config") ?? "config.json", bundle),
                PidFile = options.Value("pid-file"),
                CgroupDriver = invocation.CgroupDriver,
                Warn = invocation.Log.Warn,
            },
            Criu(invocation, options));
        return foreground is null ? 0 : CreateCommands.Wait(invocation, options, container, foreground);
    }

    private static CriuOptions Criu(Invocation invocation, CommandOptions options) => new()
    {
        Program = invocation.CriuProgram,
        Images = Path.GetFullPath(options.Value("image-path") ?? "checkpoint"),
        Work = options.Value("work-path") is { } work ? Path.GetFullPath(work) : null,
        Parent = options.Value("parent-path"),
        PreDump = options.Flag("pre-dump"),
        LeaveRunning = options.Flag("leave-running"),
        ManageCgroups = options.Value("manage-cgroups-mode"),
        Flags = [.. s_flags.Where(options.Flag).Select(name => "--" + name), .. s_values.Where(name => options.Value(name) is not null).SelectMany(name => (string[])["--" + name, options.Value(name)!])],
    };
}
