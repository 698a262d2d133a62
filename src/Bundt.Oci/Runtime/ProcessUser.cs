namespace Bundt.Oci.Runtime;

/// <summary>User and groups of a process, as the container's user namespace numbers them ("process.user").</summary>
public sealed record ProcessUser
{
    /// <summary>User id.</summary>
    public uint Uid { get; init; }

    /// <summary>Group id.</summary>
    public uint Gid { get; init; }

    /// <summary>umask; null: 0022.</summary>
    public uint? Umask { get; init; }

    /// <summary>Supplementary group ids.</summary>
    public IReadOnlyList<uint> AdditionalGids { get; init; } = [];
}
