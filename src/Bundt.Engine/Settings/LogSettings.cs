using System.Globalization;
using Bundt.Linux;

namespace Bundt.Engine.Settings;

/// <summary>Size and number of the log's files, from Docker's log driver and options.</summary>
/// <param name="Size">Bytes per file; 0: no log at all.</param>
/// <param name="Files">Files kept.</param>
internal sealed record LogSettings(long Size, int Files)
{
    private const long DefaultSize = 20 << 20;
    private const int DefaultFiles = 5;

    // Options of Docker's drivers that mean nothing to a log of ours: it keeps no labels and is never compressed.
    private static readonly HashSet<string> s_passedOver =
        ["compress", "labels", "labels-regex", "env", "env-regex", "tag", "mode", "max-buffer-size"];

    /// <summary>Whether there is a log to read.</summary>
    public bool Kept => Size > 0;

    /// <exception cref="BundtException">InvalidArgument: unknown driver or option, malformed value.</exception>
    public static LogSettings From(ContainerSettings settings)
    {
        switch (settings.LogDriver)
        {
            case "none":
                return new LogSettings(0, 1);
            case "" or "json-file" or "local":
                break;
            default:
                throw Invalid($"logging driver \"{settings.LogDriver}\" is not offered: use json-file, local or none");
        }

        var result = new LogSettings(DefaultSize, DefaultFiles);
        foreach (var (key, value) in settings.LogOptions)
        {
            result = key switch
            {
                "max-size" when value == "-1" => result with { Size = long.MaxValue },
                "max-size" => result with { Size = ParseSize(value) },
                "max-file" => result with { Files = ParseCount(value) },
                _ when s_passedOver.Contains(key) => result,
                _ => throw Invalid($"unknown log opt '{key}' for {(settings.LogDriver.Length == 0 ? "json-file" : settings.LogDriver)} log driver"),
            };
        }

        return result;
    }

    private static long ParseSize(string text)
    {
        var number = text.ToLowerInvariant().TrimEnd('b', 'i');
        var unit = number.Length == 0 ? 1 : number[^1] switch { 'k' => 1L << 10, 'm' => 1L << 20, 'g' => 1L << 30, _ => 1 };
        number = unit == 1 ? number : number[..^1];
        return decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value * unit is >= 1 and < long.MaxValue
            ? (long)(value * unit)
            : throw Invalid($"invalid value for max-size: \"{text}\"");
    }

    private static int ParseCount(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= 1000
            ? count
            : throw Invalid($"invalid value for max-file: \"{text}\"");

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
