using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Files;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Limits;

namespace Bundt.Runtime.Launch;

/// <summary>The container's cgroup, /bundt/ID.</summary>
public static class ContainerCgroup
{
    private const string Parent = "/bundt";
    private const string Monitors = "monitors";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    // What every container gets where it is at hand, for statistics and OOM reports.
    private static readonly string[] s_wanted = ["cpu", "io", "memory", "pids"];

    /// <summary>Whether the hierarchy has a controller ("memory", "pids" …).</summary>
    public static bool HasController(string name) => CgroupHierarchy.Host.Has(name);

    /// <summary>Freezes or thaws every process; returns once cgroup.events says so.</summary>
    public static void SetFrozen(string id, bool frozen)
    {
        using var cgroup = Open(id) ?? throw Missing(id);
        cgroup.SetFrozen(frozen, s_patience);
    }

    /// <summary>Kills every process (cgroup.kill).</summary>
    public static void Kill(string id)
    {
        using var cgroup = Open(id);
        cgroup?.Kill();
    }

    /// <summary>Removes the cgroup and those below it; waits until the kernel has let go of the processes. Missing is fine.</summary>
    public static void Remove(string id)
    {
        using var cgroup = Open(id);
        cgroup?.Remove(s_patience);
    }

    /// <summary>Removes the cgroup if no process is in it: a launcher that is about to start one there fails. True when there is none (any more).</summary>
    public static bool TryRemoveEmpty(string id)
    {
        using var cgroup = Open(id);
        return cgroup is null || cgroup.TryRemoveEmpty();
    }

    /// <summary>Writes other limits to a running container's cgroup.</summary>
    /// <exception cref="BundtException">A controller is missing, or the kernel refused a value.</exception>
    public static void Update(string id, LinuxResources resources)
    {
        using var cgroup = Open(id) ?? throw Missing(id);
        Write(cgroup, CgroupLimits.From(CgroupLimits.Complete(resources, cgroup.Read)));
    }

    /// <summary>Ids of all cgroups below /bundt that are containers' (for the sweep after a crash).</summary>
    public static IReadOnlyList<string> List()
    {
        var directory = CgroupHierarchy.Host.MountPoint + Parent;
        return Directory.Exists(directory)
            ? [.. Directory.EnumerateDirectories(directory).Select(path => Path.GetFileName(path)!).Where(name => name != Monitors)]
            : [];
    }

    internal static string PathOf(string id) => Parent + "/" + id;

    internal static Cgroup Create(string path, LinuxResources? resources)
    {
        var limits = resources is null ? [] : CgroupLimits.From(resources);
        var hierarchy = CgroupHierarchy.Host;
        var cgroup = hierarchy.Create(path, ControllersOf(limits), s_wanted);
        try
        {
            Write(cgroup, limits);
            DeviceAccess.Apply(resources?.Devices ?? [], cgroup);
            return cgroup;
        }
        catch
        {
            Discard(cgroup);
            cgroup.Dispose();
            throw;
        }
    }

    /// <summary>After a failed launch: nothing is left.</summary>
    internal static void Discard(Cgroup cgroup)
    {
        cgroup.Kill();
        cgroup.Remove(s_patience);
    }

    internal static DirectoryFd OpenOfProcess(int pid, string id) =>
        CgroupHierarchy.OfProcess(pid) is { } path
            ? DirectoryFd.OpenHost(CgroupHierarchy.Host.MountPoint + path)
            : throw new BundtException(FailureKind.Conflict, Phase.Exec, $"container {id} is not running");

    /// <summary>The controllers without which these limits cannot be kept.</summary>
    internal static string[] ControllersOf(IReadOnlyList<CgroupLimit> limits) =>
        [.. limits.Where(limit => limit.Controller.Length > 0 && limit.Limits).Select(limit => limit.Controller).Distinct()];

    internal static void Write(Cgroup cgroup, IReadOnlyList<CgroupLimit> limits)
    {
        foreach (var limit in limits)
        {
            if (limit.Limits || CgroupHierarchy.Host.Has(limit.Controller))
            {
                Write(cgroup, limit);
            }
        }
    }

    private static void Write(Cgroup cgroup, CgroupLimit limit)
    {
        var errno = cgroup.TryWrite(limit.File, limit.Value);
        if (errno is Errno.None || errno == limit.Tolerated)
        {
            return;
        }

        if (errno == Errno.ENOENT && limit.Otherwise is { } other)
        {
            Write(cgroup, other);
            return;
        }

        if (errno is Errno.ENOENT or Errno.EPERM or Errno.EACCES)
        {
            CgroupHierarchy.Host.Require(limit.Controller.Length > 0 ? [limit.Controller] : []);
        }

        throw cgroup.Failure(limit.File, limit.Value, errno, limit.Option);
    }

    private static Cgroup? Open(string id) => CgroupHierarchy.Host.TryOpen(PathOf(id));

    private static BundtException Missing(string id) => new(FailureKind.Conflict, Phase.Cgroup, $"container {id} has no cgroup: it is not running");
}
