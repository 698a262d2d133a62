namespace Bundt.Engine;

/// <summary>The states of a container. The table of transitions stands in ContainerStates.cs.</summary>
public enum ContainerStatus
{
    /// <summary>Made, never started.</summary>
    Created,
    /// <summary>Its process runs.</summary>
    Running,
    /// <summary>Frozen.</summary>
    Paused,
    /// <summary>Ended; see the exit code.</summary>
    Exited,
    /// <summary>Being removed.</summary>
    Removing,
    /// <summary>Damaged or half removed: only removal helps.</summary>
    Dead,
}
