using System.Globalization;
using Bundt.Linux;

namespace Bundt.Runtime.Plans;

/// <summary>Lists of CPUs or memory nodes ("0-3,7"; cpuset(7), "List format") as the masks that system calls take.</summary>
internal static class NumberList
{
    private const int Highest = 65535; // far above every kernel's own limit

    /// <summary>Parses a list.</summary>
    /// <param name="list">The list; white space around numbers is allowed.</param>
    /// <param name="field">What a refusal begins with.</param>
    /// <returns>Bit n of byte n/8 is number n; a multiple of eight bytes.</returns>
    /// <exception cref="BundtException">InvalidArgument: it is no such list, or names a number above 65535.</exception>
    public static byte[] Parse(string list, string field)
    {
        var ranges = new List<(int First, int Last)>();
        foreach (var part in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            var first = Number(dash < 0 ? part : part[..dash], list, field);
            var last = dash < 0 ? first : Number(part[(dash + 1)..], list, field);
            ranges.Add(last >= first ? (first, last) : throw Refusal(list, field));
        }

        if (ranges.Count == 0)
        {
            throw Refusal(list, field);
        }

        var mask = new byte[(ranges.Max(range => range.Last) / 64 + 1) * 8];
        foreach (var (first, last) in ranges)
        {
            for (var number = first; number <= last; number++)
            {
                mask[number / 8] |= (byte)(1 << number % 8);
            }
        }

        return mask;
    }

    /// <summary>How many numbers a mask holds.</summary>
    public static int Count(ReadOnlySpan<byte> mask)
    {
        var count = 0;
        foreach (var part in mask)
        {
            count += int.PopCount(part);
        }

        return count;
    }

    private static int Number(string text, string list, string field) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= Highest ? number : throw Refusal(list, field);

    private static BundtException Refusal(string list, string field) => PlanScope.Invalid($"{field} \"{list}\": not a list of numbers such as 0-3,7");
}
