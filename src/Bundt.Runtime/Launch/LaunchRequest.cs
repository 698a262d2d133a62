using Bundt.Oci.Runtime;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Launch;

/// <summary>A container to launch under a monitor.</summary>
public sealed record LaunchRequest
{
    /// <summary>The container's id (names the cgroup, the process).</summary>
    public required string Id { get; init; }

    /// <summary>The OCI runtime config. root.path is ignored when <see cref="Overlay"/> is given.</summary>
    public required RuntimeConfig Config { get; init; }

    /// <summary>An overlay root, or null: root.path of the config.</summary>
    public OverlayRoot? Overlay { get; init; }

    /// <summary>The mount of <see cref="Overlay"/>, made ahead; null: the launcher makes it. Not with a user namespace. The caller's to dispose.</summary>
    public SafeFileHandle? Root { get; init; }

    /// <summary>
    /// What a config that asks for a new network namespace gets, made ahead; null: the launcher makes one. Not with a user namespace.
    /// The caller's to dispose.
    /// </summary>
    public SafeFileHandle? NetworkNamespace { get; init; }

    /// <summary>
    /// Gives the container's network namespace its interfaces, while the launcher does everything else: the command is not executed before that is done, and not
    /// at all if it fails. Null: there is nothing to be done.
    /// </summary>
    public Action<SafeFileHandle>? Connect { get; init; }

    /// <summary>The monitor.</summary>
    public required MonitorSettings Monitor { get; init; }

    /// <summary>Run the command below a minimal init (--init).</summary>
    public bool InitProcess { get; init; }
}
