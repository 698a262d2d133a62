using Bundt.Runtime.Launch;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Containers;

/// <summary>How a container is created.</summary>
public sealed record CreateOptions
{
    /// <summary>Absolute path of the bundle.</summary>
    public required string Bundle { get; init; }

    /// <summary>Host path of a file that gets the pid, or null.</summary>
    public string? PidFile { get; init; }

    /// <summary>A connected socket that gets the terminal's master; null: none.</summary>
    public SafeFileHandle? ConsoleSocket { get; init; }

    /// <summary>Descriptors 3 and up that the container keeps.</summary>
    public int PreserveFds { get; init; }

    /// <summary>Who makes its cgroup.</summary>
    public CgroupDriver CgroupDriver { get; init; }

    /// <summary>The process waits for start.</summary>
    public bool WaitForStart { get; init; } = true;
}
