namespace Bundt.Oci.Runtime;

/// <summary>Offset of a clock in a time namespace.</summary>
/// <param name="Secs">Seconds.</param>
/// <param name="Nanosecs">Nanoseconds, added to the seconds.</param>
public readonly record struct TimeOffset(long Secs, uint Nanosecs);
