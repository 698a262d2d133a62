using System.Text;

namespace Bundt.Cli.Output;

/// <summary>Aligned columns as docker's tables have them: at least ten wide, three spaces between, the last one ragged.</summary>
internal static class TableWriter
{
    private const int MinimumWidth = 10;
    private const int Padding = 3;

    /// <summary>Lays out rows, the header among them. Rows may have different numbers of cells.</summary>
    public static string Format(IReadOnlyList<string[]> rows)
    {
        int columns = rows.Count == 0 ? 0 : rows.Max(static row => row.Length);
        int[] widths = new int[columns];
        foreach (string[] row in rows)
        {
            for (int i = 0; i + 1 < row.Length; i++)
            {
                widths[i] = Math.Max(widths[i], Math.Max(MinimumWidth, row[i].Length + Padding));
            }
        }

        var text = new StringBuilder();
        foreach (string[] row in rows)
        {
            for (int i = 0; i < row.Length; i++)
            {
                _ = text.Append(row[i]);
                if (i + 1 < row.Length)
                {
                    _ = text.Append(' ', widths[i] - row[i].Length);
                }
            }

            _ = text.Append('\n');
        }

        return text.ToString();
    }
}
