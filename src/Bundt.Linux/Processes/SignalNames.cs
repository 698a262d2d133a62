using System.Globalization;

namespace Bundt.Linux.Processes;

/// <summary>Signals by name (signal(7); x86 and arm agree).</summary>
public static class SignalNames
{
    /// <summary>SIGKILL.</summary>
    public const int Kill = 9;

    /// <summary>SIGTERM.</summary>
    public const int Term = 15;

    private const int RealtimeMin = 34, RealtimeMax = 64;

    private static readonly string[] s_names =
    [
        "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD",
        "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];

    /// <summary>The number of a name: "SIGTERM", "term", "15", "RTMIN+3".</summary>
    public static bool TryParse(string text, out int signal)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out signal))
        {
            return signal is > 0 and <= RealtimeMax;
        }

        var name = text.ToUpperInvariant();
        name = name.StartsWith("SIG", StringComparison.Ordinal) ? name[3..] : name;
        signal = name switch
        {
            "" => -1,
            "POLL" => 29,
            "IOT" => 6,
            "CLD" => 17,
            "RTMIN" => RealtimeMin,
            "RTMAX" => RealtimeMax,
            _ => Array.IndexOf(s_names, name),
        };
        if (signal < 0 && name.Length > 6 && int.TryParse(name.AsSpan(6), NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
        {
            signal = name[..6] switch
            {
                "RTMIN+" => RealtimeMin + offset,
                "RTMAX-" => RealtimeMax - offset,
                _ => -1,
            };
            return signal is >= RealtimeMin and <= RealtimeMax;
        }

        return signal > 0;
    }

    /// <summary>"SIGTERM" for 15.</summary>
    public static string Of(int signal) =>
        signal > 0 && signal < s_names.Length ? "SIG" + s_names[signal]
        : signal is >= RealtimeMin and <= RealtimeMax ? "SIGRTMIN+" + (signal - RealtimeMin).ToString(CultureInfo.InvariantCulture)
        : signal.ToString(CultureInfo.InvariantCulture);
}
