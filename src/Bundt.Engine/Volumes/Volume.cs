namespace Bundt.Engine;

/// <summary>A volume.</summary>
public sealed record Volume(string Name, string MountPoint, DateTimeOffset Created, IReadOnlyDictionary<string, string> Labels, IReadOnlyDictionary<string, string> Options, bool Anonymous);
