namespace Bundt.Oci.Runtime;

/// <summary>A system call filter ("linux.seccomp").</summary>
public sealed record LinuxSeccomp
{
    /// <summary>Action for calls that no rule names ("SCMP_ACT_ERRNO").</summary>
    public required string DefaultAction { get; init; }

    /// <summary>errno (or ptrace message) of the default action; null: EPERM.</summary>
    public uint? DefaultErrnoRet { get; init; }

    /// <summary>Architectures beside the native one ("SCMP_ARCH_X86").</summary>
    public IReadOnlyList<string> Architectures { get; init; } = [];

    /// <summary>"SECCOMP_FILTER_FLAG_LOG" …</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];

    /// <summary>Unix socket that gets the notify descriptor; null: none.</summary>
    public string? ListenerPath { get; init; }

    /// <summary>Opaque text for the listener.</summary>
    public string? ListenerMetadata { get; init; }

    /// <summary>The JSON it was read from; empty if it was made otherwise. Equal text is an equal filter.</summary>
    public ReadOnlyMemory<byte> Text { get; init; }

    /// <summary>Rules.</summary>
    public IReadOnlyList<SeccompRule> Syscalls { get; init; } = [];
}
