namespace Bundt.Oci.Runtime;

/// <summary>Limits of one RDMA device; null is unset.</summary>
public sealed record RdmaLimit(uint? HcaHandles, uint? HcaObjects);
