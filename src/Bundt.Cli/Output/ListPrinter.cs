using Bundt.Cli.Templates;

namespace Bundt.Cli.Output;

/// <summary>Prints a list as <c>--format</c> and <c>-q</c> ask: docker's table, a table of one's own, JSON lines, or a template for each row.</summary>
/// <param name="columns">Header and field of the default table's columns.</param>
/// <param name="headers">Headers of further fields, for <c>table</c> templates.</param>
/// <param name="key">Field that -q prints.</param>
internal sealed class ListPrinter((string Header, string Field)[] columns, (string Header, string Field)[] headers, string key)
{
    /// <summary>Prints the rows.</summary>
    /// <exception cref="CommandLine.UsageException">The template is wrong.</exception>
    public void Print(IReadOnlyList<Row> rows, string? format, bool quiet)
    {
        if (quiet)
        {
            foreach (Row row in rows)
            {
                StandardStreams.OutLine(row[key]);
            }
        }
        else if (string.IsNullOrEmpty(format) || format == "table")
        {
            PrintDefault(rows);
        }
        else if (format == "json")
        {
            PrintTemplate(rows, "{{json .}}");
        }
        else if (format.StartsWith("table ", StringComparison.Ordinal))
        {
            PrintTable(rows, format["table ".Length..]);
        }
        else
        {
            PrintTemplate(rows, format);
        }
    }

    private static string Unescape(string format) => format.Replace("\\t", "\t", StringComparison.Ordinal).Replace("\\n", "\n", StringComparison.Ordinal);

    private static void PrintTemplate(IReadOnlyList<Row> rows, string format)
    {
        var template = Template.Parse(Unescape(format));
        foreach (Row row in rows)
        {
            StandardStreams.OutLine(template.Execute(row));
        }
    }

    private void PrintDefault(IReadOnlyList<Row> rows)
    {
        var cells = new List<string[]>(rows.Count + 1) { Array.ConvertAll(columns, static c => c.Header) };
        foreach (Row row in rows)
        {
            cells.Add(Array.ConvertAll(columns, c => row[c.Field]));
        }

        StandardStreams.Out(TableWriter.Format(cells));
    }

    private void PrintTable(IReadOnlyList<Row> rows, string format)
    {
        var template = Template.Parse(Unescape(format));
        var header = new Row();
        foreach ((string title, string field) in columns.Concat(headers))
        {
            header[field] = title;
        }

        foreach (Row row in rows)
        {
            foreach (string label in row.LabelMap.Keys)
            {
                header.LabelMap[label] = label.Length > 0 ? label[(label.LastIndexOf('.') + 1)..].ToUpperInvariant() : label;
            }
        }

        List<string[]> cells = [template.Execute(header).Split('\t')];
        cells.AddRange(rows.Select(row => template.Execute(row).Split('\t')));
        StandardStreams.Out(TableWriter.Format(cells));
    }
}
