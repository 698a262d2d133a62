namespace Bundt.Oci.Runtime;

/// <summary>Reads the "linux" member.</summary>
internal static class LinuxReader
{
    internal static LinuxConfig? Read(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        IReadOnlyList<LinuxNamespace> namespaces = [];
        IReadOnlyList<IdMapping> uids = [], gids = [];
        Dictionary<string, TimeOffset>? timeOffsets = null;
        IReadOnlyList<LinuxDevice> devices = [];
        Dictionary<string, LinuxNetDevice>? netDevices = null;
        string? cgroupsPath = null, propagation = null, mountLabel = null;
        LinuxResources? resources = null;
        LinuxIntelRdt? rdt = null;
        IReadOnlyDictionary<string, string>? sysctl = null;
        LinuxSeccomp? seccomp = null;
        IReadOnlyList<string> masked = [], readonlyPaths = [];
        LinuxPersonality? personality = null;
        LinuxMemoryPolicy? memoryPolicy = null;
        while (reader.NextField())
        {
            if (reader.Is("namespaces"u8))
            {
                namespaces = ReadNamespaces(ref reader);
            }
            else if (reader.Is("uidMappings"u8))
            {
                uids = ReadMappings(ref reader);
            }
            else if (reader.Is("gidMappings"u8))
            {
                gids = ReadMappings(ref reader);
            }
            else if (reader.Is("timeOffsets"u8))
            {
                timeOffsets = ReadTimeOffsets(ref reader);
            }
            else if (reader.Is("devices"u8))
            {
                devices = ReadDevices(ref reader);
            }
            else if (reader.Is("netDevices"u8))
            {
                netDevices = ReadNetDevices(ref reader);
            }
            else if (reader.Is("cgroupsPath"u8))
            {
                cgroupsPath = NullIfEmpty(reader.GetString());
            }
            else if (reader.Is("resources"u8))
            {
                resources = ResourcesReader.Read(ref reader);
            }
            else if (reader.Is("intelRdt"u8))
            {
                rdt = ReadIntelRdt(ref reader);
            }
            else if (reader.Is("sysctl"u8))
            {
                sysctl = reader.GetStringMap();
            }
            else if (reader.Is("seccomp"u8))
            {
                var start = reader.Position;
                seccomp = SeccompReader.Read(ref reader);
                seccomp = seccomp is null ? null : seccomp with { Text = reader.Since(start).ToArray() };
            }
            else if (reader.Is("rootfsPropagation"u8))
            {
                propagation = NullIfEmpty(reader.GetString());
            }
            else if (reader.Is("maskedPaths"u8))
            {
                masked = reader.GetStrings();
            }
            else if (reader.Is("readonlyPaths"u8))
            {
                readonlyPaths = reader.GetStrings();
            }
            else if (reader.Is("mountLabel"u8))
            {
                mountLabel = NullIfEmpty(reader.GetString());
            }
            else if (reader.Is("personality"u8))
            {
                personality = ReadPersonality(ref reader);
            }
            else if (reader.Is("memoryPolicy"u8))
            {
                memoryPolicy = ReadMemoryPolicy(ref reader);
            }
            else
            {
                reader.Skip();
            }
        }

        return new LinuxConfig
        {
            Namespaces = namespaces,
            UidMappings = uids,
            GidMappings = gids,
            TimeOffsets = timeOffsets ?? [],
            Devices = devices,
            NetDevices = netDevices ?? [],
            CgroupsPath = cgroupsPath,
            Resources = resources,
            IntelRdt = rdt,
            Sysctl = sysctl ?? new Dictionary<string, string>(),
            Seccomp = seccomp,
            RootfsPropagation = propagation,
            MaskedPaths = masked,
            ReadonlyPaths = readonlyPaths,
            MountLabel = mountLabel,
            Personality = personality,
            MemoryPolicy = memoryPolicy,
        };
    }

    internal static List<IdMapping> ReadMappings(ref FieldReader reader)
    {
        var mappings = new List<IdMapping>();
        if (!reader.BeginArray())
        {
            return mappings;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            uint container = 0, host = 0, size = 0;
            while (reader.NextField())
            {
                if (reader.Is("containerID"u8))
                {
                    container = reader.GetUnsigned32() ?? 0;
                }
                else if (reader.Is("hostID"u8))
                {
                    host = reader.GetUnsigned32() ?? 0;
                }
                else if (reader.Is("size"u8))
                {
                    size = reader.GetUnsigned32() ?? 0;
                }
                else
                {
                    reader.Skip();
                }
            }

            mappings.Add(new IdMapping(container, host, size));
        }

        return mappings;
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static List<LinuxNamespace> ReadNamespaces(ref FieldReader reader)
    {
        var namespaces = new List<LinuxNamespace>();
        if (!reader.BeginArray())
        {
            return namespaces;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            NamespaceType? type = null;
            string? path = null;
            while (reader.NextField())
            {
                if (reader.Is("type"u8))
                {
                    var name = reader.GetString();
                    type = name switch
                    {
                        "pid" => NamespaceType.Pid,
                        "network" => NamespaceType.Network,
                        "mount" => NamespaceType.Mount,
                        "ipc" => NamespaceType.Ipc,
                        "uts" => NamespaceType.Uts,
                        "user" => NamespaceType.User,
                        "cgroup" => NamespaceType.Cgroup,
                        "time" => NamespaceType.Time,
                        _ => throw reader.Error($"\"{name}\" is no kind of namespace"),
                    };
                }
                else if (reader.Is("path"u8))
                {
                    path = NullIfEmpty(reader.GetString());
                }
                else
                {
                    reader.Skip();
                }
            }

            var kind = type ?? throw reader.Error("type is missing");
            if (namespaces.Exists(known => known.Type == kind))
            {
                throw reader.Error($"a second namespace of type {kind.ToString().ToLowerInvariant()}");
            }

            namespaces.Add(new LinuxNamespace(kind, path));
        }

        return namespaces;
    }

    private static Dictionary<string, TimeOffset> ReadTimeOffsets(ref FieldReader reader)
    {
        var offsets = new Dictionary<string, TimeOffset>();
        if (!reader.BeginObject())
        {
            return offsets;
        }

        while (reader.NextEntry())
        {
            var clock = reader.FieldName();
            if (!reader.BeginObject())
            {
                continue;
            }

            long secs = 0;
            uint nanosecs = 0;
            while (reader.NextField())
            {
                if (reader.Is("secs"u8))
                {
                    secs = reader.GetInteger() ?? 0;
                }
                else if (reader.Is("nanosecs"u8))
                {
                    nanosecs = (uint)(reader.GetInteger(0, 999_999_999) ?? 0);
                }
                else
                {
                    reader.Skip();
                }
            }

            offsets[clock] = new TimeOffset(secs, nanosecs);
        }

        return offsets;
    }

    private static List<LinuxDevice> ReadDevices(ref FieldReader reader)
    {
        var devices = new List<LinuxDevice>();
        if (!reader.BeginArray())
        {
            return devices;
        }

        while (reader.NextElement())
        {
            if (!reader.BeginObject())
            {
                throw reader.Error("must be an object, not null");
            }

            string? path = null, type = null;
            long major = 0, minor = 0;
            uint? mode = null, uid = null, gid = null;
            while (reader.NextField())
            {
                if (reader.Is("path"u8))
                {
                    path = reader.GetString();
                }
                else if (reader.Is("type"u8))
                {
                    type = reader.GetString();
                    if (type is not ("c" or "u" or "b" or "p"))
                    {
                        throw reader.Error($"must be c, u, b or p, not \"{type}\"");
                    }
                }
                else if (reader.Is("major"u8))
                {
                    major = reader.GetInteger(0, uint.MaxValue) ?? 0;
                }
                else if (reader.Is("minor"u8))
                {
                    minor = reader.GetInteger(0, uint.MaxValue) ?? 0;
                }
                else if (reader.Is("fileMode"u8))
                {
                    mode = reader.GetUnsigned32();
                }
                else if (reader.Is("uid"u8))
                {
                    uid = reader.GetUnsigned32();
                }
                else if (reader.Is("gid"u8))
                {
                    gid = reader.GetUnsigned32();
                }
                else
                {
                    reader.Skip();
                }
            }

            if (string.IsNullOrEmpty(path) || type is null)
            {
                throw reader.Error("path or type is missing");
            }

            devices.Add(new LinuxDevice { Path = path, Type = type[0], Major = major, Minor = minor, FileMode = mode, Uid = uid, Gid = gid });
        }

        return devices;
    }

    private static Dictionary<string, LinuxNetDevice> ReadNetDevices(ref FieldReader reader)
    {
        var devices = new Dictionary<string, LinuxNetDevice>();
        if (!reader.BeginObject())
        {
            return devices;
        }

        while (reader.NextEntry())
        {
            var host = reader.FieldName();
            string? name = null;
            if (reader.BeginObject())
            {
                while (reader.NextField())
                {
                    if (reader.Is("name"u8))
                    {
                        name = NullIfEmpty(reader.GetString());
                    }
                    else
                    {
                        reader.Skip();
                    }
                }
            }

            devices[host] = new LinuxNetDevice(name);
        }

        return devices;
    }

    private static LinuxIntelRdt? ReadIntelRdt(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        var rdt = new LinuxIntelRdt();
        while (reader.NextField())
        {
            if (reader.Is("closID"u8))
            {
                rdt = rdt with { ClosId = NullIfEmpty(reader.GetString()) };
            }
            else if (reader.Is("schemata"u8))
            {
                rdt = rdt with { Schemata = reader.GetStrings() };
            }
            else if (reader.Is("l3CacheSchema"u8))
            {
                rdt = rdt with { L3CacheSchema = NullIfEmpty(reader.GetString()) };
            }
            else if (reader.Is("memBwSchema"u8))
            {
                rdt = rdt with { MemBwSchema = NullIfEmpty(reader.GetString()) };
            }
            else if (reader.Is("enableMonitoring"u8))
            {
                rdt = rdt with { EnableMonitoring = reader.GetBoolean() ?? false };
            }
            else
            {
                reader.Skip();
            }
        }

        return rdt;
    }

    private static LinuxPersonality? ReadPersonality(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        string? domain = null;
        IReadOnlyList<string> flags = [];
        while (reader.NextField())
        {
            if (reader.Is("domain"u8))
            {
                domain = reader.GetString();
                if (domain is not ("LINUX" or "LINUX32"))
                {
                    throw reader.Error($"must be LINUX or LINUX32, not \"{domain}\"");
                }
            }
            else if (reader.Is("flags"u8))
            {
                flags = reader.GetStrings();
            }
            else
            {
                reader.Skip();
            }
        }

        return new LinuxPersonality(domain ?? throw reader.Error("domain is missing"), flags);
    }

    private static LinuxMemoryPolicy? ReadMemoryPolicy(ref FieldReader reader)
    {
        if (!reader.BeginObject())
        {
            return null;
        }

        string? mode = null, nodes = null;
        IReadOnlyList<string> flags = [];
        while (reader.NextField())
        {
            if (reader.Is("mode"u8))
            {
                mode = reader.GetString();
            }
            else if (reader.Is("nodes"u8))
            {
                nodes = NullIfEmpty(reader.GetString());
            }
            else if (reader.Is("flags"u8))
            {
                flags = reader.GetStrings();
            }
            else
            {
                reader.Skip();
            }
        }

        return new LinuxMemoryPolicy(mode ?? "", nodes, flags);
    }
}
