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

    /// <summary>The host, as far as it makes a difference.</summary>
    public HostFacts Host { get; init; } = HostFacts.Own;

    /// <summary>The compiled seccomp program; empty: none.</summary>
    public ReadOnlyMemory<byte> Filter { get; init; }

    /// <summary>The container's id, which its groups outside of the cgroup are named by.</summary>
    public string? Id { get; init; }

    /// <summary>The container's state; needed if the config's filter has an agent.</summary>
    public Func<ReadOnlyMemory<byte>>? DescribeForAgent { get; init; }

    /// <summary>The process is born in a cgroup that the launcher is given.</summary>
    public bool HasCgroup { get; init; } = true;
}
