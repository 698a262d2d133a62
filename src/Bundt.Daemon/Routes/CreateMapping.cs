using Bundt.Daemon.Json;
using Bundt.Daemon.Server;
using Bundt.Engine;
using Bundt.Engine.Networks;
using Bundt.Linux;

namespace Bundt.Daemon.Routes;

/// <summary>From Docker's create body to the engine's settings. What the engine has no place for is refused, never dropped in silence.</summary>
internal static class CreateMapping
{
    private static readonly Dictionary<string, string> s_none = [];

    /// <summary>The settings.</summary>
    /// <param name="body">The body.</param>
    /// <param name="platform">"linux/amd64", or "".</param>
    /// <param name="engine">Where --volumes-from finds its container.</param>
    /// <param name="warnings">Gets a sentence per member that has no effect.</param>
    /// <exception cref="BundtException">InvalidArgument or NotImplemented, naming the member.</exception>
    public static ContainerSettings ToSettings(CreateBody body, string platform, ContainerEngine engine, List<string> warnings)
    {
        HostConfig host = body.HostConfig ?? new HostConfig();
        if (string.IsNullOrEmpty(body.Image))
        {
            throw ApiRequest.Malformed("config cannot be empty in order to create a container: no image is named");
        }

        Refuse(host);
        Warn(body, host, warnings);
        return new ContainerSettings
        {
            Image = body.Image,
            Cmd = body.Cmd is null ? null : Texts(body.Cmd, nameof(body.Cmd)),
            Entrypoint = body.Entrypoint is null ? null : Texts(body.Entrypoint, nameof(body.Entrypoint)),
            Env = Texts(body.Env, nameof(body.Env)),
            User = body.User ?? "",
            WorkingDir = body.WorkingDir ?? "",
            Hostname = body.Hostname ?? "",
            Domainname = body.Domainname ?? "",
            Labels = Text(body.Labels),
            Tty = body.Tty,
            OpenStdin = body.OpenStdin,
            StdinOnce = body.StdinOnce,
            AttachStdin = body.AttachStdin,
            AttachStdout = body.AttachStdout,
            AttachStderr = body.AttachStderr,
            ConsoleSize = Size(host.ConsoleSize),
            StopSignal = string.IsNullOrEmpty(body.StopSignal) ? null : body.StopSignal,
            StopTimeout = body.StopTimeout,
            ExposedPorts = Keys(body.ExposedPorts),
            PortBindings = Ports(host.PortBindings),
            PublishAllPorts = host.PublishAllPorts,
            Volumes = Keys(body.Volumes),
            Binds = Texts(host.Binds, nameof(host.Binds)),
            Mounts = [.. Convert(host.Mounts, nameof(host.Mounts), ToMount), .. VolumesFrom(Texts(host.VolumesFrom, nameof(host.VolumesFrom)), engine)],
            VolumesFrom = Texts(host.VolumesFrom, nameof(host.VolumesFrom)),
            Tmpfs = Text(host.Tmpfs),
            AutoRemove = host.AutoRemove,
            Networks = Endpoints(body),

            // In a network of one's own the endpoint has them.
            Links = host.NetworkMode is null or "" or "default" or "bridge" ? Texts(host.Links, nameof(host.Links)) : [],
            NetworkMode = body.NetworkDisabled ? "none" : host.NetworkMode is "default" or null ? "" : host.NetworkMode,
            IpcMode = host.IpcMode ?? "",
            PidMode = host.PidMode ?? "",
            UtsMode = host.UtsMode ?? "",
            CgroupnsMode = host.CgroupnsMode ?? "",
            UsernsMode = host.UsernsMode ?? "",
            Privileged = host.Privileged,
            ReadonlyRootfs = host.ReadonlyRootfs,
            Init = host.Init ?? false,
            CapAdd = Texts(host.CapAdd, nameof(host.CapAdd)),
            CapDrop = Texts(host.CapDrop, nameof(host.CapDrop)),
            SecurityOpt = Texts(host.SecurityOpt, nameof(host.SecurityOpt)),
            MaskedPaths = host.MaskedPaths,
            ReadonlyPaths = host.ReadonlyPaths,
            GroupAdd = Texts(host.GroupAdd, nameof(host.GroupAdd)),
            Resources = ToResources(host),
            Ulimits = Convert(host.Ulimits, nameof(host.Ulimits), static limit => new UlimitSettings(limit.Name ?? "", limit.Soft, limit.Hard)),
            Sysctls = Text(host.Sysctls),
            Devices = Convert(host.Devices, nameof(host.Devices), static device => new DeviceSettings(
                device.PathOnHost ?? "",
                string.IsNullOrEmpty(device.PathInContainer) ? device.PathOnHost ?? "" : device.PathInContainer,
                string.IsNullOrEmpty(device.CgroupPermissions) ? "rwm" : device.CgroupPermissions)),
            ShmSize = host.ShmSize,
            OomScoreAdj = host.OomScoreAdj,
            ExtraHosts = Texts(host.ExtraHosts, nameof(host.ExtraHosts)),
            Dns = Texts(host.Dns, nameof(host.Dns)),
            DnsOptions = Texts(host.DnsOptions, nameof(host.DnsOptions)),
            DnsSearch = Texts(host.DnsSearch, nameof(host.DnsSearch)),
            LogDriver = host.LogConfig?.Type ?? "",
            LogOptions = Text(host.LogConfig?.Config),
            RestartPolicy = (string.IsNullOrEmpty(host.RestartPolicy?.Name) ? "no" : host.RestartPolicy.Name, host.RestartPolicy?.MaximumRetryCount ?? 0),
            Platform = platform.Length == 0 ? null : platform,
            Annotations = Text(host.Annotations),
        };
    }

    /// <summary>Rows and columns.</summary>
    public static (int Rows, int Columns) Size(IReadOnlyList<int>? size) => size is [int rows, int columns] ? (rows, columns) : (0, 0);

    /// <summary>A map without nulls.</summary>
    public static IReadOnlyDictionary<string, string> Text(IReadOnlyDictionary<string, string?>? map)
    {
        if (map is null || map.Count == 0)
        {
            return s_none;
        }

        var text = new Dictionary<string, string>(map.Count);
        foreach ((string key, string? value) in map)
        {
            text[key] = value ?? "";
        }

        return text;
    }

    private static ResourceSettings ToResources(HostConfig host) => new()
    {
        Memory = host.Memory,
        MemorySwap = host.MemorySwap,
        MemoryReservation = host.MemoryReservation,
        NanoCpus = host.NanoCpus,
        CpuShares = host.CpuShares,
        CpuPeriod = host.CpuPeriod,
        CpuQuota = host.CpuQuota,
        CpusetCpus = host.CpusetCpus ?? "",
        CpusetMems = host.CpusetMems ?? "",
        PidsLimit = host.PidsLimit is 0 ? null : host.PidsLimit, // the docker CLI sends 0 for "not set"; -1 is unlimited
        BlkioWeight = host.BlkioWeight,
    };

    private static MountSettings ToMount(MountBody mount)
    {
        string target = mount.Target ?? "";
        if (mount.VolumeOptions?.Subpath is { Length: > 0 })
        {
            throw Missing($"volume-subpath of the mount at {target}");
        }

        if (mount.VolumeOptions?.DriverConfig?.Name is { Length: > 0 } driver and not "local")
        {
            throw new BundtException(FailureKind.NotFound, Phase.Request, $"volume driver \"{driver}\" is not known: there is only \"local\"");
        }

        if (mount.VolumeOptions?.DriverConfig?.Options is { Count: > 0 })
        {
            throw Missing($"volume-opt of the mount at {target}");
        }

        return new MountSettings(
            mount.Type ?? "",
            string.IsNullOrEmpty(mount.Source) ? null : mount.Source,
            target,
            mount.ReadOnly,
            mount.BindOptions?.Propagation ?? "",
            mount.VolumeOptions?.NoCopy ?? false,
            mount.TmpfsOptions?.SizeBytes ?? 0,
            mount.TmpfsOptions?.Mode ?? 0,
            mount.VolumeOptions?.Labels is { } labels ? Text(labels) : null,
            mount.BindOptions?.CreateMountpoint ?? false,
            mount.BindOptions?.NonRecursive ?? false);
    }

    /// <summary>The volumes and binds of other containers: "name" or "name:ro".</summary>
    private static List<MountSettings> VolumesFrom(IReadOnlyList<string> names, ContainerEngine engine)
    {
        List<MountSettings> mounts = [];
        foreach (string name in names)
        {
            int colon = name.IndexOf(':', StringComparison.Ordinal);
            bool readOnly = colon >= 0 && name.AsSpan(colon + 1).SequenceEqual("ro");
            foreach (MountPoint point in engine.Find(colon < 0 ? name : name[..colon]).MountPoints)
            {
                if (point.Type is "volume" or "bind")
                {
                    mounts.Add(new MountSettings(
                        point.Type, point.Type == "volume" ? point.Name : point.Source, point.Destination, readOnly || !point.ReadWrite, NoCopy: true, Inherited: true));
                }
            }
        }

        return mounts;
    }

    private static void Refuse(HostConfig host)
    {
        if (host.Runtime is { Length: > 0 } runtime and not ("bundt" or "runc" or "io.containerd.runc.v2"))
        {
            throw ApiRequest.Malformed($"unknown or invalid runtime name: {runtime}");
        }

        if (host.Isolation is { Length: > 0 } isolation and not "default")
        {
            throw ApiRequest.Malformed($"invalid isolation \"{isolation}\": Linux has only \"default\"");
        }

        if (host.VolumeDriver is { Length: > 0 } driver and not "local")
        {
            throw new BundtException(FailureKind.NotFound, Phase.Request, $"volume driver \"{driver}\" is not known: there is only \"local\"");
        }

        string? missing = host switch
        {
            { DeviceRequests.Count: > 0 } => "a device request (--gpus)",
            { StorageOpt.Count: > 0 } => "a storage option (--storage-opt)",
            { CgroupParent.Length: > 0 } => "a cgroup parent (--cgroup-parent)",
            { Links.Count: > 0, NetworkMode: "host" or "none" } => $"a link (--link) with --network {host.NetworkMode}",
            { Links.Count: > 0, NetworkMode: { } mode } when mode.StartsWith("container:", StringComparison.Ordinal) => "a link (--link) with another container's network",
            { DeviceCgroupRules.Count: > 0 } => "a device rule (--device-cgroup-rule)",
            { OomKillDisable: true } => "--oom-kill-disable (cgroup v2 has no such switch)",
            { MemorySwappiness: >= 0 } => "--memory-swappiness (cgroup v2 has no such limit)",
            { KernelMemory: > 0 } => "--kernel-memory (cgroup v2 has no such limit)",
            { CpuRealtimePeriod: not 0 } or { CpuRealtimeRuntime: not 0 } => "realtime CPU scheduling (--cpu-rt-*; cgroup v2 has no such limit)",
            { BlkioWeightDevice.Count: > 0 } or { BlkioDeviceReadBps.Count: > 0 } or { BlkioDeviceWriteBps.Count: > 0 }
                or { BlkioDeviceReadIops.Count: > 0 } or { BlkioDeviceWriteIops.Count: > 0 } => "an I/O limit of one device (--device-read-bps and the like)",
            { CpuCount: > 0 } or { CpuPercent: > 0 } or { IoMaximumIops: > 0 } or { IoMaximumBandwidth: > 0 } => "a limit that only Windows has",
            _ => null,
        };
        if (missing is not null)
        {
            throw Missing(missing);
        }
    }

    private static void Warn(CreateBody body, HostConfig host, List<string> warnings)
    {
        if (body.Healthcheck is { Test: [not "NONE", ..] })
        {
            warnings.Add("The health check is discarded: Bundt does not run health checks yet.");
        }
    }

    /// <summary>What a container asks of one network.</summary>
    /// <exception cref="BundtException">InvalidArgument or NotImplemented, naming the member.</exception>
    public static EndpointRequest ToEndpoint(string network, EndpointSettings? endpoint)
    {
        if (endpoint?.IpamConfig?.LinkLocalIps is { Count: > 0 })
        {
            throw Missing("a link-local address (--link-local-ip)");
        }

        return endpoint?.DriverOpts is { Count: > 0 }
            ? throw Missing($"a driver option of an endpoint ({endpoint.DriverOpts.First().Key})")
            : new EndpointRequest
            {
                Network = network,
                Aliases = Texts(endpoint?.Aliases, nameof(EndpointSettings.Aliases)),
                Links = Texts(endpoint?.Links, nameof(EndpointSettings.Links)),
                Ipv4Address = endpoint?.IpamConfig?.Ipv4Address ?? "",
                Ipv6Address = endpoint?.IpamConfig?.Ipv6Address ?? "",
                MacAddress = endpoint?.MacAddress ?? "",
                GatewayPriority = endpoint?.GwPriority ?? 0,
            };
    }

    /// <summary>How it is to be in its networks.</summary>
    private static List<EndpointRequest> Endpoints(CreateBody body)
    {
        string mode = body.HostConfig?.NetworkMode is { Length: > 0 } asked and not "default" ? asked : NetworkStore.DefaultName;
        bool hasOwn = mode is not ("none" or "host") && !mode.StartsWith("container:", StringComparison.Ordinal);
        if (!string.IsNullOrEmpty(body.MacAddress) && !hasOwn)
        {
            throw ApiRequest.Malformed("conflicting options: mac-address and the network mode");
        }

        List<EndpointRequest> networks = [];
        foreach ((string name, EndpointSettings? endpoint) in body.NetworkingConfig?.EndpointsConfig ?? [])
        {
            // Docker's client says "default" where its user has named none.
            string hardware = endpoint?.MacAddress is { Length: > 0 } own ? own : name == mode || name is "default" or "" ? body.MacAddress ?? "" : "";
            bool isDefault = name is "default" or "bridge" or "", isOwn = !isDefault && name is not ("none" or "host");
            if (!isOwn && endpoint?.Aliases is { Count: > 0 })
            {
                throw ApiRequest.Malformed("network-scoped alias is supported only for containers in user defined networks");
            }

            if (!isOwn && endpoint?.IpamConfig is { Ipv4Address.Length: > 0 } or { Ipv6Address.Length: > 0 })
            {
                throw ApiRequest.Malformed("user specified IP address is supported on user defined networks only");
            }

            if (isOwn || (isDefault && mode == NetworkStore.DefaultName && hardware.Length > 0))
            {
                networks.Add(ToEndpoint(isDefault ? mode : name, endpoint) with { MacAddress = hardware });
            }
            else if (!string.IsNullOrEmpty(endpoint?.MacAddress))
            {
                throw ApiRequest.Malformed("conflicting options: mac-address and the network mode");
            }
        }

        if (hasOwn && networks.Count == 0 && !string.IsNullOrEmpty(body.MacAddress))
        {
            networks.Add(new EndpointRequest { Network = mode, MacAddress = body.MacAddress });
        }

        return networks;
    }

    private static bool IsOwn(string mode) => mode is not ("" or "default" or "bridge" or "none" or "host") && !mode.StartsWith("container:", StringComparison.Ordinal);

    private static BundtException Missing(string what) =>
        new(FailureKind.NotImplemented, Phase.Request, $"{what} is not offered by Bundt {ServerHeader.Version}");

    // A port without a binding is published at one of the host's that is free, as Docker has it.
    private static List<PortBindingSettings> Ports(Dictionary<string, IReadOnlyList<PortBinding>?>? bindings)
    {
        List<PortBindingSettings> ports = [];
        foreach ((string port, IReadOnlyList<PortBinding>? hosts) in bindings ?? [])
        {
            ports.AddRange(hosts is null or []
                ? [new PortBindingSettings(port, "", "")]
                : Convert(hosts, nameof(HostConfig.PortBindings), binding => new PortBindingSettings(port, binding.HostIp ?? "", binding.HostPort ?? "")));
        }

        return ports;
    }

    private static string[] Keys(Dictionary<string, Empty?>? set) => set is null || set.Count == 0 ? [] : [.. set.Keys];

    private static string[] Texts(IReadOnlyList<string?>? list, string member) => Convert(list, member, static text => text);

    // The JSON reader lets null pass for an element of a list, whatever the type says.
    private static TTo[] Convert<TFrom, TTo>(IReadOnlyList<TFrom?>? list, string member, Func<TFrom, TTo> convert)
        where TFrom : class
    {
        if (list is null || list.Count == 0)
        {
            return [];
        }

        var converted = new TTo[list.Count];
        for (int i = 0; i < converted.Length; i++)
        {
            converted[i] = convert(list[i] ?? throw ApiRequest.Malformed($"invalid JSON: {member} has null among its elements"));
        }

        return converted;
    }
}
