using System.Text;
using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>
/// "linux.intelRdt": the process's group in the resctrl file system (Documentation/filesystems/resctrl.rst), written by the supervisor before the
/// process executes anything.
/// </summary>
internal static class ResctrlPlan
{
    /// <summary>Where the file system is mounted.</summary>
    internal const string Mount = "/sys/fs/resctrl";

    /// <summary>Makes the groups that are the container's own.</summary>
    internal static void Make(PlanScope scope, string id)
    {
        if (scope.Linux.IntelRdt is not { } rdt)
        {
            return;
        }

        Check(scope, rdt);
        var supervise = scope.Plan.Supervise;
        supervise.Phase = Phase.Cgroup;
        var root = scope.Plan.NewSlot("resctrl");
        supervise.Open(root, -1, Mount, KernelFlags.PathOnly | KernelFlags.Directory);
        var group = Group(rdt, id);
        var schemata = string.Concat(((string?[])[rdt.L3CacheSchema, rdt.MemBwSchema, .. rdt.Schemata]).Where(line => !string.IsNullOrEmpty(line)).Select(line => line + "\n"));

        // A class that is only named must be there.
        if (group.Length > 0 && (rdt.ClosId is null || schemata.Length > 0))
        {
            supervise.Mkdir(root, group, 0x1ed);
        }

        if (schemata.Length > 0)
        {
            supervise.Write(root, group + "/schemata", Encoding.ASCII.GetBytes(schemata), 0, PlanTolerate.None, "linux.intelRdt");
        }

        if (rdt.EnableMonitoring)
        {
            supervise.Mkdir(root, group + "/mon_groups/" + id, 0x1ed);
        }

        supervise.Close(root);
    }

    /// <summary>Puts the process into its container's groups: the last that is done to it, since the supervisor waits for it here.</summary>
    internal static void Join(PlanScope scope, string? id)
    {
        if (scope.Linux.IntelRdt is { } rdt && (id ?? rdt.ClosId) is { } name)
        {
            Check(scope, rdt);
            var supervise = scope.Plan.Supervise;
            var root = scope.Plan.NewSlot("resctrl");
            supervise.Open(root, -1, Mount, KernelFlags.PathOnly | KernelFlags.Directory);
            var group = Group(rdt, name);
            supervise.WritePid(root, group + "/tasks", "linux.intelRdt");
            if (rdt.EnableMonitoring)
            {
                supervise.WritePid(root, group + "/mon_groups/" + name + "/tasks", "linux.intelRdt.enableMonitoring");
            }

            supervise.Close(root);
        }
    }

    /// <summary>The group below <see cref="Mount"/>; empty: that of the whole machine.</summary>
    internal static string Group(LinuxIntelRdt rdt, string id) => rdt.ClosId == "/" ? "" : rdt.ClosId ?? id;

    private static void Check(PlanScope scope, LinuxIntelRdt rdt)
    {
        if (rdt.ClosId is "." or ".." || rdt.ClosId is { Length: > 1 } name && name.Contains('/', StringComparison.Ordinal))
        {
            throw PlanScope.Invalid($"linux.intelRdt.closID: invalid intelRdt.ClosID \"{rdt.ClosId}\"");
        }

        if (!scope.Host.HasResctrl())
        {
            throw PlanScope.Invalid($"linux.intelRdt: intelRdt is specified in config, but Intel RDT is not enabled: no resctrl is mounted on {Mount}");
        }
    }
}
