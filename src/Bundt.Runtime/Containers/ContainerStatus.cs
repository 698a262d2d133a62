namespace Bundt.Runtime.Containers;

/// <summary>The state of an OCI container (runtime-spec, runtime.md "State").</summary>
public enum ContainerStatus
{
    /// <summary>Its process waits for start.</summary>
    Created,
    /// <summary>Its process runs the command.</summary>
    Running,
    /// <summary>It is frozen.</summary>
    Paused,
    /// <summary>Its process has ended.</summary>
    Stopped,
}
