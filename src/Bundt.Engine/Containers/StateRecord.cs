namespace Bundt.Engine.Containers;

/// <summary>`state.json`: what cannot be derived from the monitor's files and the kernel. Absent means: nothing of the kind.</summary>
internal sealed record StateRecord
{
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    /// <summary>How the last start or life ended, where no exit record says it (failed start, lost monitor, reboot).</summary>
    public EndRecord? End { get; init; }

    /// <summary>A stop is under way: kill at this time.</summary>
    public DateTimeOffset? StopDeadline { get; init; }

    public bool Paused { get; init; }

    /// <summary>A removal has begun.</summary>
    public bool Removing { get; init; }

    /// <summary>The removal takes the anonymous volumes along.</summary>
    public bool RemoveVolumes { get; init; }
}

/// <summary>An end that no monitor has recorded.</summary>
internal sealed record EndRecord
{
    public int ExitCode { get; init; }

    public string Error { get; init; } = "";

    public bool OomKilled { get; init; }

    /// <summary>Null: it never ran.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }
}
