namespace Bundt.Oci.Runtime;

/// <summary>CPUs of an exec'd process, as lists ("0-3,7").</summary>
/// <param name="Initial">While it enters the container; null: unchanged.</param>
/// <param name="Final">From then on; null: unchanged.</param>
public sealed record ExecCpuAffinity(string? Initial, string? Final);
