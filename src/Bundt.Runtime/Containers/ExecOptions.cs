using Bundt.Oci.Runtime;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Containers;

/// <summary>A further process in a container: a whole process object, or the container's own with changes.</summary>
public sealed record ExecOptions
{
    /// <summary>The process (--process); null: the container's, changed by what follows.</summary>
    public RuntimeProcess? Process { get; init; }

    /// <summary>Its command.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>Variables beside the container's, "KEY=value"; they win.</summary>
    public IReadOnlyList<string> Env { get; init; } = [];

    /// <summary>Working directory; null: the container's.</summary>
    public string? Cwd { get; init; }

    /// <summary>User id; null: the container's user.</summary>
    public uint? Uid { get; init; }

    /// <summary>Group id; null: the container's, or 0 when a user is given.</summary>
    public uint? Gid { get; init; }

    /// <summary>Supplementary groups beside the container's.</summary>
    public IReadOnlyList<uint> AdditionalGids { get; init; } = [];

    /// <summary>It gets a terminal.</summary>
    public bool? Terminal { get; init; }

    /// <summary>Capabilities beside the container's ("CAP_NET_ADMIN").</summary>
    public IReadOnlyList<string> Capabilities { get; init; } = [];

    /// <summary>no_new_privs; null: as the container has it.</summary>
    public bool? NoNewPrivileges { get; init; }

    /// <summary>AppArmor profile; null: the container's.</summary>
    public string? ApparmorProfile { get; init; }

    /// <summary>SELinux label; null: the container's.</summary>
    public string? SelinuxLabel { get; init; }

    /// <summary>Host path of a file that gets the pid, or null.</summary>
    public string? PidFile { get; init; }

    /// <summary>A connected socket that gets a pidfd of the process; null: none.</summary>
    public SafeFileHandle? PidFdSocket { get; init; }

    /// <summary>A connected socket that gets the terminal's master; null: none.</summary>
    public SafeFileHandle? ConsoleSocket { get; init; }

    /// <summary>The caller stays until its end, and serves its terminal if there is no console socket.</summary>
    public bool Foreground { get; init; }

    /// <summary>Descriptors from 3 up that it keeps.</summary>
    public int PreserveFds { get; init; }

    /// <summary>A cgroup below the container's ("/jobs"); null: the one that the container's first process is in.</summary>
    public string? Cgroup { get; init; }

    /// <summary>A paused container does not refuse it; it starts when the container is resumed.</summary>
    public bool IgnorePaused { get; init; }

    /// <summary>Is told what does not keep the process from running.</summary>
    public Action<string>? Warn { get; init; }
}
