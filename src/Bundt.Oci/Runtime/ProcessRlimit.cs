namespace Bundt.Oci.Runtime;

/// <summary>One resource limit (setrlimit(2)).</summary>
/// <param name="Type">"RLIMIT_NOFILE" …</param>
/// <param name="Soft">Soft limit; <see cref="ulong.MaxValue"/> is unlimited.</param>
/// <param name="Hard">Hard limit; <see cref="ulong.MaxValue"/> is unlimited.</param>
public sealed record ProcessRlimit(string Type, ulong Soft, ulong Hard);
