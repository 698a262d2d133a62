using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Systemd;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Limits;

namespace Bundt.Runtime.Launch;

/// <summary>
/// The place of an OCI container's cgroup: found from the config (<see cref="From"/>), claimed, made (<see cref="Create"/>), recorded,
/// opened again, removed.
/// </summary>
public sealed record CgroupPlace
{
    private const string MadePrefix = "made:", GivenPrefix = "given:", ScopePrefix = "scope:";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Who makes it.</summary>
    public required CgroupDriver Driver { get; init; }

    /// <summary>From the root of the hierarchy; "" when there is none of its own.</summary>
    public required string Path { get; init; }

    /// <summary>systemd's unit ("PREFIX-NAME.scope"); null with the other drivers.</summary>
    public string? Scope { get; init; }

    /// <summary>systemd's unit that the scope is in; null with the other drivers, and once it is made.</summary>
    public string? Slice { get; init; }

    /// <summary>The cgroup was there, empty, before the container: it stays when the container is removed.</summary>
    public bool Given { get; init; }

    /// <summary>
    /// Where a config's "linux.cgroupsPath" puts a container. An absolute path counts from the root of the hierarchy, a relative one from
    /// /bundt, and none is /bundt/ID. systemd's driver takes "slice:prefix:name"; without systemd that is the same place in the hierarchy.
    /// </summary>
    /// <exception cref="BundtException">InvalidArgument: systemd's driver was given something else.</exception>
    public static CgroupPlace From(CgroupDriver driver, string? cgroupsPath, string id)
    {
        if (driver == CgroupDriver.Disabled)
        {
            return new CgroupPlace { Driver = driver, Path = "" };
        }

        if (driver == CgroupDriver.Systemd)
        {
            var (slice, unit) = SystemdScope.NameOf(cgroupsPath, id);
            return new CgroupPlace { Driver = driver, Path = SystemdScope.PathOf(slice) + "/" + unit, Scope = unit, Slice = slice };
        }

        return new CgroupPlace { Driver = driver, Path = PathOf(cgroupsPath, id) };
    }

    /// <summary>The place that <see cref="ToString"/> wrote; null when the text is none.</summary>
    public static CgroupPlace? Parse(string text)
    {
        if (text.StartsWith(MadePrefix, StringComparison.Ordinal))
        {
            return new CgroupPlace { Driver = CgroupDriver.Cgroupfs, Path = text[MadePrefix.Length..] };
        }

        if (text.StartsWith(GivenPrefix, StringComparison.Ordinal))
        {
            return new CgroupPlace { Driver = CgroupDriver.Cgroupfs, Path = text[GivenPrefix.Length..], Given = true };
        }

        if (text.StartsWith(ScopePrefix, StringComparison.Ordinal) && text.IndexOf(':', ScopePrefix.Length) is > 0 and var colon)
        {
            return new CgroupPlace { Driver = CgroupDriver.Systemd, Scope = text[ScopePrefix.Length..colon], Path = text[(colon + 1)..] };
        }

        return text == "disabled" ? new CgroupPlace { Driver = CgroupDriver.Disabled, Path = "" } : null;
    }

    /// <summary>In one word, for records.</summary>
    public override string ToString() => Driver switch
    {
        CgroupDriver.Disabled => "disabled",
        CgroupDriver.Systemd => $"{ScopePrefix}{Scope}:{Path}",
        _ => (Given ? GivenPrefix : MadePrefix) + Path,
    };

    /// <summary>
    /// Makes sure that nobody else uses it; to be called before anything records that it is ours.
    /// </summary>
    /// <returns>This place, with <see cref="Given"/> set when the cgroup is there already.</returns>
    /// <exception cref="BundtException">Conflict: processes are in it, or it is frozen.</exception>
    public CgroupPlace Claim()
    {
        if (Driver == CgroupDriver.Systemd)
        {
            SystemdManager.RequireRunning();
        }

        using var cgroup = TryOpen();
        if (cgroup is null)
        {
            return this;
        }

        if (cgroup.ReadProcesses() is { Count: > 0 and var count })
        {
            throw new BundtException(
                FailureKind.Conflict, Phase.Cgroup, string.Create(CultureInfo.InvariantCulture, $"container's cgroup is not empty: {count} process(es) found"),
                $"Somebody else uses {Path}.");
        }

        if (cgroup.ReadKey("cgroup.events", "frozen") == "1")
        {
            throw new BundtException(FailureKind.Conflict, Phase.Cgroup, "container's cgroup unexpectedly frozen", $"Write 0 to cgroup.freeze of {Path}.");
        }

        // What a scope has left behind is systemd's to clear away.
        return Driver == CgroupDriver.Systemd ? this : this with { Given = true };
    }

    /// <summary>Makes the cgroup, in which a process can be born; what the process may use is for <see cref="Limit"/>. A failure leaves nothing.</summary>
    /// <param name="resources">The config's limits: their controllers are enabled, and systemd is told of them.</param>
    /// <param name="annotations">The config's annotations: systemd's driver takes properties of the unit from them (org.systemd.property.NAME).</param>
    /// <returns>The cgroup, open (null when there is none of its own), and where it is: systemd may have put it elsewhere.</returns>
    public (Cgroup? Cgroup, CgroupPlace Place) Create(LinuxResources? resources, IReadOnlyDictionary<string, string> annotations)
    {
        if (Driver == CgroupDriver.Disabled)
        {
            return (null, this);
        }

        var limits = LimitsOf(resources ?? new LinuxResources());
        var required = ContainerCgroup.ControllersOf(limits);
        var cgroup = Driver == CgroupDriver.Systemd ? StartScope(limits, required, annotations) : CgroupHierarchy.Host.CreateOrOpen(Path, required, mustBeNew: !Given);
        return (cgroup, this with { Path = cgroup.Path, Slice = null });
    }

    /// <summary>
    /// Writes the limits and attaches the device filter. Most of a start's time in a cgroup goes here, beside which the launcher can set the
    /// container up: nothing of the container's has run yet.
    /// </summary>
    public void Limit(Cgroup cgroup, LinuxResources? resources)
    {
        ContainerCgroup.Write(cgroup, LimitsOf(resources ?? new LinuxResources()));
        DeviceAccess.Apply(resources?.Devices ?? [], cgroup);
    }

    /// <summary>The cgroup; null when it is gone or there is none of its own.</summary>
    public Cgroup? TryOpen() => Driver == CgroupDriver.Disabled ? null : CgroupHierarchy.Host.TryOpen(Path);

    /// <summary>
    /// Where the process of an exec is born: in the container's cgroup, or where its first process has gone if that has made the cgroup one that
    /// takes no processes (controllers enabled for those below it). Null when there is none of its own.
    /// </summary>
    /// <param name="init">The container's first process.</param>
    /// <param name="below">A path below the container's cgroup that is wanted instead (exec --cgroup); null: none.</param>
    /// <exception cref="BundtException">InvalidArgument: <paramref name="below"/> leads out of it or does not exist; Conflict: the container has ended.</exception>
    public Cgroup? OpenForExec(int init, string? below = null)
    {
        if (Driver == CgroupDriver.Disabled)
        {
            return null;
        }

        var hierarchy = CgroupHierarchy.Host;
        if (below is not null)
        {
            var path = System.IO.Path.GetFullPath("/" + below);
            if (path.TrimEnd('/') != ("/" + below.TrimStart('/')).TrimEnd('/'))
            {
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Exec,
                    $"bad sub cgroup path: {below}" + (below.Split('/').Contains("..") ? ": `..` components are not allowed" : ""));
            }

            return hierarchy.TryOpen((Path + path).TrimEnd('/'))
                ?? throw new BundtException(Phase.Exec, "open cgroup", Path + path, Errno.ENOENT, null, FailureKind.InvalidArgument);
        }

        var own = TryOpen();
        if (own is not null && string.IsNullOrWhiteSpace(own.Read("cgroup.subtree_control")))
        {
            return own;
        }

        own?.Dispose();
        return CgroupHierarchy.OfProcess(init) is { } current && hierarchy.TryOpen(current) is { } cgroup
            ? cgroup
            : throw new BundtException(FailureKind.Conflict, Phase.Exec, "container not running");
    }

    /// <summary>Writes other limits. What is unset stays as it is.</summary>
    /// <exception cref="BundtException">A controller is missing, or the kernel refused a value.</exception>
    public void Update(LinuxResources resources)
    {
        using var cgroup = TryOpen() ?? throw new BundtException(FailureKind.Conflict, Phase.Cgroup, "the container has no cgroup");
        var limits = LimitsOf(CgroupLimits.Complete(resources, cgroup.Read));
        if (Scope is not null)
        {
            SystemdScope.Update(Scope, limits);
        }

        ContainerCgroup.Write(cgroup, limits);
    }

    /// <summary>Kills what is in it and removes it with those below it; a given one stays, empty. Missing is fine.</summary>
    public void Delete()
    {
        using var cgroup = TryOpen();
        cgroup?.Kill();
        if (Scope is not null && SystemdManager.IsRunning)
        {
            SystemdScope.Stop(Scope);
        }

        if (Given)
        {
            cgroup?.RemoveChildren(s_patience);
        }
        else
        {
            cgroup?.Remove(s_patience);
        }
    }

    private Cgroup StartScope(IReadOnlyList<CgroupLimit> limits, string[] required, IReadOnlyDictionary<string, string> annotations)
    {
        CgroupHierarchy.Host.Require(required);
        return SystemdScope.Start(Slice!, Scope!, limits, annotations);
    }

    private IReadOnlyList<CgroupLimit> LimitsOf(LinuxResources resources) =>
        CgroupLimits.From(Driver == CgroupDriver.Systemd ? SystemdProperties.Align(resources) : resources);

    private static string PathOf(string? path, string id)
    {
        if (string.IsNullOrEmpty(path))
        {
            return ContainerCgroup.PathOf(id);
        }

        if (path.Split(':') is [var slice, var prefix, var name])
        {
            return System.IO.Path.GetFullPath(
                "/" + (slice.Length == 0 ? "system.slice" : slice) + "/" + (prefix.Length == 0 ? name : prefix + "-" + name) + ".scope");
        }

        // No ".." leads out of the parent.
        var inside = System.IO.Path.GetFullPath("/" + path);
        if (path[0] != '/' && inside == "/")
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"linux.cgroupsPath: \"{path}\" is the parent of all, no container's cgroup");
        }

        return path[0] == '/' ? inside : ContainerCgroup.PathOf(inside[1..]);
    }
}
