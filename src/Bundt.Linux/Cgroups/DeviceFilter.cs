using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Cgroups;

/// <summary>
/// Access to devices as a BPF program of a cgroup (BPF_PROG_TYPE_CGROUP_DEVICE, Linux 4.15), which has taken the place of cgroup v1's devices
/// controller. Rules are read in order and the last one that speaks of a right decides about it; what no rule allows is denied.
/// </summary>
public static unsafe partial class DeviceFilter
{
    private const int ProgramLoad = 5, ProgramAttach = 8;
    private const int TypeCgroupDevice = 15, AttachCgroupDevice = 6, AllowMultiple = 2;
    private const byte Mknod = 1, Read = 2, Write = 4;

    /// <summary>Whether the rules allow everything, so that no program is needed.</summary>
    public static bool AllowsEverything(IReadOnlyList<DeviceRule> rules)
    {
        for (var i = rules.Count - 1; i >= 0; i--)
        {
            if (!rules[i].Allow)
            {
                return false;
            }

            if (rules[i] is { Type: 'a', Major: null, Minor: null } && Bits(rules[i].Access) == 7)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Loads the program for a set of rules.</summary>
    /// <exception cref="BundtException">The kernel refused, with what it takes.</exception>
    public static SafeFileHandle Load(IReadOnlyList<DeviceRule> rules)
    {
        var program = Compile(rules);
        var attributes = stackalloc byte[128];
        new Span<byte>(attributes, 128).Clear();
        fixed (byte* instructions = program, license = "Apache-2.0\0"u8)
        {
            *(int*)attributes = TypeCgroupDevice;
            *(int*)(attributes + 4) = program.Length / 8;
            *(byte**)(attributes + 8) = instructions;
            *(byte**)(attributes + 16) = license;
            *(int*)(attributes + 68) = AttachCgroupDevice;
            var fd = (int)syscall(BpfNumber, ProgramLoad, (nint)attributes, 128);
            return fd >= 0 ? new SafeFileHandle(fd, true) : throw Failure("load the device filter (bpf)");
        }
    }

    /// <summary>Applies a loaded program to a cgroup and those below it.</summary>
    public static void Attach(SafeFileHandle program, SafeFileHandle cgroup)
    {
        var attributes = stackalloc int[32];
        new Span<int>(attributes, 32).Clear();
        attributes[0] = (int)cgroup.DangerousGetHandle();
        attributes[1] = (int)program.DangerousGetHandle();
        attributes[2] = AttachCgroupDevice;
        attributes[3] = AllowMultiple;
        if (syscall(BpfNumber, ProgramAttach, (nint)attributes, 128) != 0)
        {
            throw Failure("attach the device filter (bpf)");
        }
    }

    /// <summary>The eBPF program of a set of rules.</summary>
    internal static byte[] Compile(IReadOnlyList<DeviceRule> rules)
    {
        var code = new List<ulong>();

        // r2: type of the device (1 block, 2 character), r3: rights asked for and not yet granted, r4: major, r5: minor.
        Add(code, 0x61, 2, 1, 0, 0);
        Add(code, 0xbf, 3, 2, 0, 0);
        Add(code, 0x54, 2, 0, 0, 0xffff);
        Add(code, 0x74, 3, 0, 0, 16);
        Add(code, 0x61, 4, 1, 4, 0);
        Add(code, 0x61, 5, 1, 8, 0);
        var seen = new HashSet<DeviceRule>();
        var decided = false;
        for (var i = rules.Count - 1; i >= 0; i--)
        {
            var rule = rules[i];
            if (seen.Add(rule))
            {
                AddRule(code, rule);
            }

            if (rule is { Type: 'a', Major: null, Minor: null } && Bits(rule.Access) == 7)
            {
                // It speaks of everything: what stands before it counts no more, and the verifier refuses code behind it.
                decided = true;
                break;
            }
        }

        if (!decided)
        {
            Add(code, 0xb7, 0, 0, 0, 0);
            Add(code, 0x95, 0, 0, 0, 0);
        }

        var bytes = new byte[code.Count * 8];
        for (var i = 0; i < code.Count; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * 8), code[i]);
        }

        return bytes;
    }

    private static nint BpfNumber => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 280 : 321;

    private static void AddRule(List<ulong> code, DeviceRule rule)
    {
        const byte JumpIfNotEqual = 0x55;
        var bits = Bits(rule.Access);
        var body = new List<ulong>();
        if (bits == 7)
        {
            // It speaks of every right, so of those that are left.
            Add(body, 0xb7, 0, 0, 0, rule.Allow ? 1 : 0);
        }
        else if (rule.Allow)
        {
            // Grant; done when nothing is left.
            Add(body, 0x54, 3, 0, 0, ~bits & 7);
            Add(body, JumpIfNotEqual, 3, 0, 2, 0);
            Add(body, 0xb7, 0, 0, 0, 1);
        }
        else
        {
            Add(body, 0xbf, 1, 3, 0, 0);
            Add(body, 0x54, 1, 0, 0, bits);
            Add(body, 0x15, 1, 0, 2, 0);
            Add(body, 0xb7, 0, 0, 0, 0);
        }

        Add(body, 0x95, 0, 0, 0, 0);
        var conditions = new List<(int Register, int Value)>();
        if (rule.Type != 'a')
        {
            conditions.Add((2, rule.Type == 'b' ? 1 : 2));
        }

        if (rule.Major is { } major)
        {
            conditions.Add((4, (int)major));
        }

        if (rule.Minor is { } minor)
        {
            conditions.Add((5, (int)minor));
        }

        for (var i = 0; i < conditions.Count; i++)
        {
            Add(code, JumpIfNotEqual, conditions[i].Register, 0, (short)(conditions.Count - 1 - i + body.Count), conditions[i].Value);
        }

        code.AddRange(body);
    }

    // struct bpf_insn: code, dst:4 src:4, off, imm.
    private static void Add(List<ulong> code, byte operation, int target, int source, short offset, int value) =>
        code.Add(operation | (ulong)(uint)(target | source << 4) << 8 | (ulong)(ushort)offset << 16 | (ulong)(uint)value << 32);

    private static int Bits(string access)
    {
        var bits = 0;
        foreach (var letter in access)
        {
            bits |= letter switch
            {
                'm' => Mknod,
                'r' => Read,
                _ => Write,
            };
        }

        return bits;
    }

    private static BundtException Failure(string operation)
    {
        var errno = (Errno)Marshal.GetLastPInvokeError();
        return new BundtException(
            Phase.Cgroup, operation, null, errno,
            errno == Errno.EPERM ? "It takes CAP_BPF or CAP_SYS_ADMIN, and a kernel with CONFIG_CGROUP_BPF." : null);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(nint number, nint command, nint attributes, nint size);
}
