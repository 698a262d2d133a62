using System.Globalization;
using Bundt.Cli.CommandLine;

namespace Bundt.Cli.Values;

/// <summary>A <c>--ulimit name=soft[:hard]</c>; -1 is unlimited.</summary>
internal readonly record struct Ulimit(string Name, long Soft, long Hard)
{
    private static readonly string[] s_names =
        ["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"];

    /// <summary>Reads one.</summary>
    /// <exception cref="UsageException">It is none; in docker's words.</exception>
    public static Ulimit Parse(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        if (equals < 0)
        {
            throw Invalid(text, "invalid ulimit argument: " + text);
        }

        string name = text[..equals];
        if (!s_names.Contains(name))
        {
            throw Invalid(text, "invalid ulimit type: " + name);
        }

        string[] limits = text[(equals + 1)..].Split(':');
        if (limits.Length > 2)
        {
            throw Invalid(text, "too many limit value arguments - " + text[(equals + 1)..] + ", can only have up to two, `soft[:hard]`");
        }

        long soft = Number(text, limits[0]);
        long hard = limits.Length == 2 ? Number(text, limits[1]) : soft;
        if (hard != -1 && (soft == -1 || soft > hard))
        {
            throw Invalid(text, soft == -1
                ? $"ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: {hard}"
                : $"ulimit soft limit must be less than or equal to hard limit: {soft} > {hard}");
        }

        return new Ulimit(name, soft, hard);
    }

    private static long Number(string text, string number) =>
        long.TryParse(number, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= -1
            ? value
            : throw Invalid(text, $"strconv.ParseInt: parsing \"{number}\": invalid syntax");

    private static UsageException Invalid(string text, string why) => new($"invalid argument \"{text}\" for \"--ulimit\" flag: {why}");
}
