namespace Bundt.Runtime.Spec;

/// <summary>Who a process runs as, from the container's passwd and group files.</summary>
/// <param name="Uid">User id.</param>
/// <param name="Gid">Primary group id.</param>
/// <param name="AdditionalGids">Supplementary groups; the primary one is always among them (CVE-2022-36109).</param>
/// <param name="Home">Home directory; "/" when passwd has none.</param>
public sealed record ResolvedUser(uint Uid, uint Gid, IReadOnlyList<uint> AdditionalGids, string Home);
