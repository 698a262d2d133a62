namespace Bundt.Oci.Runtime;

/// <summary>Upper rate of one block device.</summary>
public sealed record ThrottleDevice(long Major, long Minor, ulong Rate);
