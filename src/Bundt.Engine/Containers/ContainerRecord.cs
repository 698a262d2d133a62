using Bundt.Engine.Networks;
using Bundt.Oci.Image;

namespace Bundt.Engine.Containers;

/// <summary>`container.json`: what a container was asked to be. Written at create and at rename; everything else is derived or in `state.json`.</summary>
internal sealed record ContainerRecord
{
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public required string Id { get; init; }

    public required string Name { get; init; }

    public required DateTimeOffset Created { get; init; }

    /// <summary>"sha256:…" of the image's config.</summary>
    public required string ImageId { get; init; }

    public required ContainerSettings Settings { get; init; }

    /// <summary>The image's configuration with the settings merged in, as of create: a later change of the image changes nothing.</summary>
    public required ImageRunConfig Effective { get; init; }

    public IReadOnlyList<MountRecord> Mounts { get; init; } = [];

    /// <summary>The networks that it is in when it runs.</summary>
    public IReadOnlyList<NetworkMembership> Networks { get; init; } = [];

    /// <summary>It was made to be started at once, by one request: if that never came about, with --rm it is half-made.</summary>
    public bool StartFollows { get; init; }

    /// <summary>First host id and number of ids of the container's own user namespace; null: none.</summary>
    public IdRange? UserNamespace { get; init; }
}

/// <summary>A range of host ids that a user namespace maps from 0 on.</summary>
internal sealed record IdRange(uint First, uint Size);

/// <summary>One mount of a container as resolved at create.</summary>
internal sealed record MountRecord
{
    /// <summary>"bind", "volume" or "tmpfs".</summary>
    public required string Type { get; init; }

    public required string Destination { get; init; }

    /// <summary>Host path; "" for tmpfs.</summary>
    public string Source { get; init; } = "";

    /// <summary>The volume's name.</summary>
    public string? Volume { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary>The options as the user wrote them ("ro,z"), for inspect.</summary>
    public string Mode { get; init; } = "";

    /// <summary>"rprivate", "rslave" …; "" for the default.</summary>
    public string Propagation { get; init; } = "";

    public bool NonRecursive { get; init; }

    /// <summary>Make the host directory at start if it is missing (docker's -v).</summary>
    public bool CreateSource { get; init; }

    /// <summary>fstab options of a tmpfs.</summary>
    public IReadOnlyList<string> TmpfsOptions { get; init; } = [];

    /// <summary>An anonymous volume of this container's own: goes with it on request.</summary>
    public bool Anonymous { get; init; }
}
