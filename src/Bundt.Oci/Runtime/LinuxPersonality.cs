namespace Bundt.Oci.Runtime;

/// <summary>Execution domain (personality(2)).</summary>
/// <param name="Domain">"LINUX" or "LINUX32".</param>
/// <param name="Flags">None are defined by the specification.</param>
public sealed record LinuxPersonality(string Domain, IReadOnlyList<string> Flags);
