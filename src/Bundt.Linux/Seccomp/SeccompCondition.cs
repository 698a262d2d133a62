namespace Bundt.Linux.Seccomp;

/// <summary>A condition on an argument; all 64 bits count, unsigned.</summary>
/// <param name="Argument">0 to 5.</param>
/// <param name="Comparison">How.</param>
/// <param name="Value">With what.</param>
/// <param name="Mask">For <see cref="SeccompComparison.MaskedEqual"/>.</param>
public readonly record struct SeccompCondition(int Argument, SeccompComparison Comparison, ulong Value, ulong Mask = ulong.MaxValue);
