using Bundt.Oci.Runtime;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Limits;

/// <summary>What "linux.intelRdt" has left in the resctrl file system.</summary>
internal static class ResctrlGroup
{
    /// <summary>Removes the groups that are the container's own; a class that the config names is somebody else's.</summary>
    /// <param name="id">The container's id.</param>
    /// <param name="config">Reads the config; asked where a resctrl is mounted at all.</param>
    internal static void Remove(string id, Func<RuntimeConfig?> config)
    {
        if (!HostFacts.Own.HasResctrl() || config()?.Linux?.IntelRdt is not { } rdt)
        {
            return;
        }

        var own = rdt.ClosId is null ? id : rdt.EnableMonitoring ? ResctrlPlan.Group(rdt, id) + "/mon_groups/" + id : null;
        if (own is not null && Directory.Exists(Path.Join(ResctrlPlan.Mount, own)))
        {
            Directory.Delete(Path.Join(ResctrlPlan.Mount, own));
        }
    }
}
