namespace Bundt.Linux.Seccomp;

/// <summary>What a filter returns to the kernel (seccomp(2)).</summary>
/// <param name="Value">The 32-bit return value.</param>
public readonly record struct SeccompAction(uint Value)
{
    /// <summary>The call is made.</summary>
    public static SeccompAction Allow => new(0x7fff0000);

    /// <summary>The process is killed.</summary>
    public static SeccompAction KillProcess => new(0x80000000);

    /// <summary>The call fails with an errno.</summary>
    public static SeccompAction Errno(uint errno) => new(0x00050000 | errno & 0xffff);

    /// <summary>Whether the call fails with an errno, and nothing else.</summary>
    public bool IsErrno => (Value & 0xffff0000) == 0x00050000;

    /// <summary>Whether the call fails or kills, so that an unknown new call should rather not exist.</summary>
    public bool Denies => (Value & 0xffff0000) is 0x80000000 or 0 or 0x00030000 or 0x00050000;

    /// <summary>An action by libseccomp's name; null when unknown.</summary>
    /// <param name="name">"SCMP_ACT_ERRNO" …</param>
    /// <param name="data">errno of SCMP_ACT_ERRNO, message of SCMP_ACT_TRACE.</param>
    public static SeccompAction? Parse(string name, uint data) => name switch
    {
        "SCMP_ACT_ALLOW" => Allow,
        "SCMP_ACT_ERRNO" => Errno(data),
        "SCMP_ACT_KILL" or "SCMP_ACT_KILL_THREAD" => new SeccompAction(0),
        "SCMP_ACT_KILL_PROCESS" => KillProcess,
        "SCMP_ACT_TRAP" => new SeccompAction(0x00030000),
        "SCMP_ACT_TRACE" => new SeccompAction(0x7ff00000 | data & 0xffff),
        "SCMP_ACT_LOG" => new SeccompAction(0x7ffc0000),
        "SCMP_ACT_NOTIFY" => new SeccompAction(0x7fc00000),
        _ => null,
    };
}
