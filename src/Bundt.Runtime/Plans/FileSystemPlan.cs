using System.Globalization;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>New mounts of file systems.</summary>
internal static class FileSystemPlan
{
    internal static void Mount(PlanScope scope, RuntimeMount mount, MountTarget target, MountOptions options)
    {
        if (string.IsNullOrEmpty(mount.Type) || mount.Type == "none")
        {
            throw PlanScope.Invalid($"the mount on {target.Path} has neither a type nor the option bind");
        }

        if (mount.Type is "cgroup" or "cgroup2")
        {
            Cgroup(scope, target, options);
        }
        else if (HostsOwn(scope, mount.Type) is { } source)
        {
            BindPlan.HostTree(scope, source, target, options);
        }
        else
        {
            New(scope, mount, target, options);
        }
    }

    /// <summary>Other options for what is mounted there.</summary>
    internal static void Remount(PlanScope scope, RuntimeMount mount, MountTarget target, MountOptions options)
    {
        var init = scope.Preparing;
        var (root, path) = target.Place;
        var slot = scope.Passing;
        init.OpenTree(slot, root, path, KernelFlags.CloseOnExec, target.Path);
        if (!MountPlan.IsBind(mount) && options.Data.Count + options.Common.Count > 0)
        {
            init.Reconfigure(slot, [.. options.Data, .. options.Common], target.Path);
        }

        var recursive = options.RecursiveSet != 0 || options.RecursiveClear != 0;
        init.Setattr(slot, options.Set | options.RecursiveSet, options.Clear | options.RecursiveClear, options.Propagation, -1, recursive, target.Path);
    }

    // What shows a namespace that the container's user namespace does not own cannot be mounted from inside: what the host has is bound.
    private static string? HostsOwn(PlanScope scope, string type) => !scope.Has(NamespaceType.User) ? null : type switch
    {
        "sysfs" when !scope.IsNew(NamespaceType.Network) => "/sys",
        "proc" when !scope.Has(NamespaceType.Pid) => "/proc",
        "mqueue" when !scope.Has(NamespaceType.Ipc) => "/dev/mqueue",
        _ => null,
    };

    private static void New(PlanScope scope, RuntimeMount mount, MountTarget target, MountOptions options)
    {
        var init = scope.Preparing;
        var type = mount.Type!;
        var slot = target.Path is "/" or "/dev" or "/proc" ? scope.Plan.NewSlot(type) : scope.Passing;
        var attributes = options.Set | options.RecursiveSet;

        // Device nodes, and what is copied, come before that.
        var late = target.Path == "/dev" || options.CopyUp ? attributes & MountOptions.ReadOnly : 0;
        var data = Data(scope, mount, options);
        if (type == "tmpfs" && !target.IsRoot && !options.Data.Exists(option => option.StartsWith("mode=", StringComparison.Ordinal)))
        {
            var (root, path) = target.Place;
            init.MountTmpfsLike(slot, root, path, data, attributes & ~late, target.Path);
        }
        else
        {
            init.MountFs(slot, type, data, attributes & ~late, target.Path, type == "proc" ? scope.PidNamespace : -1);
        }

        if (options.CopyUp)
        {
            var (root, path) = target.Place;
            init.CopyUp(slot, root, path);
            if (late != 0)
            {
                init.Setattr(slot, late, 0, 0, -1, recursive: false, target.Path);
            }
        }

        // What the kernel tells must stand where it is looked for (CVE-2023-27561).
        target.AttachDirectory(slot, $"mount {type} on", noLinks: type is "proc" or "sysfs");
        if (options.Propagation is not (0 or KernelFlags.Private))
        {
            init.Setattr(slot, 0, 0, options.Propagation, -1, options.PropagationRecursive, target.Path);
        }

        if (target.Path == "/proc")
        {
            scope.Proc = slot;
        }
        else if (target.Path == "/dev")
        {
            scope.Dev = slot;
        }
    }

    private static List<string> Data(PlanScope scope, RuntimeMount mount, MountOptions options)
    {
        var data = new List<string>(options.Data.Count + 1) { "source=" + (string.IsNullOrEmpty(mount.Source) ? mount.Type : mount.Source) };
        foreach (var option in options.Data)
        {
            if (!(mount.Type == "devpts" && IsUnmappedGroup(scope, option)))
            {
                data.Add(option);
            }
        }

        data.AddRange(options.Common);
        if (scope.Linux.MountLabel is { } label && mount.Type is not ("proc" or "sysfs") && scope.Host.HasSelinux())
        {
            data.Add("context=" + label);
        }

        return data;
    }

    // The group tty of a terminal, where the user namespace has none: the kernel would refuse the mount.
    private static bool IsUnmappedGroup(PlanScope scope, string option) =>
        option.StartsWith("gid=", StringComparison.Ordinal)
        && scope.IsNew(NamespaceType.User)
        && uint.TryParse(option.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var gid)
        && IdMaps.Outside(scope.Gids, gid) is null;

    // In a cgroup namespace of its own a new mount shows the container's cgroup as the root; otherwise its directory is bound.
    private static void Cgroup(PlanScope scope, MountTarget target, MountOptions options)
    {
        var plan = scope.Plan;
        var slot = plan.NewSlot("cgroup2");
        if (scope.Has(NamespaceType.Cgroup) || scope.Cgroup < 0)
        {
            scope.Preparing.MountFs(slot, "cgroup2", ["source=cgroup", .. options.Data], options.Set | options.RecursiveSet, target.Path);
        }
        else
        {
            plan.Prepare.OpenTree(slot, scope.Cgroup, null, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec, target.Path);
            plan.Prepare.Setattr(slot, options.Set | options.RecursiveSet, 0, KernelFlags.Private, -1, recursive: false, target.Path);
        }

        target.AttachDirectory(slot, "mount cgroup2 on");
    }
}
