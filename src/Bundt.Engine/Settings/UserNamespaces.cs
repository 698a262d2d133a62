using System.Globalization;
using Bundt.Engine.Containers;
using Bundt.Linux;

namespace Bundt.Engine.Settings;

/// <summary>--userns: which host ids a container's own user namespace gets.</summary>
internal static class UserNamespaces
{
    public const uint DefaultSize = 65536;

    /// <summary>Private ranges are taken from here on: above every id that distributions give to users and to subordinate ranges.</summary>
    private const uint FirstPrivate = 0x4000_0000;

    /// <summary>What a mode asks for: null no namespace, First 0 a free range.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static IdRange? Parse(string mode)
    {
        if (mode is "" or "host")
        {
            return null;
        }

        if (mode == "auto")
        {
            return new IdRange(0, DefaultSize);
        }

        var colon = mode.IndexOf(':', StringComparison.Ordinal);
        if (colon > 0
            && uint.TryParse(mode.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && uint.TryParse(mode.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            && first > 0 && size > 0 && (ulong)first + size <= uint.MaxValue)
        {
            return new IdRange(first, size);
        }

        throw new BundtException(
            FailureKind.InvalidArgument, Phase.Request, $"invalid USER mode: {mode}", "use \"host\", \"auto\" or \"FIRST-HOST-ID:NUMBER-OF-IDS\"");
    }

    /// <summary>A range that none of the others overlaps.</summary>
    public static IdRange Free(IEnumerable<IdRange> taken)
    {
        var others = taken.OrderBy(r => r.First).ToList();
        ulong first = FirstPrivate;
        foreach (var other in others)
        {
            if (other.First < first + DefaultSize && (ulong)other.First + other.Size > first)
            {
                first = ((ulong)other.First + other.Size + DefaultSize - 1) / DefaultSize * DefaultSize;
            }
        }

        return first + DefaultSize <= uint.MaxValue
            ? new IdRange((uint)first, DefaultSize)
            : throw new BundtException(FailureKind.Conflict, Phase.Identity, "no free range of user ids is left", "remove containers with --userns auto");
    }
}
