using System.Globalization;
using Bundt.Linux.Files;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Spec;

/// <summary>The config.json that the spec command writes: what users of runc and crun start from.</summary>
public static class BundleSpec
{
    private static readonly string[] s_capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

    /// <summary>A shell on a terminal in new namespaces, on the read-only root "rootfs".</summary>
    /// <param name="rootless">In a user namespace whose root is the caller, with the caller's network.</param>
    public static RuntimeConfig Create(bool rootless)
    {
        var config = DefaultSpec.Create(["sh"]);
        List<LinuxNamespace> namespaces =
            [new(NamespaceType.Pid), new(NamespaceType.Ipc), new(NamespaceType.Uts), new(NamespaceType.Mount), new(NamespaceType.Cgroup)];
        namespaces.Add(new LinuxNamespace(rootless ? NamespaceType.User : NamespaceType.Network));
        var (uid, gid) = rootless ? Caller() : (0, 0);
        return config with
        {
            Hostname = "bundt",
            Root = new RuntimeRoot { Path = "rootfs", Readonly = true },
            Process = config.Process! with
            {
                Terminal = true,
                Env = [DefaultSpec.Path, "TERM=xterm"],
                User = new ProcessUser(),
                Capabilities = DefaultSpec.CapabilitySets(s_capabilities),
                Rlimits = [new ProcessRlimit("RLIMIT_NOFILE", 1024, 1024)],
                NoNewPrivileges = true,
                OomScoreAdj = null,
            },
            Mounts = rootless ? [.. config.Mounts.Select(Rootless)] : config.Mounts,
            Linux = config.Linux! with
            {
                Namespaces = namespaces,
                UidMappings = rootless ? [new IdMapping(0, uid, 1)] : [],
                GidMappings = rootless ? [new IdMapping(0, gid, 1)] : [],
                Sysctl = new Dictionary<string, string>(),
                Resources = rootless ? null : new LinuxResources { Devices = [new DeviceCgroupRule(false, 'a', null, null, "rwm")] },
                Seccomp = null,
            },
        };
    }

    // The group 5 of terminals is not mapped; a sysfs belongs to a network namespace, which is not ours.
    private static RuntimeMount Rootless(RuntimeMount mount) => mount.Destination switch
    {
        "/dev/pts" => mount with { Options = [.. mount.Options.Where(option => option != "gid=5")] },
        "/sys" => mount with { Type = "none", Source = "/sys", Options = ["rbind", .. mount.Options] },
        _ => mount,
    };

    private static (uint Uid, uint Gid) Caller()
    {
        using var self = DirectoryFd.OpenHost(string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}"));
        var status = self.Stat();
        return (status.Uid, status.Gid);
    }
}
