namespace Bundt.Linux.Capabilities;

/// <summary>The names of the kernel's capabilities (capabilities(7), include/uapi/linux/capability.h) by number.</summary>
public static class CapabilityNames
{
    private static readonly string[] s_names =
    [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
        "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN",
        "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE",
        "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
        "CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    ];

    private static readonly Dictionary<string, int> s_numbers = Index();

    /// <summary>Every name that Bundt knows, by number.</summary>
    public static IReadOnlyList<string> All => s_names;

    /// <summary>The number of a name, case-insensitive, "CAP_" optional; false when there is no such capability.</summary>
    public static bool TryParse(string name, out int number) =>
        s_numbers.TryGetValue(name, out number)
        || s_numbers.TryGetValue("CAP_" + name, out number);

    /// <summary>The name of a number.</summary>
    public static string Of(int number) => number < s_names.Length ? s_names[number] : "CAP_" + number;

    private static Dictionary<string, int> Index()
    {
        var numbers = new Dictionary<string, int>(s_names.Length, StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < s_names.Length; i++)
        {
            numbers.Add(s_names[i], i);
        }

        return numbers;
    }
}
