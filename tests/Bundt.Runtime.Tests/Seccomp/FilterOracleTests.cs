using System.Runtime.InteropServices;
using Bundt.Linux.Capabilities;
using Bundt.Linux.Seccomp;
using Bundt.Runtime.Seccomp;
using CsCheck;

namespace Bundt.Runtime.Tests.Seccomp;

/// <summary>Our filters and libseccomp's decide the same.</summary>
public sealed class FilterOracleTests
{
    private const uint X64 = 0xc000003e, X86 = 0x40000003, X32Bit = 0x40000000, Eperm = 0x50001, Enosys = 0x50026;

    private static readonly ulong[] s_interesting =
        [0, 1, 2, 8, 37, 38, 39, 40, 41, 0x20000, 0x20008, 0x7E020000, 0x10000000, 0xffffffff, 0x100000000, 0x100000026, ulong.MaxValue];

    private static readonly string[] s_names = ["read", "write", "openat", "clone", "personality", "ioctl", "prctl", "futex", "getpid", "fcntl"];

    [SetUp]
    public void Need()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64 || !LibSeccomp.IsPresent)
        {
            Assert.Ignore("needs libseccomp.so.2 on x86-64");
        }
    }

    [Test]
    public void Dockers_profile_decides_as_libseccomp_does([Values(0UL, 1UL << 21, ulong.MaxValue)] ulong capabilities)
    {
        var source = SeccompCompiler.Source(SeccompProfile.Docker.Resolve(new CapabilitySet(capabilities)));
        Compare(source, FilterCompiler.Compile(source), LibSeccomp.Compile(source), 40, judgesSeveralRules: true);
    }

    [Test]
    public void Random_profiles_decide_as_libseccomp_does()
    {
        var name = Gen.Int[0, s_names.Length - 1].Select(i => s_names[i]);
        var comparison = Gen.Enum<SeccompComparison>();
        var value = Gen.OneOf(Gen.Int[0, s_interesting.Length - 1].Select(i => s_interesting[i]), Gen.ULong);
        var condition = Gen.Select(Gen.Int[0, 5], comparison, value, value, (argument, op, left, mask) =>
            new SeccompCondition(argument, op, left, op == SeccompComparison.MaskedEqual ? mask : ulong.MaxValue));
        var rule = Gen.Select(name.Array[1, 4], condition.Array[0, 3], (names, conditions) =>
            new FilterRule([.. names.Distinct()], SeccompAction.Allow, [.. conditions.DistinctBy(c => c.Argument)]));
        Gen.Select(rule.Array[1, 6], Gen.Bool).Sample(
            (rules, everywhere) =>
            {
                var source = new FilterSource(SeccompAction.Errno(1), everywhere ? ["SCMP_ARCH_X86", "SCMP_ARCH_X32"] : ["SCMP_ARCH_X86"], rules);
                Compare(source, FilterCompiler.Compile(source), LibSeccomp.Compile(OneRulePerCall(source)), 8, everywhere);
            },
            iter: 400);
    }

    [Test]
    public void Calls_newer_than_the_profile_do_not_exist()
    {
        var source = SeccompCompiler.Source(SeccompProfile.Docker.Resolve(CapabilitySet.Empty));
        var program = FilterCompiler.Compile(source);
        Assert.That(BpfInterpreter.Run(program, X64, 466, new ulong[6]), Is.EqualTo(SeccompAction.Allow.Value), "removexattrat is the newest it names");
        Assert.That(BpfInterpreter.Run(program, X64, 467, new ulong[6]), Is.EqualTo(Enosys));
        Assert.That(BpfInterpreter.Run(program, X64, 9999, new ulong[6]), Is.EqualTo(Enosys));
        Assert.That(BpfInterpreter.Run(program, X64, 425, new ulong[6]), Is.EqualTo(Eperm), "io_uring_setup is known and refused");
        Assert.That(BpfInterpreter.Run(program, X64, 435, new ulong[6]), Is.EqualTo(Enosys), "clone3 sends libc back to clone");
        Assert.That(BpfInterpreter.Run(program, 0x12345678, 0, new ulong[6]), Is.EqualTo(SeccompAction.KillProcess.Value), "an unknown architecture");
    }

    [Test]
    public void The_native_tree_is_shallow()
    {
        var program = FilterCompiler.Compile(SeccompCompiler.Source(SeccompProfile.Docker.Resolve(CapabilitySet.Empty)));
        Assert.That(program.Length / 8, Is.LessThan(700));
    }

    // Where several rules of one call meet in its tree, libseccomp 2.5.4 decides wrongly (different arguments let calls pass that no rule allows; of
    // "a < 39" and "a < 2^34" it forgets the second), and with some it never comes to an end.
    private static FilterSource OneRulePerCall(FilterSource source)
    {
        var single = source.Rules.SelectMany(rule => rule.Names).GroupBy(name => name).Where(group => group.Count() == 1).Select(group => group.Key).ToHashSet();
        return source with
        {
            Rules = [.. source.Rules.Select(rule => rule with { Names = [.. rule.Names.Where(single.Contains)] }).Where(rule => rule.Names.Count > 0)],
        };
    }

    private static void Compare(FilterSource source, byte[] ours, byte[] theirs, int samples, bool x32 = true, bool judgesSeveralRules = false)
    {
        var random = new Random(42);
        var arguments = new ulong[6];
        foreach (var (audit, bit, table) in new[] { (X64, 0u, SyscallTables.X86_64), (X86, 0u, SyscallTables.X86), (X64, X32Bit, SyscallTables.X32) })
        {
            // libseccomp compares 32 bits on x86 and x32 and cuts values to them, where the whole value is compared here.
            var narrow = audit == X86 || bit != 0;
            var wide = source.Rules.SelectMany(rule => rule.Conditions).Any(condition =>
                condition.Value > uint.MaxValue || condition.Comparison == SeccompComparison.MaskedEqual && condition.Mask > uint.MaxValue);
            if (bit != 0 && !x32 || narrow && wide)
            {
                continue;
            }

            var numbers = SyscallTables.Parse(table);

            // What libseccomp is too old for, and what it calls otherwise, is not its to judge; nor what is newer than the profile.
            var judged = numbers.Where(entry => entry.Value < 451 && LibSeccomp.NumberOf(bit != 0 ? X64 & ~0x80000000u : audit, entry.Key) == (int)((uint)entry.Value | bit)).ToArray();
            Assert.That(judged, Has.Length.GreaterThan(bit != 0 ? -1 : 250));
            var newest = source.Rules.SelectMany(rule => rule.Names).Where(numbers.ContainsKey).Max(name => numbers[name]);
            foreach (var (name, number) in judged)
            {
                if (number > newest)
                {
                    continue;
                }

                // Docker's own profile libseccomp gets right; where several rules meet otherwise, the rules themselves judge alone.
                var ofCall = source.Rules.Where(rule => rule.Names.Contains(name)).ToArray();
                var isJudge = ofCall.Length <= 1 || judgesSeveralRules && ofCall.All(rule => rule.Conditions.Count <= 1);
                for (var sample = 0; sample < samples; sample++)
                {
                    for (var i = 0; i < 6; i++)
                    {
                        arguments[i] = random.Next(3) == 0 ? (ulong)random.NextInt64() : s_interesting[random.Next(s_interesting.Length)];
                        arguments[i] &= narrow ? uint.MaxValue : ulong.MaxValue;
                    }

                    var call = (uint)number | bit;
                    Assert.That(BpfInterpreter.Run(ours, audit, call, arguments), Is.EqualTo(Evaluate(source, name, arguments)), $"{name} as the rules say");
                    if (!isJudge)
                    {
                        continue;
                    }

                    Assert.That(
                        BpfInterpreter.Run(ours, audit, call, arguments), Is.EqualTo(BpfInterpreter.Run(theirs, audit, call, arguments)),
                        $"{name} ({number:x}, {audit:x}, {bit:x}) with {string.Join(' ', arguments)}: {string.Join("; ", source.Rules.Where(rule => rule.Names.Contains(name)).Select(rule => string.Join(" && ", rule.Conditions)))}");
                }
            }
        }
    }

    private static uint Evaluate(FilterSource source, string name, ulong[] arguments)
    {
        var rules = source.Rules.Where(rule => rule.Names.Contains(name)).ToArray();
        var rule = rules.FirstOrDefault(rule => rule.Conditions.Count == 0)
            ?? rules.FirstOrDefault(rule => rule.Conditions.All(condition => Holds(condition, arguments[condition.Argument])));
        return (rule?.Action ?? source.Default).Value;
    }

    private static bool Holds(SeccompCondition condition, ulong argument) => condition.Comparison switch
    {
        SeccompComparison.Equal => argument == condition.Value,
        SeccompComparison.NotEqual => argument != condition.Value,
        SeccompComparison.Less => argument < condition.Value,
        SeccompComparison.LessOrEqual => argument <= condition.Value,
        SeccompComparison.GreaterOrEqual => argument >= condition.Value,
        SeccompComparison.Greater => argument > condition.Value,
        _ => (argument & condition.Mask) == (condition.Value & condition.Mask),
    };
}
