using Bundt.Linux.Capabilities;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>
/// The capability sets of a process, cut to what it can be given. What is cut is warned of, as runc does: engines are tested against its words.
/// </summary>
internal sealed class Rights
{
    /// <param name="sets">As in config.json; null: none.</param>
    /// <param name="available">What the launcher itself can give.</param>
    /// <param name="warnings">Gets what cannot be given.</param>
    public Rights(ProcessCapabilities? sets, CapabilitySet available, List<string> warnings)
    {
        sets ??= new ProcessCapabilities();
        var missing = new SortedSet<string>(StringComparer.Ordinal);
        Bounding = Cut(sets.Bounding, available, missing);
        Effective = Cut(sets.Effective, available, missing);
        Permitted = Cut(sets.Permitted, available, missing);
        Inheritable = Cut(sets.Inheritable, available, missing);
        var ambient = Cut(sets.Ambient, available, missing);
        if (missing.Count > 0)
        {
            warnings.Add($"ignoring unknown or unavailable capabilities: [{string.Join(' ', missing)}]");
        }

        // The kernel raises what is both permitted and inheritable.
        Ambient = ambient & (Permitted | Effective) & Inheritable;
        foreach (var number in new CapabilitySet(ambient & ~Ambient).Numbers)
        {
            warnings.Add($"can't raise ambient capability {CapabilityNames.Of(number)}: operation not permitted");
        }
    }

    /// <summary>What it and its descendants can ever get.</summary>
    public ulong Bounding { get; }

    /// <summary>What is in force.</summary>
    public ulong Effective { get; }

    /// <summary>What it may put in force.</summary>
    public ulong Permitted { get; }

    /// <summary>What a program with inheritable file capabilities gets.</summary>
    public ulong Inheritable { get; }

    /// <summary>What any program that it executes gets.</summary>
    public ulong Ambient { get; }

    private static ulong Cut(IReadOnlyList<string> names, CapabilitySet available, SortedSet<string> missing)
    {
        var wanted = CapabilitySet.FromNames(names, out var unknown);
        missing.UnionWith(unknown);
        missing.UnionWith(wanted.Except(available).ToNames());
        return wanted.Intersect(available).Bits;
    }
}
