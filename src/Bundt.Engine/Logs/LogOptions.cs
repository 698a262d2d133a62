namespace Bundt.Engine;

/// <summary>What logs wants.</summary>
/// <param name="Stdout">stdout's lines.</param>
/// <param name="Stderr">stderr's lines.</param>
/// <param name="Follow">Go on until the container ends.</param>
/// <param name="Timestamps">The frames are whole lines that begin with RFC 3339 nanoseconds and a space.</param>
/// <param name="Since">Not older.</param>
/// <param name="Until">Not newer; ends a follow.</param>
/// <param name="Tail">The last n lines, or null.</param>
public sealed record LogOptions(bool Stdout, bool Stderr, bool Follow = false, bool Timestamps = false, DateTimeOffset? Since = null, DateTimeOffset? Until = null, int? Tail = null)
{
    /// <summary>The frames carry their position, notes come as such, and a follow tells where it has caught up.</summary>
    public bool Located { get; init; }

    /// <summary>What comes after this position. What is gone of it is told by a note.</summary>
    public OutputPosition? From { get; init; }

    /// <summary>Frames are not joined: each has its own time.</summary>
    public bool Timed { get; init; }
}
