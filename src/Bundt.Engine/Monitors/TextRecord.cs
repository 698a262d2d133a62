using System.Globalization;

namespace Bundt.Engine.Monitors;

/// <summary>The monitor's text files: one `key value` per line, unknown keys are passed over, complete when the last line is `end` (native/monitor.h).</summary>
internal sealed class TextRecord
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private TextRecord(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            if (space < 0)
            {
                IsComplete = line == "end";
            }
            else
            {
                IsComplete = false;
                _values[line[..space]] = line[(space + 1)..];
            }
        }
    }

    /// <summary>Whether the last line is `end`: what was torn by a crash is not.</summary>
    public bool IsComplete { get; }

    public static TextRecord Parse(string text) => new(text);

    /// <summary>The file's content, or null when there is none.</summary>
    public static TextRecord? Read(string path)
    {
        try
        {
            return new TextRecord(File.ReadAllText(path));
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public string Text(string key) => _values.GetValueOrDefault(key, "");

    public long Number(string key) => long.TryParse(Text(key), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;
}
