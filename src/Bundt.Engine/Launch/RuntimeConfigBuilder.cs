using System.Text;
using Bundt.Engine.Containers;
using Bundt.Engine.Settings;
using Bundt.Linux;
using Bundt.Linux.Capabilities;
using Bundt.Oci.Image;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Seccomp;
using Bundt.Runtime.Spec;

namespace Bundt.Engine.Launch;

/// <summary>From a container's record to an OCI runtime config, by Docker's rules (moby daemon/oci_linux.go). Pure: all that it needs is in its inputs.</summary>
internal static class RuntimeConfigBuilder
{
    private const ulong Unlimited = ulong.MaxValue;
    private const ulong DefaultPeriod = 100_000;

    /// <exception cref="BundtException">InvalidArgument: what only shows when everything is put together.</exception>
    public static RuntimeConfig Build(ConfigInputs inputs)
    {
        var record = inputs.Record;
        var settings = record.Settings;
        var security = SecurityOptions.Parse(settings.SecurityOpt);
        var capabilities = CapabilityChoice.Of(settings.Privileged, settings.CapAdd, settings.CapDrop);
        var hostUts = settings.UtsMode == "host";
        return new RuntimeConfig
        {
            Process = Process(inputs, security, capabilities),
            Root = new RuntimeRoot { Readonly = settings.ReadonlyRootfs },
            Hostname = hostUts ? null : settings.Hostname,
            Domainname = hostUts || settings.Domainname.Length == 0 ? null : settings.Domainname,
            Mounts = Mounts(inputs, security),
            Annotations = settings.Annotations,
            Linux = new LinuxConfig
            {
                Namespaces = Namespaces(inputs),
                UidMappings = Mappings(record.UserNamespace),
                GidMappings = Mappings(record.UserNamespace),
                Devices = settings.Privileged ? inputs.AllDevices : [.. inputs.Devices.Select(d => d.Device)],
                Resources = Resources(inputs),
                Sysctl = Sysctls(settings, record.UserNamespace),
                Seccomp = Seccomp(settings, security, capabilities),
                RootfsPropagation = Propagation(record.Mounts),
                MaskedPaths = Hidden(settings, security, settings.MaskedPaths, DefaultSpec.MaskedPaths),
                ReadonlyPaths = Hidden(settings, security, settings.ReadonlyPaths, DefaultSpec.ReadonlyPaths),
            },
        };
    }

    /// <summary>The environment of a container's process: Docker's base, what image and user set, HOME from passwd if nobody did.</summary>
    public static IReadOnlyList<string> Environment(
        IReadOnlyList<string> wanted, string hostname, bool tty, string home)
    {
        var result = new List<string> { DefaultSpec.Path, "HOSTNAME=" + hostname };
        if (tty)
        {
            result.Add("TERM=xterm");
        }

        foreach (var variable in wanted)
        {
            var key = ImageMerge.Key(variable);
            var at = result.FindIndex(r => ImageMerge.Key(r) == key);
            if (!variable.Contains('=', StringComparison.Ordinal))
            {
                // "KEY" alone takes away what the base sets.
                if (at >= 0)
                {
                    result.RemoveAt(at);
                }
            }
            else if (at >= 0)
            {
                result[at] = variable;
            }
            else
            {
                result.Add(variable);
            }
        }

        if (!result.Any(r => ImageMerge.Key(r) == "HOME"))
        {
            result.Add("HOME=" + home);
        }

        return result;
    }

    /// <summary>A working directory as Docker takes it: absolute, "/" by default.</summary>
    public static string WorkingDirectory(string wanted) => wanted.Length == 0 ? "/" : wanted[0] == '/' ? wanted : "/" + wanted;

    private static RuntimeProcess Process(ConfigInputs inputs, SecurityOptions security, IReadOnlyList<string> capabilities)
    {
        var settings = inputs.Record.Settings;
        var effective = inputs.Record.Effective;
        // The sets are the same for a user that is not root: the kernel clears permitted and effective when the process changes its id.
        return new RuntimeProcess
        {
            Terminal = settings.Tty,
            ConsoleSize = settings.Tty && settings.ConsoleSize is { Rows: > 0, Columns: > 0 } size ? new ConsoleSize(size.Rows, size.Columns) : null,
            Cwd = WorkingDirectory(effective.WorkingDir),
            Env = Environment(effective.Env, settings.UtsMode == "host" ? inputs.HostName : settings.Hostname, settings.Tty, inputs.User.Home),
            Args = ImageMerge.Command(effective),
            User = new ProcessUser { Uid = inputs.User.Uid, Gid = inputs.User.Gid, AdditionalGids = inputs.User.AdditionalGids },
            Capabilities = DefaultSpec.CapabilitySets(capabilities),
            Rlimits = [.. settings.Ulimits.Select(u => new ProcessRlimit("RLIMIT_" + u.Name.ToUpperInvariant(), Limit(u.Soft), Limit(u.Hard)))],
            NoNewPrivileges = security.NoNewPrivileges,
            ApparmorProfile = AppArmor.InConfig(inputs.AppArmorProfile),
            OomScoreAdj = settings.OomScoreAdj,
        };
    }

    private static ulong Limit(long value) => value < 0 ? Unlimited : (ulong)value;

    private static List<LinuxNamespace> Namespaces(ConfigInputs inputs)
    {
        var settings = inputs.Record.Settings;
        var result = new List<LinuxNamespace>();
        foreach (var standard in DefaultSpec.Namespaces)
        {
            var host = standard.Type switch
            {
                NamespaceType.Network => settings.NetworkMode == "host",
                NamespaceType.Ipc => settings.IpcMode == "host",
                NamespaceType.Pid => settings.PidMode == "host",
                NamespaceType.Uts => settings.UtsMode == "host",
                NamespaceType.Cgroup => settings.CgroupnsMode == "host",
                _ => false,
            };
            if (!host)
            {
                result.Add(inputs.Joined.TryGetValue(standard.Type, out var path) ? standard with { Path = path } : standard);
            }
        }

        if (inputs.Record.UserNamespace is not null)
        {
            result.Add(new LinuxNamespace(NamespaceType.User));
        }

        return result;
    }

    private static IdMapping[] Mappings(IdRange? range) => range is null ? [] : [new IdMapping(0, range.First, range.Size)];

    private static List<RuntimeMount> Mounts(ConfigInputs inputs, SecurityOptions security)
    {
        var record = inputs.Record;
        var settings = record.Settings;
        var own = record.Mounts.OrderBy(m => m.Destination.Count(c => c == '/')).ThenBy(m => m.Destination, StringComparer.Ordinal).ToList();
        var taken = own.Select(m => m.Destination).ToHashSet(StringComparer.Ordinal);
        var result = new List<RuntimeMount>();
        foreach (var mount in DefaultSpec.Mounts(settings.ShmSize > 0 ? settings.ShmSize : DefaultSpec.ShmSize, settings.Privileged))
        {
            // A mount of the user's replaces the default one; a /dev of his own, all below it.
            if (taken.Contains(mount.Destination) || (taken.Contains("/dev") && mount.Destination.StartsWith("/dev/", StringComparison.Ordinal)))
            {
                continue;
            }

            switch (mount.Destination)
            {
                case "/dev/shm" when settings.IpcMode == "none":
                    break;
                case "/dev/shm" when settings.IpcMode == "host":
                    result.Add(Bind("/dev/shm", "/dev/shm", []));
                    break;
                case "/dev/shm" when inputs.SharedShm is { } shared:
                    result.Add(Bind("/dev/shm", shared, ["nosuid", "noexec", "nodev"]));
                    break;
                case "/dev/mqueue" when settings.IpcMode == "host":
                    result.Add(Bind("/dev/mqueue", "/dev/mqueue", []));
                    break;
                case "/sys/fs/cgroup" when security.WritableCgroups:
                    result.Add(mount with { Options = [.. mount.Options.Where(o => o != "ro"), "rw"] });
                    break;
                default:
                    result.Add(mount);
                    break;
            }
        }

        foreach (var mount in own)
        {
            result.Add(mount.Type switch
            {
                "tmpfs" => new RuntimeMount { Destination = mount.Destination, Type = "tmpfs", Source = "tmpfs", Options = [.. mount.TmpfsOptions, "rprivate"] },
                _ => Bind(mount.Destination, mount.Source, UserBindOptions(mount, record.UserNamespace is not null)),
            });
        }

        foreach (var (destination, source) in ((string, string)[])
            [("/etc/resolv.conf", inputs.Files.ResolvConf), ("/etc/hostname", inputs.Files.Hostname), ("/etc/hosts", inputs.Files.Hosts)])
        {
            if (!taken.Contains(destination))
            {
                result.Add(Bind(destination, source, settings.ReadonlyRootfs ? ["ro", "rprivate"] : ["rprivate"]));
            }
        }

        return result;
    }

    private static RuntimeMount Bind(string destination, string source, IReadOnlyList<string> options) =>
        new() { Destination = destination, Type = "bind", Source = source, Options = options.Contains("bind") ? options : ["rbind", .. options] };

    private static List<string> UserBindOptions(MountRecord mount, bool ownIds)
    {
        var options = new List<string> { mount.NonRecursive ? "bind" : "rbind", mount.Propagation.Length > 0 ? mount.Propagation : "rprivate" };
        if (ownIds && mount.Type == "volume")
        {
            // A volume holds the ids of the image and of the containers' insides: each of them, whatever its range, finds its own root in it.
            options.Add("idmap");
        }

        if (mount.ReadOnly)
        {
            options.Add("ro");
            if (!mount.NonRecursive)
            {
                // Recursively, as Docker does where the kernel can (5.12): a submount of the source is no way around it.
                options.Add("rro");
            }
        }

        return options;
    }

    private static string? Propagation(IReadOnlyList<MountRecord> mounts) =>
        mounts.Any(m => m.Propagation is "shared" or "rshared") ? "shared" : mounts.Any(m => m.Propagation is "slave" or "rslave") ? "slave" : null;

    private static LinuxResources Resources(ConfigInputs inputs)
    {
        var settings = inputs.Record.Settings;
        var r = settings.Resources;
        var quota = r.NanoCpus > 0 ? r.NanoCpus * (long)DefaultPeriod / 1_000_000_000 : r.CpuQuota;
        return new LinuxResources
        {
            Devices = settings.Privileged
                ? [new DeviceCgroupRule(true, 'a', null, null, "rwm")]
                : [.. DefaultSpec.DeviceRules, .. inputs.Devices.Select(d => new DeviceCgroupRule(true, d.Device.Type, d.Device.Major, d.Device.Minor, d.Access))],
            Memory = r.Memory == 0 && r.MemorySwap == 0 && r.MemoryReservation == 0
                ? null
                : new MemoryResources
                {
                    Limit = r.Memory > 0 ? r.Memory : null,
                    // Without a word about swap, as much again as memory.
                    Swap = r.MemorySwap != 0 ? r.MemorySwap : r.Memory > 0 ? 2 * r.Memory : null,
                    Reservation = r.MemoryReservation > 0 ? r.MemoryReservation : null,
                },
            Cpu = r.CpuShares == 0 && quota == 0 && r.CpuPeriod == 0 && r.CpusetCpus.Length == 0 && r.CpusetMems.Length == 0
                ? null
                : new CpuResources
                {
                    Shares = r.CpuShares > 0 ? (ulong)r.CpuShares : null,
                    Quota = quota != 0 ? quota : null,
                    Period = r.CpuPeriod > 0 ? (ulong)r.CpuPeriod : quota > 0 ? DefaultPeriod : null,
                    Cpus = r.CpusetCpus.Length > 0 ? r.CpusetCpus : null,
                    Mems = r.CpusetMems.Length > 0 ? r.CpusetMems : null,
                },
            PidsLimit = r.PidsLimit is { } pids ? (pids > 0 ? pids : null) : inputs.DefaultPids,
            BlockIo = r.BlkioWeight > 0 ? new BlockIoResources { Weight = r.BlkioWeight } : null,
        };
    }

    private static Dictionary<string, string> Sysctls(ContainerSettings settings, IdRange? userNamespace)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal);
        if (NetworkChoice.IsOwn(settings.NetworkMode))
        {
            foreach (var (key, value) in DefaultSpec.Sysctls)
            {
                if (userNamespace is null || key != "net.ipv4.ping_group_range")
                {
                    result[key] = value;
                }
            }
        }

        foreach (var (key, value) in settings.Sysctls)
        {
            result[key] = value;
        }

        return result;
    }

    private static LinuxSeccomp? Seccomp(ContainerSettings settings, SecurityOptions security, IReadOnlyList<string> capabilities) => security.Seccomp switch
    {
        "unconfined" => null,
        null when settings.Privileged => null,
        null or "" or "builtin" => DefaultSpec.Seccomp(capabilities),
        var json => ParseSeccomp(json, capabilities),
    };

    private static LinuxSeccomp ParseSeccomp(string json, IReadOnlyList<string> capabilities)
    {
        try
        {
            return SeccompProfile.Parse(Encoding.UTF8.GetBytes(json)).Resolve(CapabilitySet.FromNames(capabilities).Intersect(CapabilitySet.Own));
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"seccomp profile: {e.Message}", null, e);
        }
    }

    private static IReadOnlyList<string> Hidden(
        ContainerSettings settings, SecurityOptions security, IReadOnlyList<string>? wanted, IReadOnlyList<string> standard) =>
        settings.Privileged || security.SystemPathsUnconfined ? [] : wanted ?? standard;
}
