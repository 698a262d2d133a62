using Bundt.Linux.Capabilities;
using Bundt.Linux.Mounts;
using Bundt.Linux.Processes;

namespace Bundt.Runtime.Plans;

/// <summary>What the compilation of a plan asks of the host. Each answer is asked for only where a config makes a difference by it.</summary>
public sealed record HostFacts
{
    /// <summary>The host that this process runs on.</summary>
    public static HostFacts Own { get; } = new();

    /// <summary>The capabilities that the launcher can give: this process's own.</summary>
    public CapabilitySet Available { get; init; } = CapabilitySet.Own;

    /// <summary>The hard limit of a resource that the launcher itself has, by the resource's number.</summary>
    public Func<int, ulong> HardLimit { get; init; } = ResourceLimits.Hard;

    /// <summary>Whether a procfs of a pid namespace can be mounted from outside of it (Linux 6.18).</summary>
    public Func<bool> MountsProcOfOthers { get; init; } = () => ProcMount.TakesPidNamespace;

    /// <summary>What a host path's symbolic link says; null: it is none.</summary>
    public Func<string, string?> LinkTarget { get; init; } = path => new FileInfo(path).LinkTarget;

    /// <summary>Whether resctrl is mounted (Intel RDT).</summary>
    public Func<bool> HasResctrl { get; init; } = () => File.Exists(ResctrlPlan.Mount + "/schemata");

    /// <summary>Whether AppArmor is enabled.</summary>
    public Func<bool> HasApparmor { get; init; } = () =>
        File.Exists("/sys/module/apparmor/parameters/enabled") && File.ReadAllText("/sys/module/apparmor/parameters/enabled").StartsWith('Y');

    /// <summary>Whether SELinux is enabled.</summary>
    public Func<bool> HasSelinux { get; init; } = () => File.Exists("/sys/fs/selinux/enforce");
}
