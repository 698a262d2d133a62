using System.Numerics;
using Bundt.Linux.Processes;

namespace Bundt.Linux.Capabilities;

/// <summary>A set of capabilities as the kernel writes it: bit n is capability n.</summary>
/// <param name="Bits">The bits.</param>
public readonly record struct CapabilitySet(ulong Bits)
{
    private static readonly Lazy<CapabilitySet> s_own = new(ReadOwnBounding);

    /// <summary>No capability.</summary>
    public static CapabilitySet Empty => default;

    /// <summary>Every capability, those of future kernels too: what a process has in a user namespace of its own.</summary>
    public static CapabilitySet Full => new(ulong.MaxValue);

    /// <summary>
    /// The bounding set of this process: all that a container can be given. Root may lack some (on virtual machines CAP_SYS_RESOURCE, say).
    /// </summary>
    public static CapabilitySet Own => s_own.Value;

    /// <summary>The numbers in the set, ascending.</summary>
    public IEnumerable<int> Numbers
    {
        get
        {
            for (var rest = Bits; rest != 0; rest &= rest - 1)
            {
                yield return BitOperations.TrailingZeroCount(rest);
            }
        }
    }

    /// <summary>The set of these names; unknown names are passed over and reported in <paramref name="unknown"/>.</summary>
    public static CapabilitySet FromNames(IReadOnlyList<string> names, out IReadOnlyList<string> unknown)
    {
        ulong bits = 0;
        List<string>? missing = null;
        for (var i = 0; i < names.Count; i++)
        {
            if (CapabilityNames.TryParse(names[i], out var number))
            {
                bits |= 1UL << number;
            }
            else
            {
                (missing ??= []).Add(names[i]);
            }
        }

        unknown = missing ?? (IReadOnlyList<string>)[];
        return new CapabilitySet(bits);
    }

    /// <summary>The set of these names; names that this version does not know are passed over, as the specification asks.</summary>
    public static CapabilitySet FromNames(IReadOnlyList<string> names) => FromNames(names, out _);

    /// <summary>What both sets have.</summary>
    public CapabilitySet Intersect(CapabilitySet other) => new(Bits & other.Bits);

    /// <summary>What either set has.</summary>
    public CapabilitySet Union(CapabilitySet other) => new(Bits | other.Bits);

    /// <summary>What this set has and the other lacks.</summary>
    public CapabilitySet Except(CapabilitySet other) => new(Bits & ~other.Bits);

    /// <summary>Whether a capability is in the set.</summary>
    public bool Contains(int number) => (Bits >> number & 1) != 0;

    /// <summary>The names in the set, by number.</summary>
    public IReadOnlyList<string> ToNames() => [.. Numbers.Select(CapabilityNames.Of)];

    // A call for each is cheaper than the text of /proc/self/status.
    private static CapabilitySet ReadOwnBounding()
    {
        const int ReadBounding = 23; // PR_CAPBSET_READ; EINVAL beyond the last capability that the kernel knows
        ulong bits = 0;
        for (var number = 0; number < 64 && ProcessCalls.prctl(ReadBounding, number, 0, 0, 0) is >= 0 and var held; number++)
        {
            bits |= (ulong)held << number;
        }

        return new CapabilitySet(bits);
    }
}
