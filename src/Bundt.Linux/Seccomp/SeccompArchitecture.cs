using System.Runtime.InteropServices;

namespace Bundt.Linux.Seccomp;

/// <summary>An architecture as a filter sees it.</summary>
internal sealed class SeccompArchitecture
{
    /// <summary>Set in the numbers of x32 calls, which come with x86-64's audit number.</summary>
    public const uint X32Bit = 0x40000000;

    private readonly Lazy<Dictionary<string, int>> _numbers;

    private SeccompArchitecture(string name, uint audit, string table, uint offset = 0)
    {
        Name = name;
        Audit = audit;
        Offset = offset;
        _numbers = new Lazy<Dictionary<string, int>>(() => SyscallTables.Parse(table));
    }

    public static SeccompArchitecture X64 { get; } = new("SCMP_ARCH_X86_64", 0xc000003e, SyscallTables.X86_64);

    public static SeccompArchitecture X86 { get; } = new("SCMP_ARCH_X86", 0x40000003, SyscallTables.X86);

    public static SeccompArchitecture X32 { get; } = new("SCMP_ARCH_X32", 0xc000003e, SyscallTables.X32, X32Bit);

    public static SeccompArchitecture Arm64 { get; } = new("SCMP_ARCH_AARCH64", 0xc00000b7, SyscallTables.Arm64);

    public static SeccompArchitecture Arm { get; } = new("SCMP_ARCH_ARM", 0x40000028, SyscallTables.Arm);

    public static SeccompArchitecture Native => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? Arm64 : X64;

    public string Name { get; }

    /// <summary>AUDIT_ARCH_*.</summary>
    public uint Audit { get; }

    /// <summary>What is added to the numbers of the table.</summary>
    public uint Offset { get; }

    /// <summary>The number of a call, or null.</summary>
    public uint? Number(string name) => _numbers.Value.TryGetValue(name, out var number) ? (uint)number + Offset : null;

    /// <summary>An architecture by name; null for one whose calls this version does not know.</summary>
    public static SeccompArchitecture? Find(string name) => name switch
    {
        "SCMP_ARCH_X86_64" => X64,
        "SCMP_ARCH_X86" => X86,
        "SCMP_ARCH_X32" => X32,
        "SCMP_ARCH_AARCH64" => Arm64,
        "SCMP_ARCH_ARM" => Arm,
        "SCMP_ARCH_NATIVE" => Native,
        _ => null,
    };
}
