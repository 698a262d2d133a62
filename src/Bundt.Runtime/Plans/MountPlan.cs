using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>The config's mounts, in their order, onto targets resolved inside the root.</summary>
internal static class MountPlan
{
    // What lxcfs and friends show in place of the kernel's own; anything else below /proc could fool the runtime and the container.
    private static readonly HashSet<string> s_belowProc =
    [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime", "/proc/loadavg", "/proc/slabinfo",
        "/proc/net/dev", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
    ];

    internal static void Mount(PlanScope scope, PlanRequest request)
    {
        // A mount can be given its id map only before it is attached.
        var mapped = scope.Config.Mounts.Any(mount => mount.UidMappings.Count > 0 || mount.Options.Contains("idmap") || mount.Options.Contains("ridmap"));
        if (mapped)
        {
            scope.Plan.Init.Receive(scope.Rendezvous.Init, PlanToken.Binds);
        }

        foreach (var mount in scope.Config.Mounts)
        {
            var target = Target(mount);
            var options = MountOptions.Parse(mount.Options, target);
            scope.Plan.Prepare.Phase = scope.Plan.Supervise.Phase = scope.Plan.Init.Phase = Phase.Mount;
            if (IsBind(mount))
            {
                Bind(scope, request, mount, target, options, mount.Type == "rbind");
            }
            else if (mount.Type is "cgroup" or "cgroup2")
            {
                Cgroup(scope, target, options);
            }
            else
            {
                FileSystem(scope, mount, target, options);
            }
        }

        if (mapped)
        {
            scope.Plan.Supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Binds);
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

    private static string Target(RuntimeMount mount)
    {
        var target = Path.GetFullPath(mount.Destination, "/");
        if (target == "/")
        {
            throw PlanScope.Invalid($"mount destination {mount.Destination} is the root itself");
        }

        if (target == "/proc" && (IsBind(mount) ? mount.Source != "/proc" : mount.Type != "proc"))
        {
            throw PlanScope.Invalid("only procfs can be mounted on /proc");
        }

        if (target.StartsWith("/proc/", StringComparison.Ordinal) && !s_belowProc.Contains(target))
        {
            throw PlanScope.Invalid($"mount destination {target} is inside /proc");
        }

        return target;
    }

    private static void Bind(PlanScope scope, PlanRequest request, RuntimeMount mount, string target, MountOptions options, bool recursive)
    {
        if (string.IsNullOrEmpty(mount.Source))
        {
            throw PlanScope.Invalid($"bind mount on {target} has no source");
        }

        var plan = scope.Plan;
        var source = Path.GetFullPath(mount.Source, request.Bundle);
        var opened = plan.NewSlot("source");
        var tree = plan.NewSlot("bind");
        var flags = KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec | (recursive || options.BindRecursive ? KernelFlags.Recursive : 0);
        if (InOtherMounts(source) is ({ } process, { } inside))
        {
            // A mount of another mount namespace can be cloned from inside it alone; the clone, detached, can then be attached anywhere.
            var own = plan.NewSlot("ns-own");
            var other = plan.NewSlot("ns-other");
            plan.Prepare.Open(own, -1, "/proc/self/ns/mnt", 0);
            plan.Prepare.Open(other, -1, $"/proc/{process}/ns/mnt", 0);
            plan.Prepare.Setns(other, KernelFlags.NewMount, source);
            plan.Prepare.OpenBindSource(opened, inside);
            plan.Prepare.OpenTree(tree, opened, null, flags, source);
            plan.Prepare.Setns(own, KernelFlags.NewMount, "/proc/self/ns/mnt");
        }
        else
        {
            plan.Prepare.OpenBindSource(opened, source);
            plan.Prepare.OpenTree(tree, opened, null, flags, source);
        }

        // Without a wish a bind is a slave like the tree it stands in.
        var propagation = options.Propagation == 0 ? KernelFlags.Slave : options.Propagation;
        var propagationRecursive = options.Propagation == 0 || options.PropagationRecursive;
        plan.Prepare.Setattr(tree, options.RecursiveSet, options.RecursiveClear, propagation, -1, propagationRecursive || options.RecursiveSet != 0 || options.RecursiveClear != 0, target);
        if (options.Set != 0 || options.Clear != 0)
        {
            plan.Prepare.Setattr(tree, options.Set, options.Clear, 0, -1, recursive: false, target);
        }

        if (options.Mapped || mount.UidMappings.Count > 0)
        {
            Map(scope, mount, tree, options, target);
        }

        Place(scope, tree, target, request.IsDirectory(source), "bind");
    }

    // "/proc/PID/root/…": the process, and the path as it sees it.
    private static (string Process, string Inside)? InOtherMounts(string source) =>
        source.Split('/', 5) is ["", "proc", { Length: > 0 } process, "root", { Length: > 0 } inside] && process.All(char.IsAsciiDigit) ? (process, "/" + inside) : null;

    // Only the container's own mapping: it is the one user namespace that exists.
    private static void Map(PlanScope scope, RuntimeMount mount, int tree, MountOptions options, string target)
    {
        if (scope.UserNamespace < 0
            || mount.UidMappings.Count > 0 && !mount.UidMappings.SequenceEqual(scope.Linux.UidMappings)
            || mount.GidMappings.Count > 0 && !mount.GidMappings.SequenceEqual(scope.Linux.GidMappings))
        {
            throw new BundtException(
                FailureKind.NotImplemented, Phase.Mount, $"the mount on {target} has id mappings other than the container's user namespace, which is not supported");
        }

        scope.Plan.Supervise.Setattr(tree, MountOptions.IdMap, 0, 0, scope.UserNamespace, options.MappedRecursive, target);
    }

    private static void FileSystem(PlanScope scope, RuntimeMount mount, string target, MountOptions options)
    {
        if (string.IsNullOrEmpty(mount.Type) || mount.Type == "none")
        {
            throw PlanScope.Invalid($"the mount on {target} has neither a type nor the option bind");
        }

        // sysfs shows a network namespace; one that a user namespace does not own cannot be mounted from inside.
        if (mount.Type == "sysfs" && scope.Has(NamespaceType.User) && !scope.IsNew(NamespaceType.Network))
        {
            HostSysfs(scope, target, options);
            return;
        }

        var plan = scope.Plan;
        var slot = plan.NewSlot(mount.Type);
        var data = new List<string>(options.Data.Count + 1) { "source=" + (string.IsNullOrEmpty(mount.Source) ? mount.Type : mount.Source) };
        data.AddRange(options.Data);
        var attributes = options.Set | options.RecursiveSet;
        if (target == "/dev")
        {
            // The device nodes come first.
            attributes &= ~MountOptions.ReadOnly;
        }

        plan.Init.MountFs(slot, mount.Type, data, attributes, target);

        // What the kernel tells must stand where it is looked for (CVE-2023-27561).
        Place(scope, slot, target, directory: true, "mount " + mount.Type + " on", noLinks: mount.Type is "proc" or "sysfs");
        if (options.Propagation is not (0 or KernelFlags.Private))
        {
            plan.Init.Setattr(slot, 0, 0, options.Propagation, -1, options.PropagationRecursive, target);
        }

        if (target == "/proc")
        {
            scope.Proc = slot;
        }
        else if (target == "/dev")
        {
            scope.Dev = slot;
        }
    }

    private static void HostSysfs(PlanScope scope, string target, MountOptions options)
    {
        var plan = scope.Plan;
        var source = plan.NewSlot("source");
        var tree = plan.NewSlot("sysfs");
        plan.Prepare.Open(source, -1, "/sys", KernelFlags.PathOnly | KernelFlags.Directory);
        plan.Prepare.OpenTree(tree, source, null, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec | KernelFlags.Recursive, target);
        plan.Prepare.Setattr(tree, options.Set, options.Clear, KernelFlags.Slave, -1, recursive: true, target);
        Place(scope, tree, target, directory: true, "bind /sys on", noLinks: true);
    }

    // In a cgroup namespace of its own a new mount shows the container's cgroup as the root; otherwise its directory is bound.
    private static void Cgroup(PlanScope scope, string target, MountOptions options)
    {
        var plan = scope.Plan;
        var slot = plan.NewSlot("cgroup2");
        if (scope.Has(NamespaceType.Cgroup) || scope.Cgroup < 0)
        {
            plan.Init.MountFs(slot, "cgroup2", ["source=cgroup"], options.Set | options.RecursiveSet, target);
        }
        else
        {
            plan.Prepare.OpenTree(slot, scope.Cgroup, null, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec, target);
            plan.Prepare.Setattr(slot, options.Set | options.RecursiveSet, 0, KernelFlags.Private, -1, recursive: false, target);
        }

        Place(scope, slot, target, directory: true, "mount cgroup2 on");
    }

    private static void Place(PlanScope scope, int mount, string target, bool directory, string verb, bool noLinks = false)
    {
        var init = scope.Plan.Init;

        // On our own tmpfs the path is ours: nothing an image brought can stand in the way.
        var (root, path) = scope.Dev >= 0 && target.StartsWith("/dev/", StringComparison.Ordinal) ? (scope.Dev, target[5..]) : (scope.Root, target);
        if (directory)
        {
            init.Mkdir(root, path, 0x1ed);
        }
        else
        {
            init.Touch(root, path);
        }

        init.MoveMount(mount, root, path, sameKind: true, verb, noLinks);
    }
}
