using System.Buffers;
using System.Globalization;

namespace Bundt.Cli.Values;

/// <summary>Durations and points in time as docker reads and prints them.</summary>
internal static class Durations
{
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    /// <summary>Reads Go's "1h30m", "1.5s", "300ms".</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        ReadOnlySpan<char> rest = text;
        bool negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
        {
            rest = rest[1..];
        }

        if (rest.Length == 0)
        {
            return false;
        }

        if (rest is "0")
        {
            return true;
        }

        double nanoseconds = 0;
        while (rest.Length > 0)
        {
            int n = rest.IndexOfAnyExcept(s_digits);
            if (n <= 0 || !double.TryParse(rest[..n], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
            {
                return false;
            }

            rest = rest[n..];
            int end = rest.IndexOfAny(s_digits);
            ReadOnlySpan<char> unit = end < 0 ? rest : rest[..end];
            double factor = unit switch { "ns" => 1, "us" or "µs" => 1e3, "ms" => 1e6, "s" => 1e9, "m" => 60e9, "h" => 3600e9, _ => 0 };
            if (factor == 0)
            {
                return false;
            }

            nanoseconds += number * factor;
            rest = end < 0 ? [] : rest[end..];
        }

        if (nanoseconds / 100 > long.MaxValue)
        {
            return false;
        }

        duration = TimeSpan.FromTicks((long)(nanoseconds / 100) * (negative ? -1 : 1));
        return true;
    }

    /// <summary>
    /// A point in time for the API: a duration before now ("10m"), a date, RFC 3339, or unix seconds as they are. The answer is seconds with a fraction.
    /// </summary>
    /// <exception cref="CommandLine.UsageException">It is none of these.</exception>
    public static string ToTimestamp(string option, string text, DateTimeOffset now)
    {
        if (text.Length > 0 && text.AsSpan().IndexOfAnyExcept(s_digits) < 0)
        {
            return text;
        }

        if (TryParse(text, out TimeSpan before))
        {
            return Seconds(now - before);
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out DateTimeOffset time)
            ? Seconds(time)
            : throw new CommandLine.UsageException($"invalid value for \"{option}\": failed to parse value as time or duration: \"{text}\"");
    }

    /// <summary>"2 minutes", "About an hour" (units.HumanDuration).</summary>
    public static string Format(TimeSpan duration)
    {
        long seconds = (long)duration.TotalSeconds;
        if (seconds < 60)
        {
            return seconds < 1 ? "Less than a second" : seconds == 1 ? "1 second" : $"{seconds} seconds";
        }

        long minutes = (long)duration.TotalMinutes;
        if (minutes < 60)
        {
            return minutes == 1 ? "About a minute" : $"{minutes} minutes";
        }

        long hours = (long)(duration.TotalHours + 0.5);
        return hours switch
        {
            1 => "About an hour",
            < 48 => $"{hours} hours",
            < 24 * 7 * 2 => $"{hours / 24} days",
            < 24 * 30 * 2 => $"{hours / 24 / 7} weeks",
            < 24 * 365 * 2 => $"{hours / 24 / 30} months",
            _ => $"{(long)(duration.TotalHours / 24 / 365)} years",
        };
    }

    private static string Seconds(DateTimeOffset time)
    {
        long ticks = time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks;
        return string.Create(CultureInfo.InvariantCulture, $"{ticks / TimeSpan.TicksPerSecond}.{ticks % TimeSpan.TicksPerSecond * 100:D9}");
    }
}
