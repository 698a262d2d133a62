namespace Bundt.Oci.Runtime;

/// <summary>Scheduling policy and its parameters (sched_setattr(2)).</summary>
public sealed record ProcessScheduler
{
    /// <summary>"SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE" or "SCHED_DEADLINE".</summary>
    public required string Policy { get; init; }

    /// <summary>Nice value of SCHED_OTHER and SCHED_BATCH, -20 to 19.</summary>
    public int Nice { get; init; }

    /// <summary>Static priority of SCHED_FIFO and SCHED_RR.</summary>
    public int Priority { get; init; }

    /// <summary>"SCHED_FLAG_RESET_ON_FORK" …</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    /// <summary>Runtime of SCHED_DEADLINE in nanoseconds; null: not given.</summary>
    public ulong? Runtime { get; init; }

    /// <summary>Deadline of SCHED_DEADLINE in nanoseconds; null: not given.</summary>
    public ulong? Deadline { get; init; }

    /// <summary>Period of SCHED_DEADLINE in nanoseconds; 0: the deadline.</summary>
    public ulong Period { get; init; }
}
