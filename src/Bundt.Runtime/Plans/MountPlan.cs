using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>The config's mounts, in their order.</summary>
internal static class MountPlan
{
    internal static void Mount(PlanScope scope, PlanRequest request)
    {
        var mounts = scope.Config.Mounts;
        for (var i = 0; i < mounts.Count; i++)
        {
            scope.Plan.Prepare.Phase = scope.Plan.Supervise.Phase = scope.Preparing.Phase = Linux.Phase.Mount;
            var options = MountOptions.Parse(mounts[i].Options);
            var target = new MountTarget(scope, mounts[i], options);
            if (options.Remount)
            {
                FileSystemPlan.Remount(scope, mounts[i], target, options);
            }
            else if (IsBind(mounts[i]))
            {
                BindPlan.Mount(scope, request, mounts[i], target, options);
            }
            else if (options.Mapped || mounts[i].UidMappings.Count + mounts[i].GidMappings.Count > 0)
            {
                throw PlanScope.Invalid($"mounts[{i}]: id-mapped mounts are only supported for bind-mounts ({target.Path})");
            }
            else
            {
                FileSystemPlan.Mount(scope, mounts[i], target, options);
            }
        }
    }

    /// <summary>Whether a mount shows what is elsewhere on the host.</summary>
    internal static bool IsBind(RuntimeMount mount)
    {
        var bind = mount.Type is "bind" or "rbind";
        for (var i = 0; i < mount.Options.Count && !bind; i++)
        {
            bind = mount.Options[i] is "bind" or "rbind";
        }

        return bind;
    }
}
