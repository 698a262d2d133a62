using Bundt.Engine.Containers;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Spec;

namespace Bundt.Engine.Launch;

/// <summary>Everything that a runtime config is made of: what was found on the host for this start is in here, so that the rest is pure.</summary>
internal sealed record ConfigInputs
{
    public required ContainerRecord Record { get; init; }

    /// <summary>Resolved in the container's own passwd and group files.</summary>
    public required ResolvedUser User { get; init; }

    /// <summary>Host paths of the three network files, the container's own or those of the one whose network it joins.</summary>
    public required (string Hostname, string Hosts, string ResolvConf) Files { get; init; }

    /// <summary>Devices asked for, with the access that the cgroup gives.</summary>
    public IReadOnlyList<(LinuxDevice Device, string Access)> Devices { get; init; } = [];

    /// <summary>All devices of the host, for a privileged container.</summary>
    public IReadOnlyList<LinuxDevice> AllDevices { get; init; } = [];

    /// <summary>/proc paths of namespaces of other containers that are joined.</summary>
    public IReadOnlyDictionary<NamespaceType, string> Joined { get; init; } = new Dictionary<NamespaceType, string>();

    /// <summary>What is bound as /dev/shm: the host's, or through /proc/PID/root that of the container whose IPC is joined; null: one of its own.</summary>
    public string? SharedShm { get; init; }

    /// <summary>What the host calls itself: the name in a container that shares its uts namespace.</summary>
    public string HostName { get; init; } = Environment.MachineName;

    /// <summary>The AppArmor profile; "" or "unconfined": none.</summary>
    public string AppArmorProfile { get; init; } = "";

    /// <summary>The default number of processes, null where no pids controller is at hand.</summary>
    public long? DefaultPids { get; init; }
}
