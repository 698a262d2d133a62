using Bundt.Runtime.Launch;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Containers;

/// <summary>How a container is created.</summary>
public sealed record CreateOptions
{
    /// <summary>Absolute path of the bundle.</summary>
    public required string Bundle { get; init; }

    /// <summary>Path of the config, as a rule config.json of the bundle.</summary>
    public required string ConfigPath { get; init; }

    /// <summary>Host path of a file that gets the pid, or null.</summary>
    public string? PidFile { get; init; }

    /// <summary>A connected socket that gets a pidfd of the process; null: none.</summary>
    public SafeFileHandle? PidFdSocket { get; init; }

    /// <summary>A connected socket that gets the terminal's master; null: none.</summary>
    public SafeFileHandle? ConsoleSocket { get; init; }

    /// <summary>Descriptors from 3 up that are activated sockets (sd_listen_fds(3)).</summary>
    public int ListenFds { get; init; }

    /// <summary>Descriptors behind them that the container keeps.</summary>
    public int PreserveFds { get; init; }

    /// <summary>Who makes its cgroup.</summary>
    public CgroupDriver CgroupDriver { get; init; }

    /// <summary>The root is moved over "/" and entered by chroot: where pivot_root cannot be had (an initramfs).</summary>
    public bool NoPivot { get; init; }

    /// <summary>The process keeps the caller's session keyring.</summary>
    public bool NoNewKeyring { get; init; }

    /// <summary>The process waits for start.</summary>
    public bool WaitForStart { get; init; } = true;

    /// <summary>
    /// The caller stays until the container's end: it gets the terminal's master if the config wants one and there is no console socket, and
    /// is not kept waiting until the container says that it is ready.
    /// </summary>
    public bool Foreground { get; init; }

    /// <summary>Is told what does not keep the container from running, but is not as the config wants it.</summary>
    public Action<string>? Warn { get; init; }
}
