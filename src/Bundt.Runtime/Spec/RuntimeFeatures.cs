using System.Buffers;
using System.Text.Json;
using Bundt.Linux.Capabilities;

namespace Bundt.Runtime.Spec;

/// <summary>What this runtime can do, as the document of the features command (runtime-spec features.md and features-linux.md).</summary>
public static class RuntimeFeatures
{
    private static readonly string[] s_hooks = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

    private static readonly string[] s_mountOptions =
    [
        "async", "atime", "bind", "defaults", "dev", "diratime", "exec", "idmap", "loud", "noatime", "nodev", "nodiratime", "noexec", "norelatime",
        "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount", "rexec", "ridmap", "rnoatime",
        "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw",
        "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw", "shared", "slave", "strictatime", "suid", "symfollow",
        "tmpcopyup", "unbindable",
    ];

    private static readonly string[] s_namespaces = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"];

    private static readonly string[] s_actions =
    [
        "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY",
        "SCMP_ACT_TRACE", "SCMP_ACT_TRAP",
    ];

    private static readonly string[] s_operators =
        ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"];

    private static readonly string[] s_architectures = ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"];

    private static readonly string[] s_filterFlags =
        ["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];

    /// <summary>The document.</summary>
    public static byte[] Describe()
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            json.WriteString("ociVersionMin", "1.0.0");
            json.WriteString("ociVersionMax", "1.3.0");
            Strings(json, "hooks", s_hooks);
            Strings(json, "mountOptions", s_mountOptions);
            json.WriteStartObject("linux");
            Linux(json);
            json.WriteEndObject();
            json.WriteStartObject("annotations");
            json.WriteEndObject();
            Strings(json, "potentiallyUnsafeConfigAnnotations", ["org.systemd.property."]);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Linux(Utf8JsonWriter json)
    {
        Strings(json, "namespaces", s_namespaces);
        Strings(json, "capabilities", CapabilityNames.All);
        Flags(json, "cgroup", ("v1", false), ("v2", true), ("systemd", true), ("systemdUser", false), ("rdma", true));
        json.WriteStartObject("seccomp");
        json.WriteBoolean("enabled", true);
        Strings(json, "actions", s_actions);
        Strings(json, "operators", s_operators);
        Strings(json, "archs", s_architectures);
        Strings(json, "knownFlags", s_filterFlags);
        Strings(json, "supportedFlags", s_filterFlags);
        json.WriteEndObject();
        Flags(json, "apparmor", ("enabled", true));
        Flags(json, "selinux", ("enabled", true));
        Flags(json, "intelRdt", ("enabled", true), ("schemata", true), ("monitoring", false));
        json.WriteStartObject("memoryPolicy");
        Strings(json, "modes", ["MPOL_BIND", "MPOL_DEFAULT", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED", "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE"]);
        Strings(json, "flags", ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"]);
        json.WriteEndObject();
        json.WriteStartObject("mountExtensions");
        Flags(json, "idmap", ("enabled", true));
        json.WriteEndObject();
        Flags(json, "netDevices", ("enabled", true));
    }

    private static void Strings(Utf8JsonWriter json, string name, IReadOnlyList<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void Flags(Utf8JsonWriter json, string name, params ReadOnlySpan<(string Name, bool Value)> flags)
    {
        json.WriteStartObject(name);
        foreach (var (flag, value) in flags)
        {
            json.WriteBoolean(flag, value);
        }

        json.WriteEndObject();
    }
}
