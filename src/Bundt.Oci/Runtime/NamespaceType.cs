namespace Bundt.Oci.Runtime;

/// <summary>The kinds of namespaces (namespaces(7)).</summary>
public enum NamespaceType
{
    /// <summary>"pid".</summary>
    Pid,
    /// <summary>"network".</summary>
    Network,
    /// <summary>"mount".</summary>
    Mount,
    /// <summary>"ipc".</summary>
    Ipc,
    /// <summary>"uts".</summary>
    Uts,
    /// <summary>"user".</summary>
    User,
    /// <summary>"cgroup".</summary>
    Cgroup,
    /// <summary>"time".</summary>
    Time,
}
