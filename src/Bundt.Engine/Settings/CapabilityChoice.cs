using Bundt.Linux.Capabilities;
using Bundt.Runtime.Spec;

namespace Bundt.Engine.Settings;

/// <summary>Docker's algebra of --privileged, --cap-add and --cap-drop (moby daemon/pkg/oci/caps/utils.go).</summary>
internal static class CapabilityChoice
{
    /// <summary>The names that a container has. Names are known ones (<see cref="SettingsRules"/>).</summary>
    public static IReadOnlyList<string> Of(bool privileged, IReadOnlyList<string> add, IReadOnlyList<string> drop)
    {
        if (privileged)
        {
            return CapabilityNames.All;
        }

        var dropped = drop.Select(Normalise).ToHashSet();
        var added = add.Select(Normalise).ToList();
        IEnumerable<string> start = added.Contains("ALL") ? CapabilityNames.All : dropped.Contains("ALL") ? [] : DefaultSpec.Capabilities;
        return [.. start.Where(c => !dropped.Contains(c)).Union(added.Where(c => c != "ALL")).Order(StringComparer.Ordinal)];
    }

    /// <summary>"net_admin" as "CAP_NET_ADMIN"; "all" as "ALL".</summary>
    public static string Normalise(string name)
    {
        var upper = name.ToUpperInvariant();
        return upper == "ALL" || upper.StartsWith("CAP_", StringComparison.Ordinal) ? upper : "CAP_" + upper;
    }
}
