using System.Buffers;
using System.Text.Json;

namespace Bundt.Oci.Runtime;

/// <summary>Writes config.json. What is absent is not written, so reading it back gives an equal config.</summary>
public static class RuntimeConfigWriter
{
    private static readonly JsonWriterOptions s_options = new()
    {
        Indented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The config as indented UTF-8.</summary>
    public static byte[] Write(RuntimeConfig config)
    {
        var buffer = new ArrayBufferWriter<byte>(8192);
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", config.OciVersion);
            if (config.Process is { } process)
            {
                json.WritePropertyName("process");
                Process(json, process);
            }

            if (config.Root is { } root)
            {
                json.WriteStartObject("root");
                json.WriteString("path", root.Path);
                Flag(json, "readonly", root.Readonly);
                json.WriteEndObject();
            }

            Text(json, "hostname", config.Hostname);
            Text(json, "domainname", config.Domainname);
            List(json, "mounts", config.Mounts, Mount);
            if (config.Hooks is { } hooks)
            {
                Hooks(json, hooks);
            }

            Map(json, "annotations", config.Annotations);
            if (config.Linux is { } linux)
            {
                Linux(json, linux);
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Process(Utf8JsonWriter json, RuntimeProcess process)
    {
        json.WriteStartObject();
        Flag(json, "terminal", process.Terminal);
        if (process.ConsoleSize is { } size)
        {
            json.WriteStartObject("consoleSize");
            json.WriteNumber("height", size.Height);
            json.WriteNumber("width", size.Width);
            json.WriteEndObject();
        }

        json.WriteStartObject("user");
        json.WriteNumber("uid", process.User.Uid);
        json.WriteNumber("gid", process.User.Gid);
        Number(json, "umask", process.User.Umask);
        List(json, "additionalGids", process.User.AdditionalGids, (writer, gid) => writer.WriteNumberValue(gid));
        json.WriteEndObject();
        Strings(json, "args", process.Args);
        Strings(json, "env", process.Env);
        json.WriteString("cwd", process.Cwd);
        if (process.Capabilities is { } capabilities)
        {
            json.WriteStartObject("capabilities");
            Strings(json, "bounding", capabilities.Bounding);
            Strings(json, "effective", capabilities.Effective);
            Strings(json, "inheritable", capabilities.Inheritable);
            Strings(json, "permitted", capabilities.Permitted);
            Strings(json, "ambient", capabilities.Ambient);
            json.WriteEndObject();
        }

        List(json, "rlimits", process.Rlimits, (writer, limit) =>
        {
            writer.WriteStartObject();
            writer.WriteString("type", limit.Type);
            writer.WriteNumber("hard", limit.Hard);
            writer.WriteNumber("soft", limit.Soft);
            writer.WriteEndObject();
        });
        Flag(json, "noNewPrivileges", process.NoNewPrivileges);
        Text(json, "apparmorProfile", process.ApparmorProfile);
        Text(json, "selinuxLabel", process.SelinuxLabel);
        Number(json, "oomScoreAdj", process.OomScoreAdj);
        if (process.Scheduler is { } scheduler)
        {
            json.WriteStartObject("scheduler");
            json.WriteString("policy", scheduler.Policy);
            json.WriteNumber("nice", scheduler.Nice);
            json.WriteNumber("priority", scheduler.Priority);
            Strings(json, "flags", scheduler.Flags);
            Unsigned(json, "runtime", scheduler.Runtime);
            Unsigned(json, "deadline", scheduler.Deadline);
            json.WriteNumber("period", scheduler.Period);
            json.WriteEndObject();
        }

        if (process.IoPriority is { } io)
        {
            json.WriteStartObject("ioPriority");
            json.WriteString("class", io.Class);
            json.WriteNumber("priority", io.Priority);
            json.WriteEndObject();
        }

        if (process.ExecCpuAffinity is { } affinity)
        {
            json.WriteStartObject("execCPUAffinity");
            Text(json, "initial", affinity.Initial);
            Text(json, "final", affinity.Final);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Mount(Utf8JsonWriter json, RuntimeMount mount)
    {
        json.WriteStartObject();
        json.WriteString("destination", mount.Destination);
        Text(json, "type", mount.Type);
        Text(json, "source", mount.Source);
        Strings(json, "options", mount.Options);
        List(json, "uidMappings", mount.UidMappings, Mapping);
        List(json, "gidMappings", mount.GidMappings, Mapping);
        json.WriteEndObject();
    }

    private static void Mapping(Utf8JsonWriter json, IdMapping mapping)
    {
        json.WriteStartObject();
        json.WriteNumber("containerID", mapping.ContainerId);
        json.WriteNumber("hostID", mapping.HostId);
        json.WriteNumber("size", mapping.Size);
        json.WriteEndObject();
    }

    private static void Hooks(Utf8JsonWriter json, RuntimeHooks hooks)
    {
        json.WriteStartObject("hooks");
        List(json, "prestart", hooks.Prestart, Hook);
        List(json, "createRuntime", hooks.CreateRuntime, Hook);
        List(json, "createContainer", hooks.CreateContainer, Hook);
        List(json, "startContainer", hooks.StartContainer, Hook);
        List(json, "poststart", hooks.Poststart, Hook);
        List(json, "poststop", hooks.Poststop, Hook);
        json.WriteEndObject();
    }

    private static void Hook(Utf8JsonWriter json, RuntimeHook hook)
    {
        json.WriteStartObject();
        json.WriteString("path", hook.Path);
        Strings(json, "args", hook.Args);
        if (hook.Env is not null)
        {
            Strings(json, "env", hook.Env);
        }

        Number(json, "timeout", hook.Timeout);
        json.WriteEndObject();
    }

    private static void Linux(Utf8JsonWriter json, LinuxConfig linux)
    {
        json.WriteStartObject("linux");
        List(json, "namespaces", linux.Namespaces, (writer, ns) =>
        {
            writer.WriteStartObject();
            writer.WriteString("type", ns.Type.ToString().ToLowerInvariant());
            Text(writer, "path", ns.Path);
            writer.WriteEndObject();
        });
        List(json, "uidMappings", linux.UidMappings, Mapping);
        List(json, "gidMappings", linux.GidMappings, Mapping);
        if (linux.TimeOffsets.Count > 0)
        {
            json.WriteStartObject("timeOffsets");
            foreach (var (clock, offset) in linux.TimeOffsets)
            {
                json.WriteStartObject(clock);
                json.WriteNumber("secs", offset.Secs);
                json.WriteNumber("nanosecs", offset.Nanosecs);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        List(json, "devices", linux.Devices, (writer, device) =>
        {
            writer.WriteStartObject();
            writer.WriteString("path", device.Path);
            writer.WriteString("type", device.Type.ToString());
            writer.WriteNumber("major", device.Major);
            writer.WriteNumber("minor", device.Minor);
            Number(writer, "fileMode", device.FileMode);
            Number(writer, "uid", device.Uid);
            Number(writer, "gid", device.Gid);
            writer.WriteEndObject();
        });
        if (linux.NetDevices.Count > 0)
        {
            json.WriteStartObject("netDevices");
            foreach (var (host, device) in linux.NetDevices)
            {
                json.WriteStartObject(host);
                Text(json, "name", device.Name);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        Text(json, "cgroupsPath", linux.CgroupsPath);
        if (linux.Resources is { } resources)
        {
            ResourcesWriter.Write(json, resources);
        }

        if (linux.IntelRdt is { } rdt)
        {
            json.WriteStartObject("intelRdt");
            Text(json, "closID", rdt.ClosId);
            Strings(json, "schemata", rdt.Schemata);
            Text(json, "l3CacheSchema", rdt.L3CacheSchema);
            Text(json, "memBwSchema", rdt.MemBwSchema);
            Flag(json, "enableMonitoring", rdt.EnableMonitoring);
            json.WriteEndObject();
        }

        Map(json, "sysctl", linux.Sysctl);
        if (linux.Seccomp is { } seccomp)
        {
            Seccomp(json, seccomp);
        }

        Text(json, "rootfsPropagation", linux.RootfsPropagation);
        Strings(json, "maskedPaths", linux.MaskedPaths);
        Strings(json, "readonlyPaths", linux.ReadonlyPaths);
        Text(json, "mountLabel", linux.MountLabel);
        if (linux.Personality is { } personality)
        {
            json.WriteStartObject("personality");
            json.WriteString("domain", personality.Domain);
            Strings(json, "flags", personality.Flags);
            json.WriteEndObject();
        }

        if (linux.MemoryPolicy is { } policy)
        {
            json.WriteStartObject("memoryPolicy");
            json.WriteString("mode", policy.Mode);
            Text(json, "nodes", policy.Nodes);
            Strings(json, "flags", policy.Flags);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Seccomp(Utf8JsonWriter json, LinuxSeccomp seccomp)
    {
        json.WriteStartObject("seccomp");
        json.WriteString("defaultAction", seccomp.DefaultAction);
        Number(json, "defaultErrnoRet", seccomp.DefaultErrnoRet);
        Strings(json, "architectures", seccomp.Architectures);
        Strings(json, "flags", seccomp.Flags);
        Text(json, "listenerPath", seccomp.ListenerPath);
        Text(json, "listenerMetadata", seccomp.ListenerMetadata);
        List(json, "syscalls", seccomp.Syscalls, (writer, rule) =>
        {
            writer.WriteStartObject();
            Strings(writer, "names", rule.Names);
            writer.WriteString("action", rule.Action);
            Number(writer, "errnoRet", rule.ErrnoRet);
            List(writer, "args", rule.Args, (inner, arg) =>
            {
                inner.WriteStartObject();
                inner.WriteNumber("index", arg.Index);
                inner.WriteNumber("value", arg.Value);
                inner.WriteNumber("valueTwo", arg.ValueTwo);
                inner.WriteString("op", arg.Op);
                inner.WriteEndObject();
            });
            writer.WriteEndObject();
        });
        json.WriteEndObject();
    }

    internal static void List<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var item in items)
        {
            write(json, item);
        }

        json.WriteEndArray();
    }

    internal static void Strings(Utf8JsonWriter json, string name, IReadOnlyList<string> items) =>
        List(json, name, items, (writer, item) => writer.WriteStringValue(item));

    internal static void Map(Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string> map)
    {
        if (map.Count == 0)
        {
            return;
        }

        json.WriteStartObject(name);
        foreach (var (key, value) in map)
        {
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void Unsigned(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    internal static void Number(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    internal static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    internal static void Flag(Utf8JsonWriter json, string name, bool value)
    {
        if (value)
        {
            json.WriteBoolean(name, true);
        }
    }
}
