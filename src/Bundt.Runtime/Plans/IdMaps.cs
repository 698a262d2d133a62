using System.Globalization;
using System.Text;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>Id maps as the kernel reads them (user_namespaces(7)).</summary>
internal static class IdMaps
{
    /// <summary>One line for each range.</summary>
    public static string Lines(IReadOnlyList<IdMapping> mappings)
    {
        var text = new StringBuilder();
        foreach (var mapping in mappings)
        {
            text.Append(CultureInfo.InvariantCulture, $"{mapping.ContainerId} {mapping.HostId} {mapping.Size}\n");
        }

        return text.ToString();
    }

    /// <summary>The id outside of an id inside; null: it has none.</summary>
    public static uint? Outside(IReadOnlyList<IdMapping> mappings, uint id)
    {
        foreach (var mapping in mappings)
        {
            if (id >= mapping.ContainerId && id - mapping.ContainerId < mapping.Size)
            {
                return mapping.HostId + (id - mapping.ContainerId);
            }
        }

        return null;
    }
}
