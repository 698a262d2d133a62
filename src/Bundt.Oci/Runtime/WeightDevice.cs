namespace Bundt.Oci.Runtime;

/// <summary>Weight of one block device.</summary>
public sealed record WeightDevice(long Major, long Minor, int? Weight, int? LeafWeight);
