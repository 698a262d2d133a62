using System.Globalization;
using System.Text;
using System.Text.Json;
using Bundt.Cli.Http;
using Bundt.Cli.Values;

namespace Bundt.Cli.Output;

/// <summary>
/// The daemon's progress messages as docker shows them: on a terminal one line per layer, redrawn in place with a bar; elsewhere one line per change of
/// state and no bars.
/// </summary>
/// <param name="fd">Where to.</param>
/// <param name="columns">Width of the terminal; 0 when there is none.</param>
/// <param name="quiet">Show nothing but fail on errors.</param>
internal sealed class ProgressDisplay(int fd, int columns, bool quiet)
{
    private const int BarWidth = 50;
    private readonly List<string> _ids = [];

    /// <summary>Shows a whole stream of messages.</summary>
    /// <exception cref="ApiException">The stream carries an error.</exception>
    public void ShowAll(HttpConnection connection)
    {
        foreach (ReadOnlyMemory<byte> line in JsonLines.Read(connection))
        {
            using var message = JsonDocument.Parse(line);
            Show(message.RootElement);
        }
    }

    /// <summary>Shows one message.</summary>
    /// <exception cref="ApiException">It is an error.</exception>
    public void Show(JsonElement message)
    {
        if (Text(message, "error") is { Length: > 0 } error)
        {
            string? hint = message.TryGetProperty("bundt", out JsonElement detail) ? Text(detail, "hint") : null;
            throw new ApiException(500, error, hint);
        }

        if (quiet)
        {
            return;
        }

        if (Text(message, "stream") is { Length: > 0 } stream)
        {
            Write(stream);
            _ids.Clear();
            return;
        }

        string? id = Text(message, "id");
        if (Text(message, "status") is not { Length: > 0 } status)
        {
            return;
        }

        string bar = Bar(message);
        if (columns == 0)
        {
            // Elsewhere than on a terminal only states, not their progress.
            if (bar.Length == 0)
            {
                Write(id is null ? status + "\n" : $"{id}: {status}\n");
            }
        }
        else if (id is null)
        {
            _ids.Clear();
            Write(status + "\n");
        }
        else
        {
            Redraw(id, $"{id}: {status}{(bar.Length > 0 ? " " + bar : "")}");
        }
    }

    private static string? Text(JsonElement message, string member) =>
        message.ValueKind == JsonValueKind.Object && message.TryGetProperty(member, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private string Bar(JsonElement message)
    {
        if (!message.TryGetProperty("progressDetail", out JsonElement detail) || detail.ValueKind != JsonValueKind.Object
            || !detail.TryGetProperty("current", out JsonElement currentElement) || !currentElement.TryGetInt64(out long current) || current <= 0)
        {
            return "";
        }

        long total = detail.TryGetProperty("total", out JsonElement totalElement) && totalElement.TryGetInt64(out long t) ? t : 0;
        string unit = Text(detail, "units") ?? "";
        if (unit.Length > 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{current} {unit}");
        }

        if (total <= 0)
        {
            return $"{Sizes.Format(current),8}";
        }

        int done = (int)Math.Min(BarWidth, current * BarWidth / total);
        string numbers = $"{Sizes.Format(current, 4),8}/{Sizes.Format(total, 4)}";
        return columns > 0 && columns < 110 ? numbers : $"[{new string('=', done)}>{new string(' ', BarWidth - done)}] {numbers}";
    }

    private void Redraw(string id, string line)
    {
        int index = _ids.IndexOf(id);
        if (index < 0)
        {
            _ids.Add(id);
            Write(Cut(line) + "\n");
            return;
        }

        int up = _ids.Count - index;
        Write(string.Create(CultureInfo.InvariantCulture, $"\e[{up}A\e[2K\r{Cut(line)}\r\e[{up}B"));
    }

    private string Cut(string line) => line.Length >= columns ? line[..(columns - 1)] : line;

    private void Write(string text)
    {
        StandardStreams.Flush();
        StandardStreams.Write(fd, Encoding.UTF8.GetBytes(text));
    }
}
