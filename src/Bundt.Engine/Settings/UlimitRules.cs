using System.Globalization;
using Bundt.Linux.Capabilities;

namespace Bundt.Engine.Settings;

/// <summary>Which rlimits a container cannot be given: nobody raises a hard limit above his own without CAP_SYS_RESOURCE (setrlimit(2)).</summary>
internal static class UlimitRules
{
    private const int SysResource = 24;

    /// <summary>A sentence for each limit that will be lower than asked for.</summary>
    /// <param name="wanted">What is asked for.</param>
    /// <param name="own">The content of the daemon's /proc/self/limits.</param>
    public static IEnumerable<string> Warnings(IReadOnlyList<UlimitSettings> wanted, string own)
    {
        foreach (var limit in wanted)
        {
            if (HardLimit(own, limit.Name) is { } hard && (limit.Hard == -1 || limit.Hard > hard))
            {
                yield return $"ulimit {limit.Name}: {(limit.Hard == -1 ? "unlimited" : limit.Hard.ToString(CultureInfo.InvariantCulture))} is above the daemon's own hard limit, which it may not raise: the container gets {hard}";
            }
        }
    }

    /// <summary>The same for this daemon; none where it may raise its limits.</summary>
    public static IEnumerable<string> Warnings(IReadOnlyList<UlimitSettings> wanted) =>
        wanted.Count == 0 || CapabilitySet.Own.Contains(SysResource) ? [] : Warnings(wanted, File.ReadAllText("/proc/self/limits"));

    /// <summary>Null: unlimited.</summary>
    private static long? HardLimit(string limits, string name)
    {
        var title = name switch
        {
            "core" => "Max core file size",
            "cpu" => "Max cpu time",
            "data" => "Max data size",
            "fsize" => "Max file size",
            "locks" => "Max file locks",
            "memlock" => "Max locked memory",
            "msgqueue" => "Max msgqueue size",
            "nice" => "Max nice priority",
            "nofile" => "Max open files",
            "nproc" => "Max processes",
            "rss" => "Max resident set",
            "rtprio" => "Max realtime priority",
            "rttime" => "Max realtime timeout",
            "sigpending" => "Max pending signals",
            _ => "Max stack size",
        };
        var line = limits.Split('\n').FirstOrDefault(l => l.StartsWith(title, StringComparison.Ordinal));
        return line?[title.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, var hard, ..]
            && long.TryParse(hard, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
