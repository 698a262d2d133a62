using System.Globalization;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>
/// Id-mapped mounts (mount_setattr(2)). The kernel takes the map from a user namespace: the container's own if it is joined, else one made for
/// nothing but its map.
/// </summary>
internal static class MountIds
{
    /// <summary>The slot of the user namespace whose map a mount gets.</summary>
    internal static int UserNamespace(PlanScope scope, RuntimeMount mount, MountOptions options, string target)
    {
        IReadOnlyList<IdMapping> uids = mount.UidMappings, gids = mount.GidMappings;
        if (options.Map is not null)
        {
            (uids, gids) = Parse(scope, options.Map, target);
        }

        if (uids.Count + gids.Count == 0)
        {
            if (scope.JoinedUserNamespace >= 0)
            {
                return scope.JoinedUserNamespace;
            }

            (uids, gids) = (scope.Uids, scope.Gids);
        }

        if (uids.Count == 0 || gids.Count == 0)
        {
            throw PlanScope.Invalid($"mount on {target}: id-mapped mounts must have both uid and gid mappings specified");
        }

        return scope.MapNamespace(IdMaps.Lines(uids), IdMaps.Lines(gids));
    }

    // crun's: "uids=0-1-10#10-11-10;gids=0-100-10"; "@": the second number counts in the container's user namespace.
    private static (IReadOnlyList<IdMapping> Uids, IReadOnlyList<IdMapping> Gids) Parse(PlanScope scope, string map, string target)
    {
        IReadOnlyList<IdMapping> uids = [], gids = [];
        foreach (var part in map.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (part.Split('=', 2))
            {
                case ["uids", { } ranges]:
                    uids = Ranges(ranges, scope.Uids, map, target);
                    break;
                case ["gids", { } ranges]:
                    gids = Ranges(ranges, scope.Gids, map, target);
                    break;
                default:
                    throw Refusal(map, target);
            }
        }

        return (uids, gids);
    }

    private static List<IdMapping> Ranges(string ranges, IReadOnlyList<IdMapping> container, string map, string target)
    {
        var result = new List<IdMapping>();
        foreach (var range in ranges.Split('#', StringSplitOptions.RemoveEmptyEntries))
        {
            var relative = range.StartsWith('@');
            var numbers = range[(relative ? 1 : 0)..].Split('-');
            if (numbers.Length != 3 || !TryParse(numbers[0], out var first) || !TryParse(numbers[1], out var host) || !TryParse(numbers[2], out var size))
            {
                throw Refusal(map, target);
            }

            result.Add(new IdMapping(first, relative ? IdMaps.Outside(container, host) ?? throw Refusal(map, target) : host, size));
        }

        return result;

        static bool TryParse(string text, out uint number) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static Linux.BundtException Refusal(string map, string target) =>
        PlanScope.Invalid($"mount on {target}: idmap={map} is no mapping", "It looks like uids=0-1-10#10-11-10;gids=0-100-10.");
}
