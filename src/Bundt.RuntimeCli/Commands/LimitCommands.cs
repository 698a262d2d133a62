using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Containers;
using Bundt.Runtime.Statistics;

namespace Bundt.RuntimeCli.Commands;

/// <summary>update and events.</summary>
internal static class LimitCommands
{
    public static readonly string[] UpdateOptions =
    [
        "resources|r=", "memory=", "memory-reservation=", "memory-swap=", "kernel-memory=", "kernel-memory-tcp=", "cpu-share=", "cpu-shares=", "cpu-quota=",
        "cpu-period=", "cpu-burst=", "cpu-idle=", "cpu-rt-period=", "cpu-rt-runtime=", "cpuset-cpus=", "cpuset-mems=", "blkio-weight=", "pids-limit=",
        "l3-cache-schema=", "mem-bw-schema=", "help|h",
    ];

    private const double LeastInterval = 0.001, MostInterval = 2400 * 3600; // seconds

    public static int Update(Invocation invocation, CommandOptions options)
    {
        var container = invocation.Open(options);
        if (options.Value("l3-cache-schema") is not null || options.Value("mem-bw-schema") is not null)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "Intel RDT: the container was created without linux.intelRdt");
        }

        container.Update(options.Value("resources") is { } file ? Read(file) : FromOptions(options));
        return 0;
    }

    public static int Events(Invocation invocation, CommandOptions options)
    {
        var container = invocation.Open(options);
        using var cgroup = container.Cgroup();
        if (options.Flag("stats"))
        {
            Print(container.Record.Id, "stats", cgroup);
            return 0;
        }

        var interval = Interval(options.Value("interval") ?? "5s");
        using var watch = cgroup.WatchOom();
        var next = Stopwatch.GetTimestamp();
        while (true)
        {
            var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next);
            switch (watch.Wait(left > TimeSpan.Zero ? left : TimeSpan.Zero))
            {
                case OomChange.Killed:
                    Print(container.Record.Id, "oom", null);
                    break;
                case OomChange.Empty:
                    return 0;
                default:
                    Print(container.Record.Id, "stats", cgroup);
                    next = Stopwatch.GetTimestamp() + (long)(interval.TotalSeconds * Stopwatch.Frequency);
                    break;
            }
        }
    }

    private static void Print(string id, string type, Cgroup? statistics)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("id", id);
            if (statistics is not null)
            {
                json.WritePropertyName("data");
                CgroupStatistics.Write(json, statistics);
            }

            json.WriteEndObject();
        }

        Streams.Out([.. buffer.WrittenSpan, (byte)'\n']);
    }

    // As Go writes durations: "100ms", "1.5s", "2m".
    private static TimeSpan Interval(string text)
    {
        var unit = text.TrimStart("0123456789.".ToCharArray());
        var factor = unit switch
        {
            "ms" => 0.001,
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => 0,
        };
        var seconds = double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number * factor : 0;
        return seconds is >= LeastInterval and <= MostInterval
            ? TimeSpan.FromSeconds(seconds)
            : throw CommandOptions.Usage($"--interval must be a duration from 1ms to 2400h such as 5s or 100ms, not {text}");
    }

    private static LinuxResources Read(string file)
    {
        var json = file == "-" ? InputFile.ReadStdin() : InputFile.Read(file);
        try
        {
            return RuntimeConfigReader.ReadResources(json);
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"resources: {e.Message}", null, e);
        }
    }

    private static LinuxResources FromOptions(CommandOptions options) => new()
    {
        Memory = new MemoryResources
        {
            Limit = options.Number("memory", -1),
            Reservation = options.Number("memory-reservation", -1),
            Swap = options.Number("memory-swap", -1),
        },
        Cpu = new CpuResources
        {
            Shares = (ulong?)(options.Number("cpu-share", 0) ?? options.Number("cpu-shares", 0)),
            Quota = options.Number("cpu-quota", -1),
            Period = (ulong?)options.Number("cpu-period", 0),
            Burst = (ulong?)options.Number("cpu-burst", 0),
            Idle = options.Number("cpu-idle", 0, 1),
            RealtimePeriod = (ulong?)options.Number("cpu-rt-period", 0),
            RealtimeRuntime = options.Number("cpu-rt-runtime"),
            Cpus = options.Value("cpuset-cpus"),
            Mems = options.Value("cpuset-mems"),
        },
        BlockIo = options.Number("blkio-weight", 0, 1000) is { } weight ? new BlockIoResources { Weight = (int)weight } : null,
        PidsLimit = options.Number("pids-limit", -1),
    };
}
