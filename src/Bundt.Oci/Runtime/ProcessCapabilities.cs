namespace Bundt.Oci.Runtime;

/// <summary>Capability sets by name, "CAP_CHOWN" (capabilities(7)).</summary>
public sealed record ProcessCapabilities
{
    /// <summary>Bounding set.</summary>
    public IReadOnlyList<string> Bounding { get; init; } = [];

    /// <summary>Effective set.</summary>
    public IReadOnlyList<string> Effective { get; init; } = [];

    /// <summary>Inheritable set.</summary>
    public IReadOnlyList<string> Inheritable { get; init; } = [];

    /// <summary>Permitted set.</summary>
    public IReadOnlyList<string> Permitted { get; init; } = [];

    /// <summary>Ambient set.</summary>
    public IReadOnlyList<string> Ambient { get; init; } = [];
}
