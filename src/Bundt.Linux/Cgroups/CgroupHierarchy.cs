using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Bundt.Linux.Files;

namespace Bundt.Linux.Cgroups;

/// <summary>The cgroup v2 hierarchy, wherever it is mounted (cgroups(7), Documentation/admin-guide/cgroup-v2.rst).</summary>
public sealed partial class CgroupHierarchy
{
    private const long Cgroup2Magic = 0x63677270;

    private static readonly Lazy<CgroupHierarchy?> s_host = new(Find);

    private readonly ConcurrentDictionary<string, bool> _prepared = new(StringComparer.Ordinal);
    private readonly Lazy<string[]> _controllers;

    internal CgroupHierarchy(string mountPoint)
    {
        MountPoint = mountPoint;
        _controllers = new Lazy<string[]>(() => ReadText(mountPoint + "/cgroup.controllers").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>This machine's hierarchy.</summary>
    /// <exception cref="BundtException">None is mounted.</exception>
    public static CgroupHierarchy Host => s_host.Value ?? throw new BundtException(
        FailureKind.Internal, Phase.Cgroup, "no cgroup v2 hierarchy is mounted",
        "Mount one: mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified");

    /// <summary>Where it is mounted.</summary>
    public string MountPoint { get; }

    /// <summary>The controllers it has.</summary>
    public IReadOnlyList<string> Controllers => _controllers.Value;

    /// <summary>Whether a controller is at hand.</summary>
    public bool Has(string controller) => Array.IndexOf(_controllers.Value, controller) >= 0;

    /// <summary>Why a controller is not at hand: who holds it.</summary>
    public static string WhoHolds(string controller)
    {
        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            // … 4 root 5 mount point … " - " type source super-options
            var dash = line.IndexOf(" - cgroup ", StringComparison.Ordinal);
            if (dash > 0 && line[(line.LastIndexOf(' ') + 1)..].Split(',').Contains(OldName(controller)))
            {
                return $"the cgroup v1 hierarchy on {line.Split(' ')[4]} holds it";
            }
        }

        foreach (var line in File.ReadLines("/proc/cgroups"))
        {
            var fields = line.Split('\t');
            if (fields[0] == OldName(controller))
            {
                return fields.Length > 3 && fields[3] == "0" ? "the kernel was booted with cgroup_disable=" + controller : "a cgroup v1 hierarchy holds it";
            }
        }

        return "the kernel was built without it";
    }

    // "io" was "blkio" in cgroup v1.
    private static string OldName(string controller) => controller == "io" ? "blkio" : controller;

    private static bool Exists(string controller) =>
        controller is "cpu" or "cpuset" or "io" or "memory" or "pids" or "hugetlb" or "rdma" or "misc" or "perf_event" or "dmem";

    /// <summary>
    /// Makes a cgroup and those above it, with controllers enabled on the way down.
    /// </summary>
    /// <param name="path">From the root of the hierarchy ("/bundt/ID").</param>
    /// <param name="required">Controllers it needs.</param>
    /// <param name="wanted">Controllers it gets where they are at hand.</param>
    /// <exception cref="BundtException">A required controller is missing; or the kernel refused.</exception>
    public Cgroup Create(string path, IReadOnlyCollection<string> required, IReadOnlyCollection<string>? wanted = null)
    {
        Require(required);
        var parent = System.IO.Path.GetDirectoryName(path) ?? "/";
        var enable = required.Concat((wanted ?? []).Where(Has)).Distinct().Order(StringComparer.Ordinal).ToArray();
        Prepare(parent, enable);
        return MakeLeaf(path, parent, enable);
    }

    /// <summary>
    /// Makes a cgroup, or opens it if it is there, and those above it; every controller that the hierarchy has is enabled on the way down, as far as
    /// the cgroups above let it.
    /// </summary>
    /// <param name="path">From the root of the hierarchy.</param>
    /// <param name="required">Controllers it needs.</param>
    /// <param name="mustBeNew">One that exists is somebody else's: Conflict.</param>
    /// <exception cref="BundtException">A required controller is missing or cannot be enabled; or the kernel refused.</exception>
    public Cgroup CreateOrOpen(string path, IReadOnlyCollection<string> required, bool mustBeNew = false)
    {
        Require(required);
        var parent = System.IO.Path.GetDirectoryName(path) ?? "/";
        var errno = CgroupCalls.Mkdir(MountPoint + path);

        // What the parent has enabled, those above it have too.
        if (errno == Errno.ENOENT || (_controllers.Value.Length > 0 && _controllers.Value.Except(Enabled(parent)).Any()))
        {
            MakeParents(parent, required, [.. _controllers.Value.Except(required)]);
            errno = errno == Errno.ENOENT ? CgroupCalls.Mkdir(MountPoint + path) : errno;
        }

        return errno == Errno.EEXIST && mustBeNew
            ? throw new BundtException(FailureKind.Conflict, Phase.Cgroup, $"the cgroup {path} exists already", "Another container is being created in it.")
            : errno is Errno.None or Errno.EEXIST
            ? new Cgroup(path, MountPoint + path, DirectoryFd.OpenHost(MountPoint + path))
            : throw new BundtException(Phase.Cgroup, "mkdir", MountPoint + path, errno);
    }

    /// <summary>An existing cgroup; null when there is none.</summary>
    /// <param name="path">From the root of the hierarchy.</param>
    /// <param name="keeper">What keeps it there as long as it is open; disposed of with it. Null: nothing.</param>
    public Cgroup? TryOpen(string path, IDisposable? keeper = null)
    {
        try
        {
            return new Cgroup(path, MountPoint + path, DirectoryFd.OpenHost(MountPoint + path), keeper);
        }
        catch (BundtException e) when (e.Errno == Errno.ENOENT)
        {
            return null;
        }
    }

    /// <summary>The cgroup of a process, from the root of the hierarchy; null when the process is gone.</summary>
    public static string? OfProcess(int pid)
    {
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cgroup")))
            {
                if (line.StartsWith("0::", StringComparison.Ordinal))
                {
                    return line[3..];
                }
            }
        }
        catch (IOException)
        {
            // It has ended.
        }

        return null;
    }

    /// <summary>Makes sure that controllers are at hand.</summary>
    /// <exception cref="BundtException">One is not: which, who holds it, what to do.</exception>
    public void Require(IEnumerable<string> controllers)
    {
        foreach (var controller in controllers)
        {
            if (!Has(controller))
            {
                if (!Exists(controller))
                {
                    throw new BundtException(
                        FailureKind.InvalidArgument, Phase.Cgroup, $"the requested cgroup controller `{controller}` is not available: the kernel knows no such controller");
                }

                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Cgroup,
                    $"the cgroup v2 hierarchy on {MountPoint} has no {controller} controller: {WhoHolds(controller)}",
                    $"Run without this limit, or boot with cgroup_no_v1={controller} (or systemd.unified_cgroup_hierarchy=1).");
            }
        }
    }

    private Cgroup MakeLeaf(string path, string parent, string[] enable)
    {
        for (var attempt = 0; ; attempt++)
        {
            var errno = CgroupCalls.Mkdir(MountPoint + path);
            switch (errno)
            {
                case Errno.None:
                    return new Cgroup(path, MountPoint + path, DirectoryFd.OpenHost(MountPoint + path));
                case Errno.ENOENT when attempt == 0:
                    // Someone removed the parent since it was prepared.
                    _prepared.Clear();
                    Prepare(parent, enable);
                    break;
                case Errno.EEXIST:
                    throw new BundtException(
                        FailureKind.Conflict, Phase.Cgroup, $"the cgroup {path} exists already", "Another container of this id runs, or a leftover was not removed.");
                default:
                    throw new BundtException(Phase.Cgroup, "mkdir", MountPoint + path, errno);
            }
        }
    }

    // Once per parent and set of controllers in this process: on the path of a start this is one look-up.
    private void Prepare(string parent, string[] enable)
    {
        var key = parent + " " + string.Join(' ', enable);
        if (_prepared.ContainsKey(key))
        {
            return;
        }

        MakeParents(parent, enable, []);
        _prepared[key] = true;
    }

    private void MakeParents(string parent, IReadOnlyCollection<string> required, IReadOnlyCollection<string> wanted)
    {
        var current = "";
        foreach (var name in parent.Split('/', StringSplitOptions.RemoveEmptyEntries).Prepend(""))
        {
            current = name.Length == 0 ? "" : current + "/" + name;
            var errno = current.Length == 0 ? Errno.None : CgroupCalls.Mkdir(MountPoint + current);
            if (errno is not (Errno.None or Errno.EEXIST))
            {
                throw new BundtException(Phase.Cgroup, "mkdir", MountPoint + current, errno);
            }

            Enable(current, required, wanted);
        }
    }

    private string[] Enabled(string path) =>
        ReadText(MountPoint + path + "/cgroup.subtree_control").Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);

    private void Enable(string path, IReadOnlyCollection<string> required, IReadOnlyCollection<string> wanted)
    {
        if (required.Count + wanted.Count == 0)
        {
            return;
        }

        var file = MountPoint + path + "/cgroup.subtree_control";
        var have = Enabled(path);
        var missing = required.Except(have).ToArray();
        var welcome = wanted.Except(have).ToArray();
        if (welcome.Length > 0)
        {
            if (CgroupCalls.Write(file, "+" + string.Join(" +", (string[])[.. missing, .. welcome])) == Errno.None)
            {
                return;
            }

            // One that cannot be had here (the cgroup above has not got it, or realtime tasks are in the way) keeps none of the others away.
            foreach (var controller in welcome)
            {
                CgroupCalls.Write(file, "+" + controller);
            }
        }

        if (missing.Length == 0)
        {
            return;
        }

        var errno = CgroupCalls.Write(file, "+" + string.Join(" +", missing));
        if (errno != Errno.None)
        {
            throw new BundtException(
                Phase.Cgroup, "enable " + string.Join(", ", missing), file, errno,
                errno == Errno.EBUSY ? "Processes in that cgroup itself stand in the way: move them into a child of it." : null);
        }
    }

    private static CgroupHierarchy? Find()
    {
        foreach (var usual in (string[])["/sys/fs/cgroup", "/sys/fs/cgroup/unified"])
        {
            if (CgroupCalls.FileSystemType(usual) == Cgroup2Magic)
            {
                return new CgroupHierarchy(usual);
            }
        }

        foreach (var line in File.ReadLines("/proc/self/mountinfo"))
        {
            if (line.Contains(" - cgroup2 ", StringComparison.Ordinal))
            {
                return new CgroupHierarchy(Unescape(line.Split(' ')[4]));
            }
        }

        return null;
    }

    // Spaces and the like stand as \040 in mountinfo.
    private static string Unescape(string text)
    {
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                result.Append((char)Convert.ToInt32(text.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                result.Append(text[i]);
            }
        }

        return result.ToString();
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException e)
        {
            throw new BundtException(FailureKind.Internal, Phase.Cgroup, $"read {path}: {BundtException.Reason(e)}", null, e);
        }
    }
}
