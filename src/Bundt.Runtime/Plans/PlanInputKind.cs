namespace Bundt.Runtime.Plans;

/// <summary>The descriptors that a plan may be given.</summary>
public enum PlanInputKind
{
    /// <summary>The container's cgroup directory.</summary>
    Cgroup,
    /// <summary>A pidfd of the container's init, for an exec.</summary>
    InitPidFd,
    /// <summary>A connected socket of a client attached from the first byte on.</summary>
    Client,
    /// <summary>A connected console socket that gets the pty's master.</summary>
    ConsoleSocket,
}
