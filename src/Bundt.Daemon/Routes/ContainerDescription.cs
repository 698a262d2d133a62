using System.Globalization;
using Bundt.Daemon.Json;
using Bundt.Engine;
using Bundt.Engine.Networks;

namespace Bundt.Daemon.Routes;

/// <summary>From the engine's container to Docker's words for it.</summary>
internal static class ContainerDescription
{
    /// <summary>"running" …</summary>
    public static string StateName(ContainerStatus status) => status switch
    {
        ContainerStatus.Created => "created",
        ContainerStatus.Running => "running",
        ContainerStatus.Paused => "paused",
        ContainerStatus.Exited => "exited",
        ContainerStatus.Removing => "removing",
        _ => "dead",
    };

    /// <summary>"Up 3 seconds", "Exited (3) 2 minutes ago" … as the daemon of docker words it for ps.</summary>
    public static string StatusText(ContainerState state, DateTimeOffset now) => state.Status switch
    {
        ContainerStatus.Running => $"Up {GoDuration.ForPeople(now - (state.StartedAt ?? now))}",
        ContainerStatus.Paused => $"Up {GoDuration.ForPeople(now - (state.StartedAt ?? now))} (Paused)",
        ContainerStatus.Removing => "Removal In Progress",
        ContainerStatus.Dead => "Dead",
        ContainerStatus.Created => "Created",
        _ => string.Create(CultureInfo.InvariantCulture, $"Exited ({state.ExitCode}) {GoDuration.ForPeople(now - (state.FinishedAt ?? now))} ago"),
    };

    /// <summary>The name of the network that a container is in.</summary>
    public static string NetworkName(ContainerSettings settings) => settings.NetworkMode.Length == 0 ? "none" : settings.NetworkMode;

    /// <summary>A line of the list.</summary>
    public static ContainerSummary Summarize(Container container, string image, bool size, DateTimeOffset now)
    {
        ContainerState state = container.State;
        (long Writable, long Root)? sizes = size ? container.MeasureSize() : null;
        return new ContainerSummary
        {
            Id = container.Id,
            Names = ["/" + container.Name],
            Image = image,
            ImageId = container.ImageId,
            Command = CommandText(container.Command),
            Created = container.Created.ToUnixTimeSeconds(),
            SizeRw = sizes?.Writable,
            SizeRootFs = sizes is { } measured ? measured.Root + measured.Writable : null,
            Ports = SummaryPorts(container),
            Labels = container.Effective.Labels,
            State = StateName(state.Status),
            Status = StatusText(state, now),
            HostConfig = new SummaryHostConfig(NetworkName(container.Settings))
            {
                Annotations = container.Settings.Annotations.Count == 0 ? null : container.Settings.Annotations,
            },
            NetworkSettings = new SummaryNetworks(Networks(container)),
            Mounts = Mounts(container),
        };
    }

    /// <summary>The whole answer of inspect.</summary>
    public static ContainerInspect Inspect(Container container, bool size)
    {
        ContainerState state = container.State;
        (string Hostname, string Hosts, string ResolvConf, string Log) files = container.Files;
        (long Writable, long Root)? sizes = size ? container.MeasureSize() : null;
        IReadOnlyList<string> command = container.Command;
        IReadOnlyList<string> execs = container.ExecIds;
        return new ContainerInspect
        {
            Id = container.Id,
            Created = GoTime.Format(container.Created),
            Path = command.Count > 0 ? command[0] : "",
            Args = command.Count > 1 ? [.. command.Skip(1)] : [],
            State = new ContainerStateBody
            {
                Status = StateName(state.Status),
                Running = state.Status is ContainerStatus.Running or ContainerStatus.Paused,
                Paused = state.Status == ContainerStatus.Paused,
                OomKilled = state.OomKilled,
                Dead = state.Status == ContainerStatus.Dead,
                Pid = state.Pid,
                ExitCode = state.ExitCode,
                Error = state.Error,
                StartedAt = GoTime.Format(state.StartedAt),
                FinishedAt = GoTime.Format(state.FinishedAt),
            },
            Image = container.ImageId,
            ResolvConfPath = files.ResolvConf,
            HostnamePath = files.Hostname,
            HostsPath = files.Hosts,
            LogPath = files.Log,
            Name = "/" + container.Name,
            RestartCount = container.RestartCount,
            AppArmorProfile = container.AppArmorProfile,
            ExecIds = execs.Count == 0 ? null : execs,
            HostConfig = ToHostConfig(container.Settings) with { Links = Links(container) },
            SizeRw = sizes?.Writable,
            SizeRootFs = sizes is { } measured ? measured.Root + measured.Writable : null,
            Mounts = Mounts(container),
            Config = ToConfig(container),
            NetworkSettings = new NetworkSettings { Ports = Ports(container), Networks = Networks(container) },
        };
    }

    /// <summary>The networks of a container, with its addresses if it runs.</summary>
    public static IReadOnlyDictionary<string, EndpointSettings> Networks(Container container)
    {
        IReadOnlyList<ContainerEndpoint> endpoints = container.Endpoints;
        if (endpoints.Count > 0)
        {
            return endpoints.ToDictionary(static endpoint => endpoint.NetworkName, static endpoint => ToBody(endpoint));
        }

        string name = NetworkName(container.Settings);
        return PredefinedNetworks.IdOf(name).Length == 0
            ? new Dictionary<string, EndpointSettings>()
            : new Dictionary<string, EndpointSettings> { [name] = new() { NetworkId = PredefinedNetworks.IdOf(name) } };
    }

    /// <summary>What is exposed and what is published, as list has it: of a container that runs.</summary>
    public static IReadOnlyList<SummaryPort> SummaryPorts(Container container)
    {
        List<SummaryPort> ports = [];
        foreach ((string name, IReadOnlyList<PortBinding>? bindings) in Ports(container))
        {
            string[] parts = name.Split('/');
            int port = int.Parse(parts[0], CultureInfo.InvariantCulture);
            ports.AddRange(bindings is null
                ? [new SummaryPort(null, port, null, parts[1])]
                : bindings.Select(binding => new SummaryPort(binding.HostIp, port, int.Parse(binding.HostPort!, CultureInfo.InvariantCulture), parts[1])));
        }

        return ports;
    }

    private static SortedDictionary<string, IReadOnlyList<PortBinding>?> Ports(Container container)
    {
        SortedDictionary<string, IReadOnlyList<PortBinding>?> all = new(StringComparer.Ordinal);
        if (container.State.Status is not (ContainerStatus.Running or ContainerStatus.Paused) || !container.Endpoints.Any(static endpoint => endpoint.Id.Length > 0))
        {
            return all;
        }

        foreach (string port in container.Effective.ExposedPorts)
        {
            all[port.Contains('/', StringComparison.Ordinal) ? port : port + "/tcp"] = null;
        }

        foreach (IGrouping<string, ContainerPort> port in container.Ports.GroupBy(static port => string.Create(CultureInfo.InvariantCulture, $"{port.Port}/{port.Protocol}")))
        {
            all[port.Key] = [.. port.Select(static one => new PortBinding(one.HostAddress, one.HostPort.ToString(CultureInfo.InvariantCulture)))];
        }

        return all;
    }

    private static EndpointSettings ToBody(ContainerEndpoint endpoint)
    {
        string? Wanted(bool isIpv6) => endpoint.Wanted.FirstOrDefault(address => address.Contains(':', StringComparison.Ordinal) == isIpv6);
        return new EndpointSettings
        {
            IpamConfig = endpoint.Wanted.Count == 0 ? null : new EndpointAddresses { Ipv4Address = Wanted(false), Ipv6Address = Wanted(true) },
            Links = endpoint.Links.Count == 0 ? null : endpoint.Links,
            DnsNames = endpoint.DnsNames.Count == 0 ? null : endpoint.DnsNames,
            Aliases = endpoint.Aliases.Count == 0 ? null : endpoint.Aliases,
            MacAddress = endpoint.MacAddress,
            NetworkId = endpoint.NetworkId,
            EndpointId = endpoint.Id,
            Gateway = endpoint.Ipv4Gateway,
            IpAddress = endpoint.Ipv4,
            IpPrefixLength = endpoint.Ipv4Prefix,
            Ipv6Gateway = endpoint.Ipv6Gateway,
            GlobalIpv6Address = endpoint.Ipv6,
            GlobalIpv6PrefixLength = endpoint.Ipv6Prefix,
        };
    }

    private static string CommandText(IReadOnlyList<string> command)
    {
        // moby daemon/list.go: arguments with a space stand in quotes, the program does not
        return string.Join(' ', command.Select(static (word, index) => index > 0 && word.Contains(' ', StringComparison.Ordinal) ? $"'{word}'" : word));
    }

    private static MountPointBody[] Mounts(Container container)
    {
        IReadOnlyList<MountPoint> points = container.MountPoints;
        if (points.Count == 0)
        {
            return [];
        }

        return [.. points.Select(static point => new MountPointBody
        {
            Type = point.Type,
            Name = point.Name,
            Source = point.Source,
            Destination = point.Destination,
            Driver = string.IsNullOrEmpty(point.Driver) ? null : point.Driver,
            Mode = point.Mode,
            ReadWrite = point.ReadWrite,
            Propagation = point.Propagation,
        })];
    }

    private static ContainerConfig ToConfig(Container container)
    {
        ContainerSettings settings = container.Settings;
        Oci.Image.ImageRunConfig effective = container.Effective;
        return new ContainerConfig
        {
            Hostname = settings.Hostname.Length > 0 ? settings.Hostname : container.Id[..12],
            Domainname = settings.Domainname,
            User = effective.User,
            AttachStdin = settings.AttachStdin,
            AttachStdout = settings.AttachStdout,
            AttachStderr = settings.AttachStderr,
            ExposedPorts = effective.ExposedPorts.Count == 0 ? null : Set(effective.ExposedPorts),
            Tty = settings.Tty,
            OpenStdin = settings.OpenStdin,
            StdinOnce = settings.StdinOnce,
            Env = effective.Env,
            Cmd = effective.Cmd,
            Image = settings.Image,
            Volumes = effective.Volumes.Count == 0 ? null : Set(effective.Volumes),
            WorkingDir = effective.WorkingDir,
            Entrypoint = effective.Entrypoint,
            Labels = Nullable(effective.Labels),
            StopSignal = effective.StopSignal,
            StopTimeout = settings.StopTimeout,
        };
    }

    // "/web:/till/counter": what till calls web. Who is gone is shown no more.
    private static string[]? Links(Container container)
    {
        string[] links = [.. container.Links.Select(link => $"/{link.Name}:/{container.Name}/{link.Alias}")];
        return links.Length > 0 ? links : null;
    }

    private static HostConfig ToHostConfig(ContainerSettings settings) => new()
    {
        Binds = OrNull(settings.Binds),
        ContainerIDFile = "",
        LogConfig = new LogConfig(settings.LogDriver.Length == 0 ? "local" : settings.LogDriver, Nullable(settings.LogOptions)),
        NetworkMode = NetworkName(settings),
        PortBindings = settings.PortBindings.GroupBy(static binding => binding.Port)
            .ToDictionary(static port => port.Key, static IReadOnlyList<PortBinding>? (port) => [.. port.Select(static binding => new PortBinding(binding.HostAddress, binding.HostPort))]),
        PublishAllPorts = settings.PublishAllPorts,
        RestartPolicy = new RestartPolicy(settings.RestartPolicy.Name, settings.RestartPolicy.MaximumRetryCount),
        AutoRemove = settings.AutoRemove,
        VolumeDriver = "",
        VolumesFrom = OrNull(settings.VolumesFrom),
        ConsoleSize = [settings.ConsoleSize.Rows, settings.ConsoleSize.Columns],
        Annotations = settings.Annotations.Count == 0 ? null : Nullable(settings.Annotations),
        CapAdd = OrNull(settings.CapAdd),
        CapDrop = OrNull(settings.CapDrop),
        CgroupnsMode = settings.CgroupnsMode.Length == 0 ? "private" : settings.CgroupnsMode,
        Dns = settings.Dns,
        DnsOptions = settings.DnsOptions,
        DnsSearch = settings.DnsSearch,
        ExtraHosts = OrNull(settings.ExtraHosts),
        GroupAdd = OrNull(settings.GroupAdd),
        IpcMode = settings.IpcMode.Length == 0 ? "private" : settings.IpcMode,
        Cgroup = "",
        OomScoreAdj = settings.OomScoreAdj,
        PidMode = settings.PidMode,
        Privileged = settings.Privileged,
        ReadonlyRootfs = settings.ReadonlyRootfs,
        SecurityOpt = OrNull(settings.SecurityOpt),
        Tmpfs = settings.Tmpfs.Count == 0 ? null : Nullable(settings.Tmpfs),
        UtsMode = settings.UtsMode,
        UsernsMode = settings.UsernsMode,
        ShmSize = settings.ShmSize == 0 ? 64 << 20 : settings.ShmSize,
        Sysctls = settings.Sysctls.Count == 0 ? null : Nullable(settings.Sysctls),
        Runtime = "bundt",
        Isolation = "",
        CpuShares = settings.Resources.CpuShares,
        Memory = settings.Resources.Memory,
        NanoCpus = settings.Resources.NanoCpus,
        CgroupParent = "",
        BlkioWeight = settings.Resources.BlkioWeight,
        CpuPeriod = settings.Resources.CpuPeriod,
        CpuQuota = settings.Resources.CpuQuota,
        CpusetCpus = settings.Resources.CpusetCpus,
        CpusetMems = settings.Resources.CpusetMems,
        Devices = [.. settings.Devices.Select(static device => new DeviceMapping(device.PathOnHost, device.PathInContainer, device.CgroupPermissions))],
        MemoryReservation = settings.Resources.MemoryReservation,
        MemorySwap = settings.Resources.MemorySwap,
        PidsLimit = settings.Resources.PidsLimit,
        Ulimits = [.. settings.Ulimits.Select(static limit => new Ulimit(limit.Name, limit.Hard, limit.Soft))],
        Mounts = settings.Mounts.Any(static mount => !mount.Inherited) ? [.. settings.Mounts.Where(static mount => !mount.Inherited).Select(ToBody)] : null,
        MaskedPaths = settings.MaskedPaths,
        ReadonlyPaths = settings.ReadonlyPaths,
        Init = settings.Init ? true : null,
    };

    private static MountBody ToBody(MountSettings mount) => new()
    {
        Type = mount.Type,
        Source = mount.Source,
        Target = mount.Target,
        ReadOnly = mount.ReadOnly,
        BindOptions = mount.Propagation.Length > 0 || mount.NonRecursive || mount.CreateMountpoint
            ? new BindOptions
            {
                Propagation = mount.Propagation.Length == 0 ? null : mount.Propagation,
                NonRecursive = mount.NonRecursive,
                CreateMountpoint = mount.CreateMountpoint,
            }
            : null,
        VolumeOptions = mount.NoCopy || mount.VolumeDriverLabels is not null
            ? new VolumeOptions { NoCopy = mount.NoCopy, Labels = mount.VolumeDriverLabels is { } labels ? Nullable(labels) : null }
            : null,
        TmpfsOptions = mount.TmpfsSize > 0 || mount.TmpfsMode > 0 ? new TmpfsOptions { SizeBytes = mount.TmpfsSize, Mode = mount.TmpfsMode } : null,
    };

    private static IReadOnlyList<string>? OrNull(IReadOnlyList<string> list) => list.Count == 0 ? null : list;

    private static Dictionary<string, Empty?> Set(IReadOnlyList<string> keys) => keys.ToDictionary(static key => key, static Empty? (_) => new Empty());

    private static Dictionary<string, string?> Nullable(IReadOnlyDictionary<string, string> map) =>
        map.ToDictionary(static pair => pair.Key, static string? (pair) => pair.Value);
}
