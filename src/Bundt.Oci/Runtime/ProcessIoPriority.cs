namespace Bundt.Oci.Runtime;

/// <summary>I/O priority (ioprio_set(2)).</summary>
/// <param name="Class">"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE" or "IOPRIO_CLASS_IDLE".</param>
/// <param name="Priority">0 (highest) to 7.</param>
public sealed record ProcessIoPriority(string Class, int Priority);
