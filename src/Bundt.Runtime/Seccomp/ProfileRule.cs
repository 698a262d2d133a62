using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Seccomp;

/// <summary>One rule of a profile.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Includes">It applies only where this holds.</param>
/// <param name="Excludes">It does not apply where this holds.</param>
public sealed record ProfileRule(SeccompRule Rule, ProfileGate Includes, ProfileGate Excludes);
