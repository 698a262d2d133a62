namespace Bundt.Linux.Seccomp;

/// <summary>Names of seccomp(2)'s filter flags.</summary>
public static class SeccompFlags
{
    /// <summary>The value of a flag's name ("SECCOMP_FILTER_FLAG_LOG"); null when unknown.</summary>
    public static ulong? Parse(string name) => name switch
    {
        // The launcher has one thread, to which the filter is applied before it becomes the command.
        "SECCOMP_FILTER_FLAG_TSYNC" => 0,
        "SECCOMP_FILTER_FLAG_LOG" => 2,
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => 4,
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => 0x20,
        _ => null,
    };
}
