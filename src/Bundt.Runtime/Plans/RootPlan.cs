using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;

namespace Bundt.Runtime.Plans;

/// <summary>The root filesystem: where it comes from, how it gets into the container's mount namespace, pivot_root.</summary>
internal static class RootPlan
{
    internal static void Mount(PlanScope scope, PlanRequest request)
    {
        var plan = scope.Plan;
        plan.Prepare.Phase = plan.Supervise.Phase = plan.Init.Phase = Phase.Mount;

        // Slaves, never private: what the host mounts below an rslave bind arrives, what the container mounts does not leave.
        plan.Init.Propagation("/", KernelFlags.PropagationRecursive | KernelFlags.Slave);
        scope.Root = plan.NewSlot("root");
        if (request.Overlay is { } overlay)
        {
            // Made by the supervisor while the kernel makes init's namespaces; the supervisor's own copy outlives init (DESIGN, overlay, trap 1).
            if (scope.UserNamespace >= 0)
            {
                MapLayers(scope, overlay);
            }
            else
            {
                OpenLayers(scope, overlay);
            }

            plan.Supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Root, scope.Root);
            plan.Init.Receive(scope.Rendezvous.Init, PlanToken.Root, scope.Root);
            plan.Init.MoveMount(scope.Root, -1, overlay.MountPoint, sameKind: false, "mount the root on");
        }
        else
        {
            var path = Path.GetFullPath(scope.Config.Root?.Path ?? throw PlanScope.Invalid("root is missing from the config"), request.Bundle);
            if (path == "/")
            {
                throw PlanScope.Invalid("root.path is the host's own root");
            }

            var directory = plan.NewSlot("rootfs");
            plan.Prepare.Open(directory, -1, path, KernelFlags.PathOnly | KernelFlags.Directory);
            plan.Prepare.OpenTree(scope.Root, directory, null, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec | KernelFlags.Recursive, path);
            plan.Prepare.Setattr(scope.Root, 0, 0, KernelFlags.Slave, -1, recursive: true, path);
            plan.Init.MoveMount(scope.Root, -1, path, sameKind: false, "mount the root on");
        }
    }

    internal static void Pivot(PlanScope scope)
    {
        var init = scope.Plan.Init;
        init.Phase = Phase.Mount;
        if (scope.Process.Cwd.Length > 1)
        {
            // As runc: a missing working directory is made. What stands in the way is chdir's to report.
            init.Mkdir(scope.Root, scope.Process.Cwd, 0x1ed, PlanTolerate.Missing | PlanTolerate.Refused | PlanTolerate.Exists);
        }

        if (scope.Config.Root?.Readonly == true)
        {
            init.RemountRootReadonly(scope.Root);
        }

        init.PivotRoot(scope.Root);
        var propagation = scope.Linux.RootfsPropagation switch
        {
            null or "slave" or "rslave" => 0UL,
            "shared" => KernelFlags.Shared,
            "rshared" => KernelFlags.Shared | KernelFlags.PropagationRecursive,
            "private" => KernelFlags.Private,
            "rprivate" => KernelFlags.Private | KernelFlags.PropagationRecursive,
            "unbindable" => KernelFlags.Unbindable,
            "runbindable" => KernelFlags.Unbindable | KernelFlags.PropagationRecursive,
            var other => throw PlanScope.Invalid($"linux.rootfsPropagation: \"{other}\" is none of shared, slave, private and unbindable"),
        };
        if (propagation != 0)
        {
            init.Propagation("/", propagation);
        }
    }

    private static void OpenLayers(PlanScope scope, OverlayRoot overlay)
    {
        var plan = scope.Plan;
        const ulong Flags = KernelFlags.PathOnly;
        var first = -1;
        for (var i = 0; i < overlay.Lowers.Count; i++)
        {
            var slot = plan.NewSlot("lower");
            first = first < 0 ? slot : first;
            plan.Supervise.Open(slot, -1, overlay.Lowers[i], Flags | KernelFlags.Directory);
        }

        var upper = plan.NewSlot("upper");
        var work = plan.NewSlot("work");
        plan.Supervise.Open(upper, -1, overlay.Upper, Flags | KernelFlags.Directory);
        plan.Supervise.Open(work, -1, overlay.Work, Flags | KernelFlags.Directory);
        Overlay(scope, overlay, first, upper, work);
    }

    // The layers' files keep the ids they have on disk; the mounts below the overlay show them as the container's ids.
    private static void MapLayers(PlanScope scope, OverlayRoot overlay)
    {
        var plan = scope.Plan;
        var parent = Path.GetDirectoryName(overlay.Upper.TrimEnd('/')) ?? "/";
        if (Path.GetDirectoryName(overlay.Work.TrimEnd('/')) != parent)
        {
            throw PlanScope.Invalid($"upper directory {overlay.Upper} and work directory {overlay.Work} must stand side by side");
        }

        var first = -1;
        var opened = new int[overlay.Lowers.Count];
        for (var i = 0; i < opened.Length; i++)
        {
            opened[i] = plan.NewSlot("lower");
            first = first < 0 ? opened[i] : first;
        }

        for (var i = 0; i < opened.Length; i++)
        {
            Mapped(scope, opened[i], overlay.Lowers[i]);
        }

        var side = plan.NewSlot("writable");
        Mapped(scope, side, parent);
        var upper = plan.NewSlot("upper");
        var work = plan.NewSlot("work");
        const ulong Resolve = KernelFlags.ResolveInRoot | KernelFlags.ResolveNoMagicLinks;
        plan.Supervise.Open(upper, side, Path.GetFileName(overlay.Upper.TrimEnd('/')), KernelFlags.PathOnly | KernelFlags.Directory, Resolve);
        plan.Supervise.Open(work, side, Path.GetFileName(overlay.Work.TrimEnd('/')), KernelFlags.PathOnly | KernelFlags.Directory, Resolve);
        Overlay(scope, overlay, first, upper, work);
    }

    private static void Mapped(PlanScope scope, int slot, string path)
    {
        scope.Plan.Supervise.OpenTree(slot, -1, path, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec, path);
        scope.Plan.Supervise.Setattr(slot, MountOptions.IdMap, 0, KernelFlags.Private, scope.UserNamespace, recursive: false, path);
    }

    private static void Overlay(PlanScope scope, OverlayRoot overlay, int first, int upper, int work)
    {
        if (overlay.Lowers.Count is 0 or > 127)
        {
            throw PlanScope.Invalid($"an overlay root has 1 to 127 layers, not {overlay.Lowers.Count}");
        }

        // A layer's own redirect and metacopy xattrs must not lead anywhere.
        var options = new List<string> { "source=overlay", "redirect_dir=nofollow", "metacopy=off" };
        if (overlay.Volatile)
        {
            options.Add("volatile");
        }

        scope.Plan.Supervise.Overlay(scope.Root, first, overlay.Lowers.Count, upper, work, options, overlay.MountPoint);
    }
}
