using System.Globalization;
using System.Text.Json;
using Bundt.Linux.Cgroups;

namespace Bundt.Runtime.Statistics;

/// <summary>
/// What a container's cgroup has used, as the data of a "stats" event: names, order and units are those of runc's "events" command, which speaks
/// cgroup v1. Times are nanoseconds, sizes bytes, "no limit" is 2^64-1 (0 for pids); what is zero is left out where runc leaves it out.
/// </summary>
public static class CgroupStatistics
{
    // What cgroup v2's cpuset does not have stands there as 0.
    private static readonly string[] s_cpusetOfV1 =
    [
        "cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page", "memory_spread_slab", "memory_pressure",
        "sched_load_balance", "sched_relax_domain_level",
    ];

    /// <summary>Writes the object.</summary>
    public static void Write(Utf8JsonWriter json, Cgroup cgroup)
    {
        json.WriteStartObject();
        Cpu(json, cgroup);
        json.WriteStartObject("cpuset");
        foreach (var name in s_cpusetOfV1)
        {
            json.WriteNumber(name, 0);
        }

        json.WriteEndObject();
        Memory(json, cgroup);
        Pids(json, cgroup);
        BlockIo(json, cgroup);
        HugePages(json, cgroup);
        json.WriteStartObject("intel_rdt");
        json.WriteEndObject();
        json.WriteNull("network_interfaces");
        json.WriteEndObject();
    }

    private static void Cpu(Utf8JsonWriter json, Cgroup cgroup)
    {
        var stat = Table(cgroup.Read("cpu.stat"));
        ulong total = Microseconds(stat, "usage_usec"), kernel = Microseconds(stat, "system_usec"), user = Microseconds(stat, "user_usec");
        json.WriteStartObject("cpu");
        if (total + kernel + user > 0)
        {
            json.WriteStartObject("usage");
            NotZero(json, "total", total);
            json.WriteNumber("kernel", kernel);
            json.WriteNumber("user", user);
            json.WriteEndObject();
        }

        ulong periods = stat.GetValueOrDefault("nr_periods"), throttled = stat.GetValueOrDefault("nr_throttled");
        var time = Microseconds(stat, "throttled_usec");
        if (periods + throttled + time > 0)
        {
            json.WriteStartObject("throttling");
            NotZero(json, "periods", periods);
            NotZero(json, "throttledPeriods", throttled);
            NotZero(json, "throttledTime", time);
            json.WriteEndObject();
        }

        Pressure(json, cgroup.Read("cpu.pressure"));
        json.WriteEndObject();
    }

    private static void Memory(Utf8JsonWriter json, Cgroup cgroup)
    {
        var stat = Table(cgroup.Read("memory.stat"));
        json.WriteStartObject("memory");
        NotZero(json, "cache", stat.GetValueOrDefault("file"));
        ulong usage = Number(cgroup.Read("memory.current")), limit = Number(cgroup.Read("memory.max"));
        MemoryEntry(json, "usage", limit, usage, Number(cgroup.Read("memory.peak")));
        if (cgroup.Read("memory.swap.current") is { } swap)
        {
            // Memory and swap together, as in cgroup v1.
            var swapLimit = Number(cgroup.Read("memory.swap.max"));
            MemoryEntry(json, "swap", swapLimit == ulong.MaxValue ? swapLimit : unchecked(swapLimit + limit), Number(swap) + usage, 0);
        }
        else
        {
            MemoryEntry(json, "swap", limit, usage, 0);
        }

        if (stat.Count > 0)
        {
            json.WriteStartObject("raw");
            foreach (var (name, value) in stat)
            {
                json.WriteNumber(name, value);
            }

            json.WriteEndObject();
        }

        Pressure(json, cgroup.Read("memory.pressure"));
        json.WriteEndObject();
    }

    private static void MemoryEntry(Utf8JsonWriter json, string name, ulong limit, ulong usage, ulong max)
    {
        if (limit == 0 && usage == 0 && max == 0)
        {
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("limit", limit);
        NotZero(json, "usage", usage);
        NotZero(json, "max", max);
        json.WriteNumber("failcnt", 0);
        json.WriteEndObject();
    }

    private static void Pids(Utf8JsonWriter json, Cgroup cgroup)
    {
        json.WriteStartObject("pids");
        if (cgroup.Read("pids.current") is { } current)
        {
            NotZero(json, "current", Number(current));
            var limit = Number(cgroup.Read("pids.max"));
            NotZero(json, "limit", limit == ulong.MaxValue ? 0 : limit);
        }
        else
        {
            // Without the controller: the processes in this very cgroup.
            NotZero(json, "current", (ulong)((cgroup.Read("cgroup.procs") ?? cgroup.Read("cgroup.threads"))?.Count(c => c == '\n') ?? 0));
        }

        json.WriteEndObject();
    }

    private static void BlockIo(Utf8JsonWriter json, Cgroup cgroup)
    {
        var lines = (cgroup.Read("io.stat") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        json.WriteStartObject("blkio");
        Operations(json, "ioServiceBytesRecursive", lines, "rbytes=", "wbytes=");
        Operations(json, "ioServicedRecursive", lines, "rios=", "wios=");
        Pressure(json, cgroup.Read("io.pressure"));
        json.WriteEndObject();
    }

    // "8:0 rbytes=… wbytes=… rios=… wios=… dbytes=… dios=…" by device.
    private static void Operations(Utf8JsonWriter json, string name, string[] lines, string read, string write)
    {
        var begun = false;
        foreach (var line in lines)
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields[0].Split(':') is not [var major, var minor])
            {
                continue;
            }

            foreach (var field in fields)
            {
                var operation = field.StartsWith(read, StringComparison.Ordinal) ? "Read" : field.StartsWith(write, StringComparison.Ordinal) ? "Write" : null;
                if (operation is null)
                {
                    continue;
                }

                if (!begun)
                {
                    json.WriteStartArray(name);
                    begun = true;
                }

                json.WriteStartObject();
                NotZero(json, "major", Number(major));
                NotZero(json, "minor", Number(minor));
                json.WriteString("op", operation);
                NotZero(json, "value", Number(field[(field.IndexOf('=', StringComparison.Ordinal) + 1)..]));
                json.WriteEndObject();
            }
        }

        if (begun)
        {
            json.WriteEndArray();
        }
    }

    private static void HugePages(Utf8JsonWriter json, Cgroup cgroup)
    {
        json.WriteStartObject("hugetlb");
        foreach (var size in cgroup.HugePageSizes().Order(StringComparer.Ordinal))
        {
            json.WriteStartObject(size);
            NotZero(json, "usage", Number(cgroup.Read($"hugetlb.{size}.rsvd.current") ?? cgroup.Read($"hugetlb.{size}.current")));
            json.WriteNumber("failcnt", Number(cgroup.ReadKey($"hugetlb.{size}.events", "max")));
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    // "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", "full …" (Documentation/accounting/psi.rst). What is all zero is left out.
    private static void Pressure(Utf8JsonWriter json, string? text)
    {
        if (text is null)
        {
            return;
        }

        json.WriteStartObject("psi");
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is not [var kind, .. var fields] || fields.All(IsZero))
            {
                continue;
            }

            json.WriteStartObject(kind);
            foreach (var field in fields)
            {
                if (field.Split('=') is [var name, var value])
                {
                    if (name == "total")
                    {
                        json.WriteNumber(name, Number(value));
                    }
                    else
                    {
                        json.WriteNumber(name, double.Parse(value, CultureInfo.InvariantCulture));
                    }
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static bool IsZero(string field) => !field.AsSpan(field.IndexOf('=', StringComparison.Ordinal) + 1).ContainsAnyInRange('1', '9');

    // "key value" lines, in the order of their keys, as Go writes a map.
    private static SortedDictionary<string, ulong> Table(string? text)
    {
        var table = new SortedDictionary<string, ulong>(StringComparer.Ordinal);
        foreach (var line in (text ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is [var key, var value])
            {
                table[key] = Number(value);
            }
        }

        return table;
    }

    private static ulong Microseconds(SortedDictionary<string, ulong> stat, string key) => stat.GetValueOrDefault(key) * 1000;

    private static ulong Number(string? text) =>
        text is null ? 0 : text.AsSpan().Trim() is "max" ? ulong.MaxValue : ulong.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static void NotZero(Utf8JsonWriter json, string name, ulong value)
    {
        if (value != 0)
        {
            json.WriteNumber(name, value);
        }
    }
}
