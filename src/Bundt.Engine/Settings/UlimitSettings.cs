namespace Bundt.Engine;

/// <summary>An rlimit ("nofile", soft, hard; -1 is unlimited).</summary>
public sealed record UlimitSettings(string Name, long Soft, long Hard);
