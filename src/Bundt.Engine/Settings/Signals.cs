using System.Globalization;
using Bundt.Linux;

namespace Bundt.Engine.Settings;

/// <summary>Signals by the names that users type (signal(7), generic numbering of x86 and arm).</summary>
internal static class Signals
{
    public const int Kill = 9;
    public const int Term = 15;

    private const int RealtimeMin = 34;
    private const int RealtimeMax = 64;

    private static readonly string[] s_names =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
        "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>"KILL", "SIGKILL", "9", "RTMIN+3" as a number.</summary>
    /// <exception cref="BundtException">InvalidArgument.</exception>
    public static int Parse(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number is > 0 and <= RealtimeMax ? number : throw Invalid(text);
        }

        var name = text.ToUpperInvariant();
        name = name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        number = Array.IndexOf(s_names, name);
        if (number > 0)
        {
            return number;
        }

        return name switch
        {
            "POLL" => 29,
            "IOT" => 6,
            "CLD" => 17,
            "RTMIN" => RealtimeMin,
            "RTMAX" => RealtimeMax,
            _ when Realtime(name, "RTMIN+", RealtimeMin, 1) is { } found => found,
            _ when Realtime(name, "RTMAX-", RealtimeMax, -1) is { } found => found,
            _ => throw Invalid(text),
        };
    }

    private static int? Realtime(string name, string prefix, int origin, int direction) =>
        name.StartsWith(prefix, StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var distance)
        && origin + (direction * distance) is var number and >= RealtimeMin and <= RealtimeMax
            ? number
            : null;

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, $"invalid signal: {text}");
}
