using System.Globalization;

namespace Bundt.Engine.Settings;

/// <summary>A list of CPUs or memory nodes as the kernel writes it: "0-3,7".</summary>
internal static class NumberList
{
    private const int Largest = 8191;

    /// <summary>The numbers, or null when the text is none such.</summary>
    public static SortedSet<int>? Parse(string text)
    {
        var numbers = new SortedSet<int>();
        foreach (var part in text.Trim().Split(','))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            if (!Number(dash < 0 ? part : part[..dash], out var first) || !Number(dash < 0 ? part : part[(dash + 1)..], out var last) || last < first)
            {
                return null;
            }

            for (var number = first; number <= last; number++)
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }

    private static bool Number(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= Largest;
}
