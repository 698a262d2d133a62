using System.Buffers.Binary;
using Bundt.Linux.Cgroups;
using Bundt.Runtime.Limits;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Tests.Limits;

/// <summary>The device program, interpreted.</summary>
public sealed class DeviceFilterTests
{
    private const int Mknod = 1, Read = 2, Write = 4;

    private static bool Allows(IReadOnlyList<DeviceRule> rules, char type, int major, int minor, int access)
    {
        var program = DeviceFilter.Compile(rules);
        var registers = new ulong[11];
        uint[] context = [(uint)(access << 16 | (type == 'b' ? 1 : 2)), (uint)major, (uint)minor];
        for (var pc = 0; ; pc++)
        {
            var at = program.AsSpan(pc * 8);
            var (code, to, from) = (at[0], at[1] & 15, at[1] >> 4);
            var offset = BinaryPrimitives.ReadInt16LittleEndian(at[2..]);
            var value = BinaryPrimitives.ReadInt32LittleEndian(at[4..]);
            switch (code)
            {
                case 0x61:
                    registers[to] = context[offset / 4];
                    break;
                case 0xbf:
                    registers[to] = registers[from];
                    break;
                case 0xb7:
                    registers[to] = (ulong)value;
                    break;
                case 0x54:
                    registers[to] &= (uint)value;
                    break;
                case 0x74:
                    registers[to] = (uint)registers[to] >> value;
                    break;
                case 0x55:
                    pc += registers[to] != (ulong)value ? offset : 0;
                    break;
                case 0x15:
                    pc += registers[to] == (ulong)value ? offset : 0;
                    break;
                default:
                    return registers[0] == 1;
            }
        }
    }

    [Test]
    public void Without_rules_only_what_every_container_needs_is_allowed()
    {
        var rules = DeviceAccess.Combine([]);
        Assert.That(Allows(rules, 'c', 1, 3, Read | Write));
        Assert.That(Allows(rules, 'c', 136, 5, Read | Write));
        Assert.That(Allows(rules, 'b', 8, 0, Mknod));
        Assert.That(Allows(rules, 'b', 8, 0, Read), Is.False);
        Assert.That(Allows(rules, 'b', 8, 0, Read | Mknod), Is.False);
        Assert.That(Allows(rules, 'c', 10, 229, Read), Is.False);
    }

    [Test]
    public void Dockers_rules_allow_what_they_name()
    {
        var rules = DeviceAccess.Combine(DefaultSpec.DeviceRules);
        Assert.That(Allows(rules, 'c', 5, 1, Read | Write | Mknod));
        Assert.That(Allows(rules, 'c', 1, 1, Read), Is.False);
    }

    [Test]
    public void The_last_rule_about_a_right_decides()
    {
        DeviceRule[] rules = [new(true, 'a', null, null, "rwm"), new(false, 'c', 1, null, "w"), new(true, 'c', 1, 3, "w")];
        Assert.That(Allows(rules, 'c', 1, 3, Read | Write | Mknod));
        Assert.That(Allows(rules, 'c', 1, 5, Write), Is.False);
        Assert.That(Allows(rules, 'c', 1, 5, Read));
        Assert.That(DeviceFilter.AllowsEverything(rules), Is.False);
        Assert.That(DeviceFilter.AllowsEverything(rules[..1]));
    }
}
