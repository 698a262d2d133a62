namespace Bundt.Oci.Runtime;

/// <summary>NUMA memory policy (set_mempolicy(2), runtime-spec 1.3).</summary>
/// <param name="Mode">"MPOL_BIND" …; empty: not given.</param>
/// <param name="Nodes">List of nodes ("0-1").</param>
/// <param name="Flags">"MPOL_F_STATIC_NODES" …</param>
public sealed record LinuxMemoryPolicy(string Mode, string? Nodes, IReadOnlyList<string> Flags);
