using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>Binds: what they show, how it is opened, with which attributes and ids it is shown.</summary>
internal static class BindPlan
{
    internal static void Mount(PlanScope scope, PlanRequest request, RuntimeMount mount, MountTarget target, MountOptions options)
    {
        if (string.IsNullOrEmpty(mount.Source))
        {
            throw PlanScope.Invalid($"bind mount on {target.Path} has no source");
        }

        foreach (var option in options.Data)
        {
            if (!ShapesNewFiles(option))
            {
                throw PlanScope.Invalid($"mount on {target.Path}: bind mounts cannot have any filesystem-specific options applied: {option}");
            }

            scope.Plan.Warnings.Add($"mount on {target.Path}: a bind mount shows what is there as it is: {option} is ignored");
        }

        var source = Path.GetFullPath(mount.Source, request.Bundle);
        if (options.CopySymlink && scope.Host.LinkTarget(source) is { } link)
        {
            var (root, path) = target.Place;
            scope.Preparing.Symlink(root, path, link);
            return;
        }

        var flags = KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec | (mount.Type == "rbind" || options.BindRecursive ? KernelFlags.Recursive : 0);
        var tree = scope.Plan.NewMountSlot("bind");
        if (scope.InsideRoot(source) is { } inside)
        {
            // What is in the root may have been mounted there by the mounts before: the container's own init sees it.
            scope.Preparing.OpenTree(tree, scope.Root, inside, flags, source);
            Show(scope, scope.Preparing, mount, target, options, tree);
        }
        else
        {
            Open(scope, source, tree, flags, options);
            Show(scope, scope.Plan.Prepare, mount, target, options, tree);
        }

        target.AttachAny(tree, "bind");
    }

    /// <summary>What the host has mounted somewhere, where a container cannot mount its own.</summary>
    internal static void HostTree(PlanScope scope, string source, MountTarget target, MountOptions options)
    {
        var plan = scope.Plan;
        var opened = scope.Source;
        var tree = plan.NewMountSlot("bind");
        plan.Prepare.Open(opened, -1, source, KernelFlags.PathOnly | KernelFlags.Directory);
        plan.Prepare.OpenTree(tree, opened, null, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec | KernelFlags.Recursive, target.Path);
        plan.Prepare.Setattr(tree, options.Set, options.Clear, KernelFlags.Slave, -1, recursive: true, target.Path);
        target.AttachDirectory(tree, $"bind {source} on", noLinks: true);
    }

    private static void Open(PlanScope scope, string source, int tree, ulong flags, MountOptions options)
    {
        var plan = scope.Plan;
        var opened = scope.Source;
        if (InOtherMounts(source) is ({ } process, { } inside))
        {
            // A mount of another mount namespace can be cloned from inside it alone; the clone, detached, can then be attached anywhere.
            var own = plan.NewSlot("ns-own");
            var other = plan.NewSlot("ns-other");
            plan.Prepare.Open(own, -1, "/proc/self/ns/mnt", 0);
            plan.Prepare.Open(other, -1, $"/proc/{process}/ns/mnt", 0);
            plan.Prepare.Setns(other, KernelFlags.NewMount, source);
            plan.Prepare.OpenBindSource(opened, inside, options.SourceNoFollow);
            plan.Prepare.OpenTree(tree, opened, null, flags, source);
            plan.Prepare.Setns(own, KernelFlags.NewMount, "/proc/self/ns/mnt");
        }
        else
        {
            plan.Prepare.OpenBindSource(opened, source, options.SourceNoFollow);
            plan.Prepare.OpenTree(tree, opened, null, flags, source);
        }
    }

    private static void Show(PlanScope scope, OperationList list, RuntimeMount mount, MountTarget target, MountOptions options, int tree)
    {
        // Without a wish a bind is a slave like the tree it stands in.
        var propagation = options.Propagation == 0 ? KernelFlags.Slave : options.Propagation;
        var recursive = options.Propagation == 0 || options.PropagationRecursive || options.RecursiveSet != 0 || options.RecursiveClear != 0;
        list.Setattr(tree, options.RecursiveSet, options.RecursiveClear, propagation, -1, recursive, target.Path);
        if (options.Set != 0 || options.Clear != 0)
        {
            // As a remount has it: whoever says anything has said everything, but for access times. In a user namespace what protects stays: the host
            // has locked it there.
            var unsaid = scope.Has(NamespaceType.User) ? MountOptions.NoSymlinks : MountOptions.NoSymlinks | MountOptions.Protecting;
            list.Setattr(tree, options.Set, options.Clear | unsaid & ~options.Set, 0, -1, recursive: false, target.Path);
        }

        if (options.Mapped || mount.UidMappings.Count + mount.GidMappings.Count > 0)
        {
            Map(scope, list, tree, MountIds.UserNamespace(scope, mount, options, target.Path), options.MappedRecursive, target.Path);
        }
    }

    // It takes rights over the file system: in a user namespace init has the supervisor do it.
    private static void Map(PlanScope scope, OperationList list, int tree, int userNamespace, bool recursive, string target)
    {
        var plan = scope.Plan;
        if (list != scope.Preparing || !scope.Has(NamespaceType.User))
        {
            list.Setattr(tree, MountOptions.IdMap, 0, 0, userNamespace, recursive, target);
            return;
        }

        scope.Preparing.Send(scope.Rendezvous.Init, PlanToken.Tree, tree);
        plan.Supervise.Receive(scope.Rendezvous.Supervisor, PlanToken.Tree, tree);
        plan.Supervise.Setattr(tree, MountOptions.IdMap, 0, 0, userNamespace, recursive, target);
        plan.Supervise.Close(tree);
        plan.Supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Tree);
        scope.Preparing.Receive(scope.Rendezvous.Init, PlanToken.Tree);
    }

    // Of a tmpfs; whoever gives them to all mounts alike loses nothing. Any other might be a protection, or one that is misspelt.
    private static bool ShapesNewFiles(string option) =>
        option.StartsWith("mode=", StringComparison.Ordinal) || option.StartsWith("size=", StringComparison.Ordinal);

    // "/proc/PID/root/…": the process, and the path as it sees it.
    private static (string Process, string Inside)? InOtherMounts(string source) =>
        source.Split('/', 5) is ["", "proc", { Length: > 0 } process, "root", { Length: > 0 } inside] && process.All(char.IsAsciiDigit) ? (process, "/" + inside) : null;
}
