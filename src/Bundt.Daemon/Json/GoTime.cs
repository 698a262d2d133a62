using System.Globalization;

namespace Bundt.Daemon.Json;

/// <summary>Times as Go writes them: RFC 3339 with up to nine digits, the year 1 for "never".</summary>
internal static class GoTime
{
    /// <summary>Go's zero time.</summary>
    public const string Zero = "0001-01-01T00:00:00Z";

    /// <summary>UTC, trailing zeros cut off.</summary>
    public static string Format(DateTimeOffset? time) =>
        time is { } value && value != default ? value.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture) : Zero;

    /// <summary>Nanoseconds since 1970.</summary>
    public static long UnixNanoseconds(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) * 100;

    /// <summary>
    /// A time parameter: seconds since 1970 with an optional fraction, RFC 3339 with or without a zone, a date, or a duration back from now ("10m", "1h30m").
    /// Null for "" and "0".
    /// </summary>
    /// <exception cref="Linux.BundtException">InvalidArgument.</exception>
    public static DateTimeOffset? Parse(string text, string parameter, DateTimeOffset now)
    {
        if (text.Length == 0 || text == "0")
        {
            return null;
        }

        if (decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds)
            && seconds is > -62_135_596_800m and < 253_402_300_800m)
        {
            return DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond));
        }

        if (GoDuration.TryParse(text, out TimeSpan back))
        {
            return now - back;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time
            : throw Server.ApiRequest.Malformed($"invalid value for {parameter}: \"{text}\" is neither a Unix time nor RFC 3339");
    }
}
