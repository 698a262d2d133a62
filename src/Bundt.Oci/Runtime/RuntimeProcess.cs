namespace Bundt.Oci.Runtime;

/// <summary>The container's process ("process").</summary>
public sealed record RuntimeProcess
{
    /// <summary>A terminal is attached.</summary>
    public bool Terminal { get; init; }

    /// <summary>First size of the terminal, in characters.</summary>
    public ConsoleSize? ConsoleSize { get; init; }

    /// <summary>Working directory, absolute path in the container.</summary>
    public string Cwd { get; init; } = "/";

    /// <summary>Environment, "KEY=value"; of duplicates the last one wins.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>Command and arguments.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>User and groups.</summary>
    public ProcessUser User { get; init; } = new();

    /// <summary>Capability sets; null: none at all.</summary>
    public ProcessCapabilities? Capabilities { get; init; }

    /// <summary>Resource limits (setrlimit); what is not named is the caller's.</summary>
    public IReadOnlyList<ProcessRlimit> Rlimits { get; init; } = [];

    /// <summary>PR_SET_NO_NEW_PRIVS.</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary>AppArmor profile; null: none.</summary>
    public string? ApparmorProfile { get; init; }

    /// <summary>SELinux label of the process; null: none.</summary>
    public string? SelinuxLabel { get; init; }

    /// <summary>/proc/PID/oom_score_adj, -1000 to 1000; null: the caller's.</summary>
    public int? OomScoreAdj { get; init; }

    /// <summary>Scheduling policy; null: the caller's.</summary>
    public ProcessScheduler? Scheduler { get; init; }

    /// <summary>I/O priority; null: the caller's.</summary>
    public ProcessIoPriority? IoPriority { get; init; }

    /// <summary>CPUs of an exec'd process; null: the container's.</summary>
    public ExecCpuAffinity? ExecCpuAffinity { get; init; }
}
