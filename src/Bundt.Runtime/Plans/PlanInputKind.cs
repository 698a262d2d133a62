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
    /// <summary>The root, a mount that is attached nowhere yet.</summary>
    Root,
    /// <summary>A new network namespace with its loopback interface up.</summary>
    NetworkNamespace,
    /// <summary>A connected console socket that gets the pty's master.</summary>
    ConsoleSocket,
    /// <summary>A pipe from which the supervisor reads the word to go on: where it pauses between mounts and pivot, and before the command.</summary>
    Go,
    /// <summary>A pipe into which the supervisor writes init's pid, before init may go on.</summary>
    Pid,
}
