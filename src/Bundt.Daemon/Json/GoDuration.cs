using System.Globalization;

namespace Bundt.Daemon.Json;

/// <summary>Durations as Go and docker write them.</summary>
internal static class GoDuration
{
    /// <summary>Reads "1h30m", "500ms", "1.5s".</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text.IsEmpty)
        {
            return false;
        }

        double ticks = 0;
        while (!text.IsEmpty)
        {
            int digits = text.IndexOfAnyExceptInRange('.', '9');
            if (digits <= 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double amount))
            {
                return false;
            }

            text = text[digits..];
            int unit = text.IndexOfAnyInRange('.', '9');
            ReadOnlySpan<char> name = unit < 0 ? text : text[..unit];
            double scale = name switch
            {
                "h" => TimeSpan.TicksPerHour,
                "m" => TimeSpan.TicksPerMinute,
                "s" => TimeSpan.TicksPerSecond,
                "ms" => TimeSpan.TicksPerMillisecond,
                "us" or "µs" => TimeSpan.TicksPerMicrosecond,
                "ns" => 0.01,
                _ => 0,
            };
            if (scale == 0)
            {
                return false;
            }

            ticks += amount * scale;
            text = text[name.Length..];
        }

        if (ticks >= TimeSpan.MaxValue.Ticks)
        {
            return false;
        }

        duration = new TimeSpan((long)ticks);
        return true;
    }

    /// <summary>For people: "Less than a second", "About an hour", "3 weeks" (the words of docker's go-units).</summary>
    public static string ForPeople(TimeSpan duration)
    {
        int seconds = (int)duration.TotalSeconds;
        int minutes = (int)duration.TotalMinutes;
        int hours = (int)(duration.TotalHours + 0.5);
        return seconds switch
        {
            < 1 => "Less than a second",
            1 => "1 second",
            < 60 => Count(seconds, "seconds"),
            _ when minutes == 1 => "About a minute",
            _ when minutes < 60 => Count(minutes, "minutes"),
            _ when hours == 1 => "About an hour",
            _ when hours < 48 => Count(hours, "hours"),
            _ when hours < 24 * 7 * 2 => Count(hours / 24, "days"),
            _ when hours < 24 * 30 * 2 => Count(hours / 24 / 7, "weeks"),
            _ when hours < 24 * 365 * 2 => Count(hours / 24 / 30, "months"),
            _ => Count((int)duration.TotalHours / 24 / 365, "years"),
        };
    }

    private static string Count(int number, string unit) => string.Create(CultureInfo.InvariantCulture, $"{number} {unit}");
}
