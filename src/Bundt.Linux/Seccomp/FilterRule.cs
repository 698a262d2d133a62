namespace Bundt.Linux.Seccomp;

/// <summary>One rule of a filter.</summary>
/// <param name="Names">System calls; those that an architecture lacks are passed over.</param>
/// <param name="Action">What happens.</param>
/// <param name="Conditions">All must hold; empty: always.</param>
public sealed record FilterRule(IReadOnlyList<string> Names, SeccompAction Action, IReadOnlyList<SeccompCondition> Conditions);
