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
        plan.Prepare.Phase = plan.Supervise.Phase = scope.Preparing.Phase = Phase.Mount;

        if (!scope.Has(NamespaceType.Mount) && (request.HasRoot || request.Overlay is not null))
        {
            throw PlanScope.Invalid("an overlay root needs a mount namespace", "It would cover the caller's own root.");
        }

        if (scope.Has(NamespaceType.Mount))
        {
            // Slaves, never private: what the host mounts below an rslave bind arrives, what the container mounts does not leave.
            scope.Preparing.Propagation("/", KernelFlags.PropagationRecursive | KernelFlags.Slave);
        }

        if (scope.Has(NamespaceType.Mount) && request.NoPivot)
        {
            // The container's root will cover the host's for good. A whole procfs or sysfs below it would let the kernel mount further ones.
            scope.Preparing.UnmountAll("sysfs");
            scope.Preparing.UnmountAll("proc");
        }

        scope.Root = request.HasRoot ? plan.Input(PlanInputKind.Root) : plan.NewSlot("root");
        if (request.HasRoot)
        {
            // Both parties have it from the start.
        }
        else if (request.Overlay is { } overlay)
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
            scope.Preparing.Receive(scope.Rendezvous.Init, PlanToken.Root, scope.Root);
        }
        else
        {
            var path = Path.GetFullPath(scope.Config.Root?.Path ?? throw PlanScope.Invalid("root is missing from the config"), request.Bundle);
            if (path == "/")
            {
                throw PlanScope.Invalid("root.path is the host's own root");
            }

            scope.RootPath = path.TrimEnd('/');
            var directory = plan.NewSlot("rootfs");
            plan.Prepare.Open(directory, -1, path, KernelFlags.PathOnly | KernelFlags.Directory);
            plan.Prepare.OpenTree(scope.Root, directory, null, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec | KernelFlags.Recursive, path);
            plan.Prepare.Setattr(scope.Root, 0, 0, KernelFlags.Slave, -1, recursive: true, path);
            if (Propagation(scope) is var (propagation, isRecursive) && propagation is KernelFlags.Shared or KernelFlags.Private)
            {
                // Shared with its own copies alone: what is mounted in the container's root does not appear in the host's.
                plan.Prepare.Setattr(scope.Root, 0, 0, KernelFlags.Private, -1, isRecursive, path);
            }

            if (!scope.Has(NamespaceType.Mount))
            {
                // In the caller's mount namespace: onto the directory itself, where whoever wanted it so finds and unmounts it.
                scope.Preparing.MoveMount(scope.Root, directory, "/", sameKind: false, "mount the container's root on");
                return;
            }

            if (HookPlan.SeeRoot(scope.Config) && !request.NoPivot)
            {
                scope.Preparing.MoveMount(scope.Root, -1, path, sameKind: false, "mount the container's root on");
                return;
            }
        }

        // Over the host's root, not on a directory of it: with a user namespace the way there may be closed to init (0700).
        scope.Preparing.MoveMount(scope.Root, -1, "/", sameKind: false, "mount the container's root over");
    }

    /// <summary>The root becomes the process's own.</summary>
    internal static void Enter(PlanScope scope, bool noPivot)
    {
        var init = scope.Preparing;
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

        if (noPivot || !scope.Has(NamespaceType.Mount))
        {
            init.Chroot(scope.Root);
        }
        else
        {
            init.PivotRoot(scope.Root);
        }

        var (propagation, recursive) = Propagation(scope);
        if (propagation is not (0 or KernelFlags.Private))
        {
            // Not private: that would take from the config's mounts what each of them asked for. The root itself is it already.
            init.Propagation("/", propagation | (recursive ? KernelFlags.PropagationRecursive : 0));
        }
    }

    // 0: a slave, which it is anyway.
    private static (ulong Kind, bool Recursive) Propagation(PlanScope scope)
    {
        var name = scope.Linux.RootfsPropagation;
        return name switch
        {
            null or "slave" or "rslave" => (0, false),
            "shared" or "rshared" => (KernelFlags.Shared, name[0] == 'r'),
            "private" or "rprivate" => (KernelFlags.Private, name[0] == 'r'),
            "unbindable" or "runbindable" => (KernelFlags.Unbindable, name[0] == 'r'),
            _ => throw PlanScope.Invalid($"linux.rootfsPropagation: \"{name}\" is none of shared, slave, private and unbindable"),
        };
    }

    private static void OpenLayers(PlanScope scope, OverlayRoot overlay)
    {
        var plan = scope.Plan;
        var first = -1;
        for (var i = 0; i < overlay.Lowers.Count; i++)
        {
            var slot = plan.NewSlot("lower");
            first = first < 0 ? slot : first;
            plan.Supervise.Open(slot, -1, overlay.Lowers[i], KernelFlags.PathOnly | KernelFlags.Directory);
        }

        var (upper, work) = OpenWritable(plan, overlay);
        Overlay(scope, overlay, first, upper, work);
    }

    // Image layers keep the ids they have on disk; the mounts below the overlay show them as the container's ids. The writable layer is the
    // container's own and holds the ids it really runs with: overlayfs writes there as the host's root, whom an idmapped mount does not know.
    private static void MapLayers(PlanScope scope, OverlayRoot overlay)
    {
        var plan = scope.Plan;
        var first = -1;
        for (var i = 0; i < overlay.Lowers.Count; i++)
        {
            var slot = plan.NewSlot("lower");
            first = first < 0 ? slot : first;
            plan.Supervise.OpenTree(slot, -1, overlay.Lowers[i], KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec, overlay.Lowers[i]);
            plan.Supervise.Setattr(slot, MountOptions.IdMap, 0, KernelFlags.Private, scope.UserNamespace, recursive: false, overlay.Lowers[i]);
        }

        var (upper, work) = OpenWritable(plan, overlay);
        plan.Supervise.Chown(upper, null, HostId(scope.Uids), HostId(scope.Gids), overlay.Upper);
        Overlay(scope, overlay, first, upper, work);
    }

    // The host's id of the container's root.
    private static uint HostId(IReadOnlyList<IdMapping> mappings) =>
        IdMaps.Outside(mappings, 0) ?? throw PlanScope.Invalid("the id mappings of the user namespace do not map the container's root");

    private static (int Upper, int Work) OpenWritable(PlanBuilder plan, OverlayRoot overlay)
    {
        var upper = plan.NewSlot("upper");
        var work = plan.NewSlot("work");
        plan.Supervise.Open(upper, -1, overlay.Upper, KernelFlags.PathOnly | KernelFlags.Directory);
        plan.Supervise.Open(work, -1, overlay.Work, KernelFlags.PathOnly | KernelFlags.Directory);
        return (upper, work);
    }

    private static void Overlay(PlanScope scope, OverlayRoot overlay, int first, int upper, int work)
    {
        if (overlay.Lowers.Count is 0 or > 127)
        {
            throw PlanScope.Invalid($"an overlay root has 1 to 127 layers, not {overlay.Lowers.Count}");
        }

        scope.Plan.Supervise.Overlay(scope.Root, first, overlay.Lowers.Count, upper, work, overlay.Options, overlay.Scratch);
    }
}
