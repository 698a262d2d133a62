namespace Bundt.Oci.Runtime;

/// <summary>One entry of "seccomp.syscalls".</summary>
public sealed record SeccompRule
{
    /// <summary>Names of system calls; names the architecture does not have are passed over.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>"SCMP_ACT_ALLOW" …</summary>
    public required string Action { get; init; }

    /// <summary>errno (or ptrace message) of the action; null: EPERM.</summary>
    public uint? ErrnoRet { get; init; }

    /// <summary>Conditions, all of which must hold; several on the same argument are alternatives.</summary>
    public IReadOnlyList<SeccompArg> Args { get; init; } = [];
}
