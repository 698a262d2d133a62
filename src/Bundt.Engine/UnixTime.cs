using System.Globalization;

namespace Bundt.Engine;

/// <summary>Nanoseconds since 1970, as the monitor writes them, and .NET's time, which counts in hundreds of them.</summary>
internal static class UnixTime
{
    public static DateTimeOffset FromNanoseconds(long nanoseconds) => DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / 100);

    public static long ToNanoseconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks * 100;

    /// <summary>RFC 3339 with all nine digits, as Docker's logs show it.</summary>
    public static string ToText(long nanoseconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{FromNanoseconds(nanoseconds).UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffffff}{nanoseconds % 100:00}Z");
}
