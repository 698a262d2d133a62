namespace Bundt.Engine;

/// <summary>One mount point as inspect shows it.</summary>
public sealed record MountPoint(string Type, string? Name, string Source, string Destination, string Driver, string Mode, bool ReadWrite, string Propagation);
