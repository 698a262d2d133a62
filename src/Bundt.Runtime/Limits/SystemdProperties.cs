using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Systemd;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Limits;

/// <summary>
/// Limits as properties of a systemd unit (systemd.resource-control(5)), so that systemd, which writes a unit's files anew whenever it likes, writes
/// the same. What has no property stands in the files alone.
/// </summary>
public static class SystemdProperties
{
    private const ulong Infinity = ulong.MaxValue;
    private const long SecondInMicroseconds = 1_000_000, Percent = SecondInMicroseconds / 100;

    // More than any kernel is built for (NR_CPUS, MAX_NUMNODES).
    private const int MaximumIndex = 1 << 14;

    /// <summary>The properties; of two for the same thing the later one counts, as with the files.</summary>
    /// <exception cref="BundtException">InvalidArgument: a value is none that systemd can be given.</exception>
    public static IReadOnlyList<KeyValuePair<string, DBusValue>> From(IReadOnlyList<CgroupLimit> limits)
    {
        var properties = new OrderedDictionary<string, DBusValue>(StringComparer.Ordinal);
        var idle = limits.LastOrDefault(limit => limit.File == "cpu.idle")?.Value.Trim() == "1";
        foreach (var limit in limits)
        {
            switch (limit.File)
            {
                case "memory.max" or "memory.high" or "memory.low" or "memory.min":
                    properties["Memory" + char.ToUpperInvariant(limit.File[7]) + limit.File[8..]] = DBusValue.Of(Number(limit));
                    break;
                case "memory.swap.max":
                    properties["MemorySwapMax"] = DBusValue.Of(Number(limit));
                    break;
                case "pids.max":
                    properties["TasksMax"] = DBusValue.Of(Math.Max(Number(limit), 1));
                    break;
                case "cpu.idle" when idle:
                    properties["CPUWeight"] = DBusValue.Of(0UL); // systemd's word for idle (252)
                    break;
                case "cpu.weight" when !idle:
                    properties["CPUWeight"] = DBusValue.Of(Number(limit));
                    break;
                case "cpu.max":
                    Quota(limit, properties);
                    break;
                case "cpuset.cpus":
                    properties["AllowedCPUs"] = DBusValue.Of(Bits(limit));
                    break;
                case "cpuset.mems":
                    properties["AllowedMemoryNodes"] = DBusValue.Of(Bits(limit));
                    break;
                case "io.bfq.weight" or "io.weight" when !limit.Value.Contains(' ', StringComparison.Ordinal):
                    properties["IOWeight"] = DBusValue.Of(Number(limit.Otherwise ?? limit));
                    break;
            }
        }

        return [.. properties];
    }

    /// <summary>The quota rounded up to what systemd can express, whole percents of a CPU: the file then holds what systemd would write.</summary>
    public static LinuxResources Align(LinuxResources resources)
    {
        if (resources.Cpu is not { Quota: > 0 and var quota } cpu)
        {
            return resources;
        }

        var period = cpu.Period is > 0 and var given ? (long)Math.Min(given, long.MaxValue) : 100000;
        return resources with { Cpu = cpu with { Quota = (long)((Int128)PerSecond(quota, period) * period / SecondInMicroseconds) } };
    }

    private static void Quota(CgroupLimit limit, OrderedDictionary<string, DBusValue> properties)
    {
        var fields = limit.Value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        long period = 100000, quota = 0;
        if (fields.Length is not (1 or 2)
            || fields[0] != "max" && !long.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out quota)
            || fields.Length == 2 && (!long.TryParse(fields[1], NumberStyles.None, CultureInfo.InvariantCulture, out period) || period == 0))
        {
            throw Invalid(limit);
        }

        properties["CPUQuotaPeriodUSec"] = DBusValue.Of((ulong)period);
        properties["CPUQuotaPerSecUSec"] = DBusValue.Of(fields[0] == "max" ? Infinity : (ulong)PerSecond(quota, period));
    }

    private static long PerSecond(long quota, long period)
    {
        var exact = (Int128)quota * SecondInMicroseconds / period;
        return (long)Int128.Min((exact + Percent - 1) / Percent * Percent, long.MaxValue);
    }

    // "1,3-5" as a mask, the lowest byte first.
    private static byte[] Bits(CgroupLimit limit)
    {
        var mask = new byte[MaximumIndex / 8];
        var length = 0;
        foreach (var range in limit.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var dash = range.IndexOf('-', StringComparison.Ordinal);
            if (!int.TryParse(dash < 0 ? range : range[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(range.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || first > last || last >= MaximumIndex)
            {
                throw Invalid(limit);
            }

            for (var i = first; i <= last; i++)
            {
                mask[i / 8] |= (byte)(1 << i % 8);
                length = Math.Max(length, i / 8 + 1);
            }
        }

        return length > 0 ? mask[..length] : throw Invalid(limit);
    }

    private static ulong Number(CgroupLimit limit)
    {
        var text = limit.Value.AsSpan().Trim();
        return text is "max" ? Infinity
            : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
            : throw Invalid(limit);
    }

    private static BundtException Invalid(CgroupLimit limit) =>
        new(FailureKind.InvalidArgument, Phase.Cgroup, $"set {limit.Option} to {limit.Value}: systemd cannot be given this value");
}
