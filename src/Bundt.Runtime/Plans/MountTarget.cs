using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>Where a mount goes: a path resolved inside the container's root by the launcher, checked here as far as its text tells.</summary>
internal sealed class MountTarget
{
    // What lxcfs and friends show in place of the kernel's own; anything else below /proc could fool the runtime and the container.
    private static readonly HashSet<string> s_belowProc =
    [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/meminfo", "/proc/stat", "/proc/swaps", "/proc/uptime", "/proc/loadavg", "/proc/slabinfo",
        "/proc/net/dev", "/proc/sys/kernel/ns_last_pid", "/proc/sys/crypto/fips_enabled",
    ];

    private readonly PlanScope _scope;
    private readonly MountOptions _options;

    /// <param name="scope">The plan so far.</param>
    /// <param name="mount">The mount.</param>
    /// <param name="options">Its options.</param>
    /// <exception cref="Linux.BundtException">Nothing may be mounted there.</exception>
    public MountTarget(PlanScope scope, RuntimeMount mount, MountOptions options)
    {
        _scope = scope;
        _options = options;
        if (!mount.Destination.StartsWith('/'))
        {
            scope.Plan.Warnings.Add($"mount {mount.Destination}: relative destination path is **deprecated**, using it as relative to /");
        }

        // As runc: some write the rootfs's own path before it.
        var path = System.IO.Path.GetFullPath(mount.Destination, "/");
        Path = scope.InsideRoot(path) ?? path;
        Check(mount);
    }

    /// <summary>Absolute, inside the root.</summary>
    public string Path { get; }

    /// <summary>It covers the root itself.</summary>
    public bool IsRoot => Path == "/";

    /// <summary>The slot and the path below it that the launcher resolves. On our own tmpfs nothing an image brought can stand in the way.</summary>
    public (int Root, string Path) Place =>
        _scope.Dev >= 0 && Path.StartsWith("/dev/", StringComparison.Ordinal) ? (_scope.Dev, Path[5..]) : (_scope.Root, Path);

    /// <summary>Attaches a detached directory, onto one that is made where none is yet.</summary>
    /// <param name="mount">The mount's slot.</param>
    /// <param name="verb">What a failure is called.</param>
    /// <param name="noLinks">No symbolic link may be on the way.</param>
    public void AttachDirectory(int mount, string verb, bool noLinks = false)
    {
        if (!IsRoot)
        {
            var (root, path) = Place;
            _scope.Preparing.Mkdir(root, path, 0x1ed, followDangling: !noLinks, verb: noLinks ? verb : null);
        }

        Attach(mount, verb, noLinks);
    }

    /// <summary>Attaches a detached mount, onto what is made of the same kind where nothing is yet.</summary>
    /// <param name="mount">The mount's slot.</param>
    /// <param name="verb">What a failure is called.</param>
    public void AttachAny(int mount, string verb)
    {
        if (!IsRoot)
        {
            var (root, path) = Place;
            _scope.Preparing.MakeLike(mount, root, path, keepLink: _options.TargetNoFollow);
        }

        Attach(mount, verb, noLinks: false);
    }

    private void Attach(int mount, string verb, bool noLinks)
    {
        var (root, path) = Place;
        _scope.Preparing.MoveMount(mount, root, path, sameKind: true, verb, noLinks, _options.TargetNoFollow);
        if (IsRoot)
        {
            (_scope.Root, _scope.Dev, _scope.Proc) = (mount, -1, -1);
        }
    }

    private void Check(RuntimeMount mount)
    {
        if (IsRoot && _options.CopyUp)
        {
            throw PlanScope.Invalid("tmpcopyup: there is nothing below / to be copied");
        }

        if (Path == "/proc" && (MountPlan.IsBind(mount) ? mount.Source != "/proc" : mount.Type != "proc" && !_options.Remount))
        {
            throw PlanScope.Invalid("only procfs can be mounted on /proc");
        }

        if (Path.StartsWith("/proc/", StringComparison.Ordinal) && !s_belowProc.Contains(Path))
        {
            throw PlanScope.Invalid($"mount destination {Path} is inside /proc");
        }
    }
}
