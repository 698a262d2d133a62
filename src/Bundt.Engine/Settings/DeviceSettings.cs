namespace Bundt.Engine;

/// <summary>A device: host path, path inside, "rwm".</summary>
public sealed record DeviceSettings(string PathOnHost, string PathInContainer, string CgroupPermissions);
