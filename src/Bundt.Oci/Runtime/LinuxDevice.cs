namespace Bundt.Oci.Runtime;

/// <summary>A device node.</summary>
public sealed record LinuxDevice
{
    /// <summary>Absolute path in the container.</summary>
    public required string Path { get; init; }

    /// <summary>'c' or 'u' character, 'b' block, 'p' fifo.</summary>
    public required char Type { get; init; }

    /// <summary>Major number.</summary>
    public long Major { get; init; }

    /// <summary>Minor number.</summary>
    public long Minor { get; init; }

    /// <summary>Permission bits; null: 0666.</summary>
    public uint? FileMode { get; init; }

    /// <summary>Owner in the container; null: 0.</summary>
    public uint? Uid { get; init; }

    /// <summary>Group in the container; null: 0.</summary>
    public uint? Gid { get; init; }
}
