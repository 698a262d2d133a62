using Bundt.Linux.Capabilities;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Seccomp;

namespace Bundt.Runtime.Spec;

/// <summary>
/// Docker's defaults (moby daemon/pkg/oci/defaults.go) as a runtime config: what a container gets when nobody asks for anything else.
/// The parts are public so that a caller can replace one of them.
/// </summary>
public static class DefaultSpec
{
    /// <summary>Default size of /dev/shm in bytes.</summary>
    public const long ShmSize = 64 << 20;

    /// <summary>PATH of a container whose image sets none.</summary>
    public const string Path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>The fourteen capabilities.</summary>
    public static IReadOnlyList<string> Capabilities { get; } =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP",
        "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE",
    ];

    /// <summary>Paths that cannot be read; those of the CPUs that this machine has included.</summary>
    public static IReadOnlyList<string> MaskedPaths { get; } =
    [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi",
        "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap", "/sys/firmware", .. ThermalThrottles(),
    ];

    /// <summary>Paths that cannot be written.</summary>
    public static IReadOnlyList<string> ReadonlyPaths { get; } = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

    /// <summary>New mount, network, uts, pid, ipc and cgroup namespaces, and a time namespace where the kernel has it.</summary>
    public static IReadOnlyList<LinuxNamespace> Namespaces { get; } =
    [
        new(NamespaceType.Mount), new(NamespaceType.Network), new(NamespaceType.Uts), new(NamespaceType.Pid), new(NamespaceType.Ipc),
        new(NamespaceType.Cgroup), .. File.Exists("/proc/self/ns/time") ? [new LinuxNamespace(NamespaceType.Time)] : (LinuxNamespace[])[],
    ];

    /// <summary>Access to devices, in the order of evaluation; the rules that every container needs are added at launch.</summary>
    public static IReadOnlyList<DeviceCgroupRule> DeviceRules { get; } =
    [
        new(false, 'a', null, null, "rwm"),
        new(true, 'c', 1, 5, "rwm"), new(true, 'c', 1, 3, "rwm"), new(true, 'c', 1, 9, "rwm"), new(true, 'c', 1, 8, "rwm"),
        new(true, 'c', 5, 0, "rwm"), new(true, 'c', 5, 1, "rwm"), new(false, 'c', 10, 229, "rwm"),
    ];

    /// <summary>Kernel parameters of a private network namespace (the first one not together with a user namespace).</summary>
    public static IReadOnlyDictionary<string, string> Sysctls { get; } = new Dictionary<string, string>
    {
        ["net.ipv4.ping_group_range"] = "0 2147483647",
        ["net.ipv4.ip_unprivileged_port_start"] = "0",
    };

    /// <summary>The seven mounts, in order: /proc, /dev, /dev/pts, /sys, /sys/fs/cgroup, /dev/mqueue, /dev/shm.</summary>
    /// <param name="shmSize">Bytes of /dev/shm.</param>
    /// <param name="privileged">/sys and the cgroup view writable.</param>
    public static IReadOnlyList<RuntimeMount> Mounts(long shmSize = ShmSize, bool privileged = false)
    {
        string[] sys = privileged ? ["nosuid", "noexec", "nodev"] : ["nosuid", "noexec", "nodev", "ro"];
        return
        [
            new() { Destination = "/proc", Type = "proc", Source = "proc", Options = ["nosuid", "noexec", "nodev"] },
            new() { Destination = "/dev", Type = "tmpfs", Source = "tmpfs", Options = ["nosuid", "strictatime", "mode=755", "size=65536k"] },
            new()
            {
                Destination = "/dev/pts", Type = "devpts", Source = "devpts",
                Options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
            },
            new() { Destination = "/sys", Type = "sysfs", Source = "sysfs", Options = sys },
            new() { Destination = "/sys/fs/cgroup", Type = "cgroup", Source = "cgroup", Options = sys },
            new() { Destination = "/dev/mqueue", Type = "mqueue", Source = "mqueue", Options = ["nosuid", "noexec", "nodev"] },
            new()
            {
                Destination = "/dev/shm", Type = "tmpfs", Source = "shm",
                Options = ["nosuid", "noexec", "nodev", "mode=1777", $"size={shmSize}"],
            },
        ];
    }

    /// <summary>The capability sets of a process: bounding, permitted and effective the same, inheritable and ambient empty.</summary>
    public static ProcessCapabilities CapabilitySets(IReadOnlyList<string> names) => new() { Bounding = names, Effective = names, Permitted = names };

    /// <summary>Docker's seccomp filter for these capabilities; the same object for the same set.</summary>
    public static LinuxSeccomp Seccomp(IReadOnlyList<string> capabilities) =>
        SeccompProfile.Docker.Resolve(CapabilitySet.FromNames(capabilities).Intersect(CapabilitySet.Own));

    /// <summary>A whole config with all defaults for a command. The root path is "rootfs"; the hostname is unset.</summary>
    public static RuntimeConfig Create(IReadOnlyList<string> args) => new()
    {
        OciVersion = "1.2.0",
        Root = new RuntimeRoot { Path = "rootfs" },
        Process = new RuntimeProcess
        {
            Args = args,
            Env = [Path],
            Cwd = "/",
            User = new ProcessUser { AdditionalGids = [0] },
            Capabilities = CapabilitySets(Capabilities),
            OomScoreAdj = 0,
        },
        Mounts = Mounts(),
        Linux = new LinuxConfig
        {
            Namespaces = Namespaces,
            MaskedPaths = MaskedPaths,
            ReadonlyPaths = ReadonlyPaths,
            Sysctl = Sysctls,
            Resources = new LinuxResources { Devices = DeviceRules },
            Seccomp = Seccomp(Capabilities),
        },
    };

    private static IEnumerable<string> ThermalThrottles()
    {
        for (var cpu = 0; Directory.Exists($"/sys/devices/system/cpu/cpu{cpu}"); cpu++)
        {
            var path = $"/sys/devices/system/cpu/cpu{cpu}/thermal_throttle";
            if (Directory.Exists(path))
            {
                yield return path;
            }
        }
    }
}
