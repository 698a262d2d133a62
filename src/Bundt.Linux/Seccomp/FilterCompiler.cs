namespace Bundt.Linux.Seccomp;

/// <summary>
/// Compiles a filter to BPF: for each architecture a balanced binary search over ranges of numbers with the same outcome, the native
/// architecture first (the kernel runs the program over every number once when it is loaded, so its depth is what loading costs).
/// Calls newer than the newest that the profile names say ENOSYS where the default would refuse them: programs then fall back to an older
/// call instead of failing (moby#42871).
/// </summary>
public static class FilterCompiler
{
    private const uint NumberOffset = 0;
    private const uint ArchitectureOffset = 4;
    private const uint Enosys = 38;

    /// <summary>The program as struct sock_filter[].</summary>
    /// <exception cref="BundtException">InvalidArgument: it would be too long.</exception>
    public static byte[] Compile(FilterSource source)
    {
        var architectures = Architectures(source);
        var bpf = new BpfAssembler();
        var next = bpf.ReturnLabel(SeccompAction.KillProcess);
        var x32 = architectures.Contains(SeccompArchitecture.X32);
        architectures.Remove(SeccompArchitecture.X32);
        for (var i = architectures.Count - 1; i >= 0; i--)
        {
            var architecture = architectures[i];
            var outcomes = Outcomes(architecture, source);
            if (architecture == SeccompArchitecture.X64)
            {
                // What is above belongs to x32, or without it to nobody: the kernel's own answer there is ENOSYS.
                outcomes.RemoveAll(range => range.First >= SeccompArchitecture.X32Bit);
                outcomes.AddRange(x32
                    ? Outcomes(SeccompArchitecture.X32, source).Where(range => range.First >= SeccompArchitecture.X32Bit)
                    : [new Range(SeccompArchitecture.X32Bit, Outcome.Of(SeccompAction.Errno(Enosys)))]);
            }

            var tree = Tree(bpf, outcomes, 0, outcomes.Count, source.Default);
            bpf.Goto(tree);
            bpf.Load(NumberOffset);
            var entry = bpf.Here;
            bpf.Branch(BpfAssembler.JumpEqual, architecture.Audit, entry, next);
            next = bpf.Here;
        }

        bpf.Load(ArchitectureOffset);
        return bpf.ToArray();
    }

    /// <summary>The calls of a filter that none of its architectures has; the program says nothing of them.</summary>
    public static IReadOnlyList<string> Unknown(FilterSource source)
    {
        var architectures = Architectures(source);
        return [.. source.Rules.SelectMany(rule => rule.Names).Where(name => architectures.TrueForAll(architecture => architecture.Number(name) is null)).Distinct()];
    }

    private static List<SeccompArchitecture> Architectures(FilterSource source)
    {
        var architectures = new List<SeccompArchitecture> { SeccompArchitecture.Native };
        foreach (var name in source.Architectures)
        {
            if (SeccompArchitecture.Find(name) is { } architecture && !architectures.Contains(architecture))
            {
                architectures.Add(architecture);
            }
        }

        return architectures;
    }

    // Ranges of numbers, each from First up to the next one's First, that have the same outcome.
    private static List<Range> Outcomes(SeccompArchitecture architecture, FilterSource source)
    {
        var calls = new SortedDictionary<uint, Outcome>();
        var newest = architecture.Offset;
        foreach (var rule in source.Rules)
        {
            foreach (var name in rule.Names)
            {
                if (architecture.Number(name) is not { } number)
                {
                    continue;
                }

                newest = Math.Max(newest, number);
                calls[number] = calls.TryGetValue(number, out var outcome) ? outcome.With(rule) : Outcome.Of(rule);
            }
        }

        var fallback = Outcome.Of(source.Default);
        var ranges = new List<Range>();
        if (architecture.Offset > 0)
        {
            ranges.Add(new Range(0, Outcome.Of(SeccompAction.KillProcess)));
        }

        var expected = architecture.Offset;
        foreach (var (number, outcome) in calls)
        {
            if (number > expected)
            {
                Append(ranges, expected, fallback);
            }

            Append(ranges, number, outcome);
            expected = number + 1;
        }

        Append(ranges, newest + 1, source.Default.Denies && source.Default != SeccompAction.Errno(Enosys) ? Outcome.Of(SeccompAction.Errno(Enosys)) : fallback);
        if (ranges[0].First != 0)
        {
            ranges.Insert(0, new Range(0, fallback));
        }

        return ranges;
    }

    private static void Append(List<Range> ranges, uint first, Outcome outcome)
    {
        if (ranges.Count == 0 || !ranges[^1].Outcome.Same(outcome))
        {
            ranges.Add(new Range(first, outcome));
        }
    }

    // Written backwards: first the upper half, then the lower one, then the branch between them.
    private static int Tree(BpfAssembler bpf, List<Range> ranges, int from, int to, SeccompAction fallback)
    {
        if (to - from == 1)
        {
            return Leaf(bpf, ranges[from].Outcome, fallback);
        }

        var middle = (from + to) / 2;
        var upper = Tree(bpf, ranges, middle, to, fallback);
        var lower = Tree(bpf, ranges, from, middle, fallback);
        bpf.Branch(BpfAssembler.JumpGreaterOrEqual, ranges[middle].First, upper, lower);
        return bpf.Here;
    }

    private static int Leaf(BpfAssembler bpf, Outcome outcome, SeccompAction fallback)
    {
        if (outcome.Unconditional is { } action)
        {
            return bpf.ReturnLabel(action);
        }

        var next = bpf.ReturnLabel(fallback);
        for (var i = outcome.Rules.Count - 1; i >= 0; i--)
        {
            next = Conditions(bpf, outcome.Rules[i], next);
        }

        return next;
    }

    private static int Conditions(BpfAssembler bpf, FilterRule rule, int otherwise)
    {
        var then = bpf.ReturnLabel(rule.Action);
        for (var i = rule.Conditions.Count - 1; i >= 0; i--)
        {
            then = Condition(bpf, rule.Conditions[i], then, otherwise);
        }

        return then;
    }

    // 64-bit comparisons out of two 32-bit words, the high one first.
    private static int Condition(BpfAssembler bpf, SeccompCondition condition, int then, int otherwise)
    {
        var low = (uint)(16 + condition.Argument * 8);
        var high = low + 4;
        var value = condition.Value;
        switch (condition.Comparison)
        {
            case SeccompComparison.NotEqual:
                return Equal(bpf, low, high, value, ulong.MaxValue, otherwise, then);
            case SeccompComparison.Less:
                return Ordered(bpf, BpfAssembler.JumpGreaterOrEqual, low, high, value, otherwise, then);
            case SeccompComparison.LessOrEqual:
                return Ordered(bpf, BpfAssembler.JumpGreater, low, high, value, otherwise, then);
            case SeccompComparison.GreaterOrEqual:
                return Ordered(bpf, BpfAssembler.JumpGreaterOrEqual, low, high, value, then, otherwise);
            case SeccompComparison.Greater:
                return Ordered(bpf, BpfAssembler.JumpGreater, low, high, value, then, otherwise);
            case SeccompComparison.MaskedEqual:
                return Equal(bpf, low, high, value & condition.Mask, condition.Mask, then, otherwise);
            default:
                return Equal(bpf, low, high, value, ulong.MaxValue, then, otherwise);
        }
    }

    private static int Equal(BpfAssembler bpf, uint low, uint high, ulong value, ulong mask, int then, int otherwise)
    {
        bpf.Branch(BpfAssembler.JumpEqual, (uint)value, then, otherwise);
        Masked(bpf, low, (uint)mask);
        var lowWord = bpf.Here;
        bpf.Branch(BpfAssembler.JumpEqual, (uint)(value >> 32), lowWord, otherwise);
        Masked(bpf, high, (uint)(mask >> 32));
        return bpf.Here;
    }

    private static int Ordered(BpfAssembler bpf, ushort code, uint low, uint high, ulong value, int then, int otherwise)
    {
        bpf.Branch(code, (uint)value, then, otherwise);
        bpf.Load(low);
        var lowWord = bpf.Here;
        bpf.Branch(BpfAssembler.JumpEqual, (uint)(value >> 32), lowWord, otherwise);
        var equal = bpf.Here;
        bpf.Branch(BpfAssembler.JumpGreater, (uint)(value >> 32), then, equal);
        bpf.Load(high);
        return bpf.Here;
    }

    private static void Masked(BpfAssembler bpf, uint offset, uint mask)
    {
        if (mask != uint.MaxValue)
        {
            bpf.And(mask);
        }

        bpf.Load(offset);
    }

    private readonly record struct Range(uint First, Outcome Outcome);

    // What happens to one call: always the same, or by its arguments.
    private sealed class Outcome
    {
        private Outcome(SeccompAction? unconditional, IReadOnlyList<FilterRule> rules)
        {
            Unconditional = unconditional;
            Rules = rules;
        }

        public SeccompAction? Unconditional { get; }

        public IReadOnlyList<FilterRule> Rules { get; }

        public static Outcome Of(SeccompAction action) => new(action, []);

        public static Outcome Of(FilterRule rule) => rule.Conditions.Count == 0 ? Of(rule.Action) : new Outcome(null, [rule]);

        public Outcome With(FilterRule rule) =>
            Unconditional is not null ? this
            : rule.Conditions.Count == 0 ? Of(rule.Action)
            : new Outcome(null, [.. Rules, rule]);

        public bool Same(Outcome other) => Unconditional is { } action ? action == other.Unconditional : ReferenceEquals(this, other);
    }
}
