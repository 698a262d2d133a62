namespace Bundt.Linux.Seccomp;

/// <summary>What a filter is compiled from.</summary>
/// <param name="Default">What happens to calls that no rule matches.</param>
/// <param name="Architectures">Architectures by libseccomp's names; the native one is always among them.</param>
/// <param name="Rules">The rules. Of several for one call an unconditional one wins, else the first that matches.</param>
public sealed record FilterSource(SeccompAction Default, IReadOnlyList<string> Architectures, IReadOnlyList<FilterRule> Rules);
