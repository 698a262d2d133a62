using System.Runtime.CompilerServices;
using Bundt.Linux;
using Bundt.Linux.Seccomp;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Seccomp;

/// <summary>From "linux.seccomp" to a program, compiled once per config object: the engine's default filters are a few shared objects.</summary>
public static class SeccompCompiler
{
    private const uint DefaultErrno = 1;

    private static readonly ConditionalWeakTable<LinuxSeccomp, byte[]> s_compiled = [];

    /// <summary>The program as struct sock_filter[]; empty when the filter would allow everything.</summary>
    /// <exception cref="BundtException">InvalidArgument: an unknown action, operator or architecture, or too long.</exception>
    public static ReadOnlyMemory<byte> Compile(LinuxSeccomp? seccomp)
    {
        if (seccomp is null)
        {
            return default;
        }

        if (s_compiled.TryGetValue(seccomp, out var program))
        {
            return program;
        }

        program = FilterCompiler.Compile(Source(seccomp));
        s_compiled.AddOrUpdate(seccomp, program);
        return program;
    }

    /// <summary>Refuses a profile that names a call which the filter would pass over.</summary>
    /// <exception cref="BundtException">InvalidArgument: the calls.</exception>
    internal static void RequireKnownCalls(LinuxSeccomp seccomp)
    {
        if (FilterCompiler.Unknown(Source(seccomp)) is { Count: > 0 } unknown)
        {
            throw Invalid($"linux.seccomp.syscalls: no architecture of the profile has a call {string.Join(", ", unknown)}");
        }
    }

    internal static FilterSource Source(LinuxSeccomp seccomp)
    {
        var fallback = Action(seccomp.DefaultAction, seccomp.DefaultErrnoRet, "linux.seccomp.defaultAction");
        var rules = new List<FilterRule>(seccomp.Syscalls.Count);
        for (var i = 0; i < seccomp.Syscalls.Count; i++)
        {
            var rule = seccomp.Syscalls[i];
            var action = Action(rule.Action, rule.ErrnoRet, "linux.seccomp.syscalls[].action");
            if (rule.Action == "SCMP_ACT_NOTIFY" && rule.Names.Contains("write"))
            {
                throw Invalid("SCMP_ACT_NOTIFY cannot be used for the write syscall");
            }

            AddRule(rules, rule, action);
        }

        return new FilterSource(fallback, seccomp.Architectures, rules);
    }

    // Several conditions on the same argument cannot all hold in libseccomp's language: they are alternatives, as in runc.
    private static void AddRule(List<FilterRule> rules, SeccompRule rule, SeccompAction action)
    {
        var conditions = new SeccompCondition[rule.Args.Count];
        var used = 0;
        var alternatives = false;
        for (var i = 0; i < conditions.Length; i++)
        {
            conditions[i] = Condition(rule.Args[i]);
            alternatives |= (used & 1 << conditions[i].Argument) != 0;
            used |= 1 << conditions[i].Argument;
        }

        if (!alternatives)
        {
            rules.Add(new FilterRule(rule.Names, action, conditions));
            return;
        }

        foreach (var condition in conditions)
        {
            rules.Add(new FilterRule(rule.Names, action, [condition]));
        }
    }

    private static SeccompCondition Condition(SeccompArg arg) => arg.Op switch
    {
        "SCMP_CMP_EQ" => new SeccompCondition(arg.Index, SeccompComparison.Equal, arg.Value),
        "SCMP_CMP_NE" => new SeccompCondition(arg.Index, SeccompComparison.NotEqual, arg.Value),
        "SCMP_CMP_LT" => new SeccompCondition(arg.Index, SeccompComparison.Less, arg.Value),
        "SCMP_CMP_LE" => new SeccompCondition(arg.Index, SeccompComparison.LessOrEqual, arg.Value),
        "SCMP_CMP_GE" => new SeccompCondition(arg.Index, SeccompComparison.GreaterOrEqual, arg.Value),
        "SCMP_CMP_GT" => new SeccompCondition(arg.Index, SeccompComparison.Greater, arg.Value),
        "SCMP_CMP_MASKED_EQ" => new SeccompCondition(arg.Index, SeccompComparison.MaskedEqual, arg.ValueTwo, arg.Value),
        _ => throw Invalid($"linux.seccomp.syscalls[].args[].op: {arg.Op} is no comparison"),
    };

    private static SeccompAction Action(string name, uint? data, string field) =>
        SeccompAction.Parse(name, data ?? DefaultErrno) ?? throw Invalid($"{field}: {name} is no action");

    private static BundtException Invalid(string what) => new(FailureKind.InvalidArgument, Phase.Identity, what);
}
