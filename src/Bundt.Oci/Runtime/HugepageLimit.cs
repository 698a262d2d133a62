namespace Bundt.Oci.Runtime;

/// <summary>Limit of huge pages of one size.</summary>
/// <param name="PageSize">"2MB", "1GB".</param>
/// <param name="Limit">Bytes.</param>
public sealed record HugepageLimit(string PageSize, ulong Limit);
