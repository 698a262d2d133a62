namespace Bundt.Engine;

/// <summary>What logs wants.</summary>
/// <param name="Stdout">stdout's lines.</param>
/// <param name="Stderr">stderr's lines.</param>
/// <param name="Follow">Go on until the container ends.</param>
/// <param name="Timestamps">The frames are whole lines that begin with RFC 3339 nanoseconds and a space.</param>
/// <param name="Since">Not older.</param>
/// <param name="Until">Not newer; ends a follow.</param>
/// <param name="Tail">The last n lines, or null.</param>
public sealed record LogOptions(bool Stdout, bool Stderr, bool Follow = false, bool Timestamps = false, DateTimeOffset? Since = null, DateTimeOffset? Until = null, int? Tail = null);
