using Bundt.Runtime.Plans;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Launch;

/// <summary>The descriptors that a launcher is given.</summary>
internal sealed record LauncherInputs
{
    public SafeFileHandle? Cgroup { get; init; }

    public SafeFileHandle? InitPidFd { get; init; }

    public SafeFileHandle? Client { get; init; }

    public SafeFileHandle? Root { get; init; }

    public SafeFileHandle? NetworkNamespace { get; init; }

    public SafeFileHandle? ConsoleSocket { get; init; }

    public SafeFileHandle? Go { get; init; }

    public SafeFileHandle? Pid { get; init; }

    public SafeFileHandle Of(PlanInputKind kind) => kind switch
    {
        PlanInputKind.Cgroup => Cgroup,
        PlanInputKind.InitPidFd => InitPidFd,
        PlanInputKind.Client => Client,
        PlanInputKind.Root => Root,
        PlanInputKind.NetworkNamespace => NetworkNamespace,
        PlanInputKind.Go => Go,
        PlanInputKind.Pid => Pid,
        _ => ConsoleSocket,
    } ?? throw new InvalidOperationException($"the plan needs {kind}");
}
