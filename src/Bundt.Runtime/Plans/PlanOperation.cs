using Bundt.Linux;

namespace Bundt.Runtime.Plans;

/// <summary>
/// One operation of a plan, as data. Which field means what depends on the code (native/plan.h); the factories of <see cref="PlanBuilder"/>
/// give them names.
/// </summary>
public sealed class PlanOperation
{
    /// <summary>What to do.</summary>
    public required PlanCode Code { get; init; }

    /// <summary>Who does it.</summary>
    public required PlanSection Section { get; init; }

    /// <summary>Flags by operation.</summary>
    public byte Flags { get; init; }

    /// <summary>Errors to pass over.</summary>
    public PlanTolerate Tolerate { get; init; }

    /// <summary>First slot; -1: none.</summary>
    public int A { get; init; } = -1;

    /// <summary>Second slot; -1: none.</summary>
    public int B { get; init; } = -1;

    /// <summary>String at s; null: none.</summary>
    public string? S { get; init; }

    /// <summary>String at t; null: none, or <see cref="Block"/> or <see cref="Strings"/> stands there.</summary>
    public string? T { get; init; }

    /// <summary>Strings one after the other, each NUL-terminated, at t with n their length (options, candidates) or, for Exec and Hook, argv at s.</summary>
    public IReadOnlyList<string>? Strings { get; init; }

    /// <summary>For Exec and Hook: envp at t.</summary>
    public IReadOnlyList<string>? Environment { get; init; }

    /// <summary>Bytes at t, n of them.</summary>
    public ReadOnlyMemory<byte> Block { get; init; }

    /// <summary>A count that stands in n in place of the block's length; 0: the block's length.</summary>
    public uint Count { get; init; }

    /// <summary>The field "reserved".</summary>
    public uint Reserved { get; init; }

    /// <summary>First value.</summary>
    public ulong X { get; init; }

    /// <summary>Second value.</summary>
    public ulong Y { get; init; }

    /// <summary>Third value.</summary>
    public ulong Z { get; init; }

    /// <summary>Which step of a start it belongs to, for errors.</summary>
    public Phase Phase { get; init; } = Phase.Launch;

    /// <summary>What a failure is called ("mount proc"); null: by the code.</summary>
    public string? Verb { get; init; }

    /// <summary>What EPERM means here, where the plan knows better than the errno; null: nothing else.</summary>
    public string? Refusal { get; init; }

    /// <summary>What it is done to, as the user knows it (a path, an option); null: <see cref="S"/>.</summary>
    public string? Subject { get; init; }
}
