using Bundt.Linux.Capabilities;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>Everything the plan of an exec is compiled from.</summary>
public sealed record ExecPlanRequest
{
    /// <summary>The container's config.</summary>
    public required RuntimeConfig Config { get; init; }

    /// <summary>The process.</summary>
    public required RuntimeProcess Process { get; init; }

    /// <summary>What becomes of the launcher.</summary>
    public required PlanEnding Ending { get; init; }

    /// <summary>The caller's session keyring stays the process's (--no-new-keyring).</summary>
    public bool NoNewKeyring { get; init; }

    /// <summary>The capabilities that the launcher can give: the runtime's own.</summary>
    public CapabilitySet Available { get; init; } = CapabilitySet.Own;

    /// <summary>The hard limit of a resource that the launcher itself has, by its number.</summary>
    public Func<int, ulong> HardLimit { get; init; } = ResourceLimits.Hard;

    /// <summary>The compiled seccomp program; empty: none.</summary>
    public ReadOnlyMemory<byte> Filter { get; init; }

    /// <summary>The process is born in a cgroup that the launcher is given.</summary>
    public bool HasCgroup { get; init; } = true;
}
