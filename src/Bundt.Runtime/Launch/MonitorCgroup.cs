using Bundt.Linux.Cgroups;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Launch;

/// <summary>The cgroup of all monitors, /bundt/monitors: outside any service's, so that stopping the daemon does not reach them.</summary>
internal static class MonitorCgroup
{
    private static readonly Lock s_lock = new();
    private static Cgroup? s_cgroup;

    /// <summary>The cgroup, made when it is not there.</summary>
    public static SafeFileHandle Shared
    {
        get
        {
            lock (s_lock)
            {
                // Another daemon may have removed it while it was empty; a removed cgroup has no files.
                if (s_cgroup is null || s_cgroup.Read("cgroup.events") is null)
                {
                    s_cgroup?.Dispose();
                    s_cgroup = CgroupHierarchy.Host.TryOpen("/bundt/monitors") ?? CgroupHierarchy.Host.Create("/bundt/monitors", []);
                }

                return s_cgroup.Descriptor.Handle;
            }
        }
    }
}
