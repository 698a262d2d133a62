using System.Globalization;
using System.Text.Json;
using Bundt.Cli.CommandLine;
using Bundt.Cli.Options;
using Bundt.Cli.Values;
using Bundt.Linux;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Requests;

/// <summary>The body of <c>POST /containers/create</c> (and of our own run) from the options of run and create.</summary>
internal static class CreateBody
{
    /// <summary>Writes it.</summary>
    /// <param name="options">The options.</param>
    /// <param name="attach">What will be attached.</param>
    /// <exception cref="UsageException">A value makes no sense; in docker's words.</exception>
    public static ReadOnlyMemory<byte> Write(ContainerOptions options, AttachedStreams attach)
    {
        CheckConflicts(options);
        List<NetworkOption> networks = [.. options.Network.Concat(options.Net).Select(NetworkOption.Parse)];
        return JsonBody.Write(json =>
        {
            WriteConfig(json, options, attach);
            json.WriteStartObject("HostConfig");
            WriteHostConfig(json, options, networks.FirstOrDefault()?.Name);
            json.WriteEndObject();
            WriteNetworking(json, options, networks);
        });
    }

    private static void CheckConflicts(ContainerOptions options)
    {
        if (options.Rm && RestartPolicy.Parse(options.Restart).Name != "no")
        {
            throw new UsageException("conflicting options: cannot specify both --restart and --rm");
        }

        if (options.Pull is not (null or "always" or "missing" or "never"))
        {
            throw new UsageException($"invalid pull option: '{options.Pull}': must be one of \"always\", \"missing\" or \"never\"");
        }
    }

    private static void WriteConfig(Utf8JsonWriter json, ContainerOptions options, AttachedStreams attach)
    {
        json.Text("Hostname", options.Hostname);
        json.Text("Domainname", options.Domainname);
        json.Text("User", options.User);
        json.Flag("AttachStdin", attach.Stdin);
        json.Flag("AttachStdout", attach.Stdout);
        json.Flag("AttachStderr", attach.Stderr);
        json.Flag("Tty", options.Tty);
        json.Flag("OpenStdin", options.Interactive);
        json.Flag("StdinOnce", attach.Stdin);
        json.Texts("Env", KeyValueFiles.Environment(options.EnvFile, options.Env));
        json.Texts("Cmd", options.Arguments);
        json.WriteString("Image", options.Image);
        json.Text("WorkingDir", options.Workdir);
        if (options.Entrypoint is string entrypoint)
        {
            json.WriteStartArray("Entrypoint");
            json.WriteStringValue(entrypoint);
            json.WriteEndArray();
        }

        json.Map("Labels", KeyValueFiles.Labels(options.LabelFile, options.Label));
        json.Text("StopSignal", options.StopSignal);
        json.Number("StopTimeout", options.StopTimeout);
        WriteEmptyObjects(json, "ExposedPorts", options.Expose.SelectMany(PortMapping.ParseExpose).Concat(options.Publish.SelectMany(PortMapping.ParsePublish).Select(static p => p.Port)).Distinct());
        WriteEmptyObjects(json, "Volumes", options.Volume.Where(static v => !v.Contains(':', StringComparison.Ordinal)));
        WriteHealth(json, options);
        json.Text("MacAddress", options.MacAddress);
    }

    private static void WriteHealth(Utf8JsonWriter json, ContainerOptions options)
    {
        bool any = options.HealthCmd is not null || options.HealthInterval is not null || options.HealthRetries is not null
            || options.HealthStartInterval is not null || options.HealthStartPeriod is not null || options.HealthTimeout is not null;
        if (options.NoHealthcheck && any)
        {
            throw new UsageException("--no-healthcheck conflicts with --health-* options");
        }

        if (!any && !options.NoHealthcheck)
        {
            return;
        }

        json.WriteStartObject("Healthcheck");
        json.Texts("Test", options.NoHealthcheck ? ["NONE"] : options.HealthCmd is string command ? ["CMD-SHELL", command] : []);
        json.Number("Interval", Nanoseconds("health-interval", options.HealthInterval));
        json.Number("Timeout", Nanoseconds("health-timeout", options.HealthTimeout));
        json.Number("StartPeriod", Nanoseconds("health-start-period", options.HealthStartPeriod));
        json.Number("StartInterval", Nanoseconds("health-start-interval", options.HealthStartInterval));
        json.Number("Retries", options.HealthRetries);
        json.WriteEndObject();
    }

    private static void WriteHostConfig(Utf8JsonWriter json, ContainerOptions options, string? network)
    {
        json.Texts("Binds", options.Volume.Where(static v => v.Contains(':', StringComparison.Ordinal)).Select(AbsoluteBind));
        json.Text("ContainerIDFile", options.Cidfile);
        json.Text("NetworkMode", network);
        json.Texts("Links", options.Link);
        WritePorts(json, options);
        RestartPolicy restart = RestartPolicy.Parse(options.Restart);
        if (restart.Name != "no")
        {
            json.WriteStartObject("RestartPolicy");
            json.WriteString("Name", restart.Name);
            json.WriteNumber("MaximumRetryCount", restart.MaximumRetryCount);
            json.WriteEndObject();
        }

        json.Flag("AutoRemove", options.Rm);
        json.Texts("VolumesFrom", options.VolumesFrom);
        if (options.Tty && Terminal.Size(1) is ( > 0, > 0) size)
        {
            json.WriteStartArray("ConsoleSize");
            json.WriteNumberValue(size.Rows);
            json.WriteNumberValue(size.Columns);
            json.WriteEndArray();
        }

        json.Map("Annotations", KeyValueFiles.Map(options.Annotation, "--annotation"));
        json.Texts("CapAdd", options.CapAdd);
        json.Texts("CapDrop", options.CapDrop);
        json.Text("CgroupnsMode", options.Cgroupns);
        json.Texts("Dns", options.Dns);
        json.Texts("DnsOptions", options.DnsOption.Concat(options.DnsOpt));
        json.Texts("DnsSearch", options.DnsSearch);
        json.Texts("ExtraHosts", options.AddHost.Select(ExtraHost));
        json.Texts("GroupAdd", options.GroupAdd);
        json.Text("IpcMode", options.Ipc);
        json.Number("OomScoreAdj", options.OomScoreAdj);
        json.Text("PidMode", options.Pid);
        json.Flag("Privileged", options.Privileged);
        json.Flag("PublishAllPorts", options.PublishAll);
        json.Flag("ReadonlyRootfs", options.ReadOnly);
        WriteSecurity(json, options);
        json.Map("StorageOpt", KeyValueFiles.Map(options.StorageOpt, "--storage-opt"));
        json.Map("Tmpfs", Tmpfs(options.Tmpfs));
        json.Text("UTSMode", options.Uts);
        json.Text("UsernsMode", options.Userns);
        json.Number("ShmSize", Bytes("--shm-size", options.ShmSize));
        json.Map("Sysctls", KeyValueFiles.Map(options.Sysctl, "--sysctl"));
        json.Text("Runtime", options.Runtime);
        WriteResources(json, options);
        WriteMounts(json, options);
        if (options.Init is bool init)
        {
            json.WriteBoolean("Init", init);
        }

        if (options.LogDriver is not null || options.LogOpt.Any())
        {
            json.WriteStartObject("LogConfig");
            json.WriteString("Type", options.LogDriver ?? "");
            json.Map("Config", KeyValueFiles.Map(options.LogOpt, "--log-opt"));
            json.WriteEndObject();
        }
    }

    private static void WriteResources(Utf8JsonWriter json, ContainerOptions options)
    {
        json.Number("CpuShares", options.CpuShares);
        json.Number("Memory", Bytes("-m, --memory", options.Memory));
        json.Number("NanoCpus", NanoCpus(options.Cpus));
        json.Text("CgroupParent", options.CgroupParent);
        json.Number("BlkioWeight", options.BlkioWeight);
        json.Number("CpuPeriod", options.CpuPeriod);
        json.Number("CpuQuota", options.CpuQuota);
        json.Text("CpusetCpus", options.CpusetCpus);
        json.Text("CpusetMems", options.CpusetMems);
        json.Texts("DeviceCgroupRules", options.DeviceCgroupRule);
        json.Number("MemoryReservation", Bytes("--memory-reservation", options.MemoryReservation));
        json.Number("MemorySwap", options.MemorySwap == "-1" ? -1 : Bytes("--memory-swap", options.MemorySwap));
        json.Number("MemorySwappiness", options.MemorySwappiness);
        json.Flag("OomKillDisable", options.OomKillDisable);
        json.Number("PidsLimit", options.PidsLimit is 0 ? -1 : options.PidsLimit); // docker's client says 0 when it was not asked
        if (options.Device.Any())
        {
            json.WriteStartArray("Devices");
            foreach (DeviceMapping device in options.Device.Select(DeviceMapping.Parse))
            {
                json.WriteStartObject();
                json.WriteString("PathOnHost", device.OnHost);
                json.WriteString("PathInContainer", device.InContainer);
                json.WriteString("CgroupPermissions", device.Permissions);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (options.Ulimit.Any())
        {
            json.WriteStartArray("Ulimits");
            foreach (Ulimit limit in options.Ulimit.Select(Ulimit.Parse))
            {
                json.WriteStartObject();
                json.WriteString("Name", limit.Name);
                json.WriteNumber("Hard", limit.Hard);
                json.WriteNumber("Soft", limit.Soft);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }
    }

    private static void WriteMounts(Utf8JsonWriter json, ContainerOptions options)
    {
        if (!options.Mount.Any())
        {
            return;
        }

        json.WriteStartArray("Mounts");
        foreach (MountOption mount in options.Mount.Select(MountOption.Parse))
        {
            json.WriteStartObject();
            json.WriteString("Type", mount.Type);
            json.Text("Source", mount.Source);
            json.WriteString("Target", mount.Target);
            json.Flag("ReadOnly", mount.ReadOnly);
            if (mount.Propagation.Length > 0 || mount.NonRecursive || mount.CreateSource)
            {
                json.WriteStartObject("BindOptions");
                json.Text("Propagation", mount.Propagation);
                json.Flag("NonRecursive", mount.NonRecursive);
                json.Flag("CreateMountpoint", mount.CreateSource);
                json.WriteEndObject();
            }

            if (mount.NoCopy || mount.Labels.Count > 0 || mount.Subpath.Length > 0 || mount.Driver.Length > 0 || mount.DriverOptions.Count > 0)
            {
                json.WriteStartObject("VolumeOptions");
                json.Flag("NoCopy", mount.NoCopy);
                json.Map("Labels", mount.Labels);
                json.Text("Subpath", mount.Subpath);
                if (mount.Driver.Length > 0 || mount.DriverOptions.Count > 0)
                {
                    json.WriteStartObject("DriverConfig");
                    json.Text("Name", mount.Driver);
                    json.Map("Options", mount.DriverOptions);
                    json.WriteEndObject();
                }

                json.WriteEndObject();
            }

            if (mount.TmpfsSize > 0 || mount.TmpfsMode > 0)
            {
                json.WriteStartObject("TmpfsOptions");
                json.Number("SizeBytes", mount.TmpfsSize > 0 ? mount.TmpfsSize : null);
                json.Number("Mode", mount.TmpfsMode > 0 ? mount.TmpfsMode : null);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePorts(Utf8JsonWriter json, ContainerOptions options)
    {
        if (!options.Publish.Any())
        {
            return;
        }

        json.WriteStartObject("PortBindings");
        foreach (IGrouping<string, PortMapping> port in options.Publish.SelectMany(PortMapping.ParsePublish).GroupBy(static p => p.Port))
        {
            json.WriteStartArray(port.Key);
            foreach (PortMapping mapping in port)
            {
                json.WriteStartObject();
                json.WriteString("HostIp", mapping.HostIp);
                json.WriteString("HostPort", mapping.HostPort);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    // What is said by options of their own is meant for the first network.
    private static void WriteNetworking(Utf8JsonWriter json, ContainerOptions options, List<NetworkOption> networks)
    {
        List<string> links = [.. options.Link];
        if (networks.Count < 2 && !options.NetworkAlias.Concat(options.NetAlias).Any() && options.Ip is null && options.Ip6 is null && links.Count == 0
            && (networks.Count == 0 || networks[0].IsPlain))
        {
            return;
        }

        if (networks.Count == 0)
        {
            networks.Add(new NetworkOption("default"));
        }

        NetworkOption first = networks[0];
        networks[0] = first with
        {
            Aliases = [.. options.NetworkAlias, .. options.NetAlias, .. first.Aliases],
            Links = first.Name is "default" or "bridge" ? [] : links,
            Ip = options.Ip ?? first.Ip,
            Ip6 = options.Ip6 ?? first.Ip6,
            MacAddress = options.MacAddress ?? first.MacAddress,
        };
        json.WriteStartObject("NetworkingConfig");
        json.WriteStartObject("EndpointsConfig");
        foreach (NetworkOption network in networks)
        {
            json.WriteStartObject(network.Name);
            network.WriteEndpoint(json);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    // "systempaths=unconfined" is the client's word for empty lists; a seccomp profile is a file of this client's.
    private static void WriteSecurity(Utf8JsonWriter json, ContainerOptions options)
    {
        List<string> kept = [];
        bool unconfined = false;
        foreach (string option in options.SecurityOpt)
        {
            if (option == "systempaths=unconfined")
            {
                unconfined = true;
                continue;
            }

            int separator = option.AsSpan().IndexOfAny("=:");
            string key = separator < 0 ? option : option[..separator];
            string value = separator < 0 ? "" : option[(separator + 1)..];
            if (separator < 0 && key != "no-new-privileges")
            {
                throw new UsageException($"invalid --security-opt: \"{option}\"");
            }

            kept.Add(key == "seccomp" && value is not ("unconfined" or "builtin") ? "seccomp=" + Profile(value) : option);
        }

        json.Texts("SecurityOpt", kept);
        if (unconfined)
        {
            json.WriteStartArray("MaskedPaths");
            json.WriteEndArray();
            json.WriteStartArray("ReadonlyPaths");
            json.WriteEndArray();
        }
    }

    private static string Profile(string file)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            return JsonSerializer.Serialize(document.RootElement, Api.ApiJson.Default.JsonElement);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"opening seccomp profile ({file}) failed: {(e is UnauthorizedAccessException ? "permission denied" : "no such file or directory")}");
        }
        catch (JsonException e)
        {
            throw new UsageException($"compacting json for seccomp profile ({file}) failed: {BundtException.Reason(e)}");
        }
    }

    private static void WriteEmptyObjects(Utf8JsonWriter json, string name, IEnumerable<string> keys)
    {
        string[] all = [.. keys];
        if (all.Length > 0)
        {
            json.WriteStartObject(name);
            foreach (string key in all)
            {
                json.WriteStartObject(key);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }
    }

    private static string AbsoluteBind(string volume)
    {
        int colon = volume.IndexOf(':', StringComparison.Ordinal);
        return volume.StartsWith('.') ? Path.GetFullPath(volume[..colon]) + volume[colon..] : volume;
    }

    private static string ExtraHost(string entry)
    {
        int separator = entry.AsSpan().IndexOfAny("=:");
        return separator > 0 ? entry[..separator] + ":" + entry[(separator + 1)..].Trim('[', ']')
            : throw new UsageException($"invalid argument \"{entry}\" for \"--add-host\" flag: bad format for add-host: \"{entry}\"");
    }

    private static Dictionary<string, string> Tmpfs(IEnumerable<string> entries)
    {
        var map = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string entry in entries)
        {
            int colon = entry.IndexOf(':', StringComparison.Ordinal);
            map[colon < 0 ? entry : entry[..colon]] = colon < 0 ? "" : entry[(colon + 1)..];
        }

        return map;
    }

    private static long? Bytes(string option, string? text) => text is null ? null
        : Sizes.TryParse(text, out long bytes) ? bytes : throw new UsageException($"invalid argument \"{text}\" for \"{option}\" flag: invalid size: '{text}'");

    private static long? NanoCpus(string? text)
    {
        if (text is null)
        {
            return null;
        }

        if (!decimal.TryParse(text, NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out decimal cpus))
        {
            throw new UsageException($"invalid argument \"{text}\" for \"--cpus\" flag: failed to parse {text} as a rational number");
        }

        decimal nano = cpus * 1_000_000_000;
        return nano != decimal.Truncate(nano) || Math.Abs(nano) > long.MaxValue ? throw new UsageException($"invalid argument \"{text}\" for \"--cpus\" flag: value is too precise") : (long)nano;
    }

    private static long? Nanoseconds(string option, string? text) => text is null ? null
        : Durations.TryParse(text, out TimeSpan duration) ? duration.Ticks * 100
        : throw new UsageException($"invalid argument \"{text}\" for \"--{option}\" flag: time: invalid duration \"{text}\"");
}
