using Bundt.Linux;

namespace Bundt.Engine.Containers;

/// <summary>What a caller wants to do with a container, as far as its state decides whether it may.</summary>
internal enum Operation
{
    Start,
    Stop,
    Kill,
    Pause,
    Unpause,
    Resize,
    Exec,
    Rename,
    Connect,
    Remove,
    RemoveByForce,
}

/// <summary>The states of a container, the ways between them, and what may be done in each. Everything about states stands here.</summary>
internal static class ContainerStates
{
    private static readonly Dictionary<ContainerStatus, ContainerStatus[]> s_ways = new()
    {
        [ContainerStatus.Created] = [ContainerStatus.Running, ContainerStatus.Removing],
        [ContainerStatus.Running] = [ContainerStatus.Paused, ContainerStatus.Exited],
        [ContainerStatus.Paused] = [ContainerStatus.Running, ContainerStatus.Exited],
        [ContainerStatus.Exited] = [ContainerStatus.Running, ContainerStatus.Removing],
        [ContainerStatus.Removing] = [ContainerStatus.Dead],
        [ContainerStatus.Dead] = [ContainerStatus.Removing],
    };

    /// <summary>Docker's word for a state.</summary>
    public static string Word(ContainerStatus status) => status switch
    {
        ContainerStatus.Created => "created",
        ContainerStatus.Running => "running",
        ContainerStatus.Paused => "paused",
        ContainerStatus.Exited => "exited",
        ContainerStatus.Removing => "removing",
        _ => "dead",
    };

    /// <summary>Whether there is a way from one state to another.</summary>
    public static bool MayBecome(ContainerStatus from, ContainerStatus to) => s_ways[from].Contains(to);

    /// <summary>Whether init lives in this state.</summary>
    public static bool Lives(ContainerStatus status) => status is ContainerStatus.Running or ContainerStatus.Paused;

    /// <summary>Whether the operation may be tried in this state; if not, Docker's words for it.</summary>
    /// <param name="status">Where the container stands.</param>
    /// <param name="operation">What is wanted.</param>
    /// <param name="id">For the text.</param>
    /// <param name="name">For the text.</param>
    public static BundtException? Refuse(ContainerStatus status, Operation operation, string id, string name) => (operation, status) switch
    {
        (Operation.Start, ContainerStatus.Running) => NotModified($"container {name} is already running"),
        (Operation.Start, ContainerStatus.Paused) => Conflict("cannot start a paused container, try unpause instead"),
        (Operation.Start, ContainerStatus.Removing or ContainerStatus.Dead) => Conflict("container is marked for removal and cannot be started"),

        (Operation.Stop, not (ContainerStatus.Running or ContainerStatus.Paused)) => NotModified($"container {name} is already stopped"),

        (Operation.Kill, not (ContainerStatus.Running or ContainerStatus.Paused)) =>
            Conflict($"cannot kill container: {name}: container {id} is not running"),

        (Operation.Pause, ContainerStatus.Paused) => Conflict($"container {id} is already paused"),
        (Operation.Pause, not ContainerStatus.Running) => Conflict($"container {id} is not running"),
        (Operation.Unpause, not ContainerStatus.Paused) => Conflict($"Container {id} is not paused"),

        (Operation.Resize, not (ContainerStatus.Running or ContainerStatus.Paused)) => Conflict($"container {id} is not running"),

        (Operation.Exec, ContainerStatus.Paused) => Conflict($"container {id} is paused, unpause the container before exec"),
        (Operation.Exec, not ContainerStatus.Running) => Conflict($"container {id} is not running"),

        (Operation.Rename, ContainerStatus.Removing or ContainerStatus.Dead) => Conflict("container is marked for removal and cannot be renamed"),

        (Operation.Connect, ContainerStatus.Removing or ContainerStatus.Dead) =>
            Conflict($"container {id} is marked for removal and cannot be connected or disconnected to the network"),

        (Operation.Remove, ContainerStatus.Running) =>
            Conflict($"cannot remove container \"/{name}\": container is running: stop the container before removing or force remove"),
        (Operation.Remove, ContainerStatus.Paused) =>
            Conflict($"cannot remove container \"/{name}\": container is paused and must be unpaused first"),
        (Operation.Remove or Operation.RemoveByForce, ContainerStatus.Removing) => Conflict($"removal of container {name} is already in progress"),
        _ => null,
    };

    private static BundtException Conflict(string text) => new(FailureKind.Conflict, Phase.Run, text);

    private static BundtException NotModified(string text) => new(FailureKind.NotModified, Phase.Run, text);
}
