using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;

namespace Bundt.Runtime.Plans;

/// <summary>Everything a plan is compiled from.</summary>
public sealed record PlanRequest
{
    /// <summary>The container's id.</summary>
    public required string Id { get; init; }

    /// <summary>The config.</summary>
    public required RuntimeConfig Config { get; init; }

    /// <summary>The host directory that relative paths of the config count from.</summary>
    public string Bundle { get; init; } = "/";

    /// <summary>An overlay root; null: the root path of the config.</summary>
    public OverlayRoot? Overlay { get; init; }

    /// <summary>The launcher is given the mount of <see cref="Overlay"/> (<see cref="PlanInputKind.Root"/>).</summary>
    public bool HasRoot { get; init; }

    /// <summary>The launcher is given the new network namespace (<see cref="PlanInputKind.NetworkNamespace"/>), if the config asks for one.</summary>
    public bool HasNetworkNamespace { get; init; }

    /// <summary>What becomes of the launcher.</summary>
    public required PlanEnding Ending { get; init; }

    /// <summary>The command runs below a minimal init.</summary>
    public bool InitProcess { get; init; }

    /// <summary>The process is born in a cgroup that the launcher is given (<see cref="PlanInputKind.Cgroup"/>).</summary>
    public bool HasCgroup { get; init; } = true;

    /// <summary>The container's cgroup relative to the hierarchy's root; what /sys/fs/cgroup shows without a cgroup namespace.</summary>
    public string? CgroupPath { get; init; }

    /// <summary>The root is entered by chroot, where pivot_root cannot work: on a ramdisk (--no-pivot).</summary>
    public bool NoPivot { get; init; }

    /// <summary>The caller's session keyring stays the process's (--no-new-keyring).</summary>
    public bool NoNewKeyring { get; init; }

    /// <summary>The host, as far as it makes a difference.</summary>
    public HostFacts Host { get; init; } = HostFacts.Own;

    /// <summary>The compiled seccomp program; empty: none.</summary>
    public ReadOnlyMemory<byte> Filter { get; init; }

    /// <summary>The command is not executed before a byte has come over <see cref="PlanInputKind.Go"/>; its end of file ends the launch.</summary>
    public bool WaitsForGo { get; init; }

    /// <summary>
    /// The launch waits for a byte more over <see cref="PlanInputKind.Go"/>, once there is the container's own network namespace and before anything is written
    /// to its parameters.
    /// </summary>
    public bool PausesForNetwork { get; init; }

    /// <summary>The container's state by status ("creating", "created"); needed if the config has hooks, or its filter an agent.</summary>
    public Func<string, HookState>? DescribeForHooks { get; init; }
}
