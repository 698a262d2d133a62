namespace Bundt.Runtime.Seccomp;

/// <summary>A condition on where a rule of a profile applies ("includes" or "excludes" of Docker's format).</summary>
/// <param name="Capabilities">Names of capabilities: all of them must be in the bounding set (includes), any of them is enough (excludes).</param>
/// <param name="Architectures">Go names ("amd64", "x32"): one of them must be native.</param>
/// <param name="MinKernel">Lowest kernel version, or null.</param>
public sealed record ProfileGate(IReadOnlyList<string> Capabilities, IReadOnlyList<string> Architectures, Version? MinKernel)
{
    /// <summary>No condition.</summary>
    public static ProfileGate None { get; } = new([], [], null);
}
