using System.Globalization;
using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Limits;

/// <summary>From the limits of a config, which speak cgroup v1, to files of cgroup v2 (runtime-spec config-linux.md, "unified").</summary>
public static class CgroupLimits
{
    /// <summary>The limits in the order in which they are written.</summary>
    /// <exception cref="BundtException">InvalidArgument: a value out of range, or one that cgroup v2 does not have.</exception>
    public static IReadOnlyList<CgroupLimit> From(LinuxResources resources)
    {
        var limits = new List<CgroupLimit>();
        if (resources.PidsLimit is { } pids)
        {
            // 0 is what podman writes for "unlimited", and what crun and runc up to 1.3 take it for; later ones make it 1.
            limits.Add(new CgroupLimit("pids", "pids.max", pids <= 0 ? "max" : Text(pids), "the pids limit"));
        }

        Memory(resources.Memory, limits);
        BlockIo(resources.BlockIo, limits);
        Cpu(resources.Cpu, limits);
        foreach (var huge in resources.HugepageLimits)
        {
            var option = $"the {huge.PageSize} huge page limit";
            limits.Add(new CgroupLimit("hugetlb", $"hugetlb.{huge.PageSize}.max", Text(huge.Limit), option));
            limits.Add(new CgroupLimit("hugetlb", $"hugetlb.{huge.PageSize}.rsvd.max", Text(huge.Limit), option) { Tolerated = Errno.ENOENT });
        }

        foreach (var (device, rdma) in resources.Rdma)
        {
            var value = device
                + (rdma.HcaHandles is { } handles ? $" hca_handle={handles}" : "")
                + (rdma.HcaObjects is { } objects ? $" hca_object={objects}" : "");
            limits.Add(new CgroupLimit("rdma", "rdma.max", value, "the RDMA limit"));
        }

        if (resources.Network is { ClassId: not null and not 0 } or { Priorities.Count: > 0 })
        {
            throw Invalid("network classes and priorities are not supported on cgroup v2");
        }

        Unified(resources.Unified, limits);
        return limits;
    }

    /// <summary>
    /// Completes an update by what the cgroup has now where one file holds two of the config's values (quota and period; memory, and memory with
    /// swap), so that the one which is not given stays as it is.
    /// </summary>
    /// <param name="resources">What is to change.</param>
    /// <param name="read">Reads a file of the cgroup; null when it does not exist.</param>
    /// <exception cref="BundtException">InvalidArgument: checkBeforeUpdate is set, and the new limit is below what is in use.</exception>
    public static LinuxResources Complete(LinuxResources resources, Func<string, string?> read)
    {
        if (resources.Memory is { } memory)
        {
            CheckUsage(memory, read);
            resources = resources with { Memory = Complete(memory, Number(read("memory.max")), Number(read("memory.swap.max"))) };
        }

        if (resources.Cpu is { } cpu && (cpu.Quota is not null and not 0) != cpu.Period is > 0 && read("cpu.max")?.TrimEnd().Split(' ') is [var quota, var period])
        {
            resources = resources with
            {
                Cpu = cpu.Period is > 0 ? cpu with { Quota = Number(quota) } : cpu with { Period = (ulong?)Number(period) },
            };
        }

        return resources;
    }

    /// <summary>cgroup v1's shares (2 to 262144) as v2's weight (1 to 10000): 1024 is 100, and both ends meet (runc 1.3.2, crun 1.23).</summary>
    public static int Weight(ulong shares)
    {
        var clamped = Math.Clamp(shares, 2, 262144);
        var l = Math.Log2(clamped);
        return (int)Math.Clamp(Math.Ceiling(Math.Pow(10, (l * l + 125 * l) / 612 - 7.0 / 34)), 1, 10000);
    }

    private static void Memory(MemoryResources? memory, List<CgroupLimit> limits)
    {
        if (memory is null)
        {
            return;
        }

        if (memory.Swappiness is not null)
        {
            throw Invalid("memory swappiness is not supported on cgroup v2");
        }

        if (memory.DisableOomKiller is true)
        {
            throw Invalid("the OOM killer cannot be disabled on cgroup v2");
        }

        var limit = memory.Limit is 0 ? null : memory.Limit;
        if (Swap(memory.Swap, memory.Limit) is { } swap)
        {
            // Without swap there is nothing to allow or to forbid.
            limits.Add(new CgroupLimit("memory", "memory.swap.max", swap, "the swap limit") { Tolerated = swap is "max" or "0" ? Errno.ENOENT : Errno.None });
        }

        if (limit is { } value)
        {
            limits.Add(new CgroupLimit("memory", "memory.max", value < 0 ? "max" : Text(value), "the memory limit"));
        }

        if (memory.Reservation is { } reservation and not 0)
        {
            limits.Add(new CgroupLimit("memory", "memory.low", reservation < 0 ? "max" : Text(reservation), "the memory reservation"));
        }
    }

    // The config's swap is memory and swap together, the file's is swap alone.
    private static string? Swap(long? both, long? limit) => (both, limit) switch
    {
        (null or 0, -1) => "max",             // as with cgroup v1: unlimited memory is unlimited swap, unless said otherwise
        (0, null) => "0",                     // no swap (crun); with a limit it is what Go programs write for "unset"
        (null or 0, _) => null,
        ( < 0, _) => "max",
        (_, -1) => Text(both.Value),
        (_, null or 0) => throw Invalid("unable to set swap limit without memory limit"),
        (_, < 0) => throw Invalid($"invalid memory limit {limit}"),
        _ when both < limit => throw Invalid($"memory+swap limit ({both}) should be >= memory limit ({limit})"),
        _ => Text(both.Value - limit.Value),
    };

    private static MemoryResources Complete(MemoryResources memory, long? limit, long? swap)
    {
        if (memory.Swap is > 0 && memory.Limit is null or 0)
        {
            return memory with { Limit = limit ?? -1 };
        }

        // A limit of both, which was given before, goes on to hold for both.
        return memory.Limit is > 0 && memory.Swap is null or 0 && swap is not null && limit is not null ? memory with { Swap = limit > long.MaxValue - swap ? -1 : limit + swap } : memory;
    }

    private static void CheckUsage(MemoryResources memory, Func<string, string?> read)
    {
        if (memory.CheckBeforeUpdate is not true || Number(read("memory.current")) is not { } usage)
        {
            return;
        }

        if (memory.Swap is > 0 && memory.Swap <= usage)
        {
            throw Invalid($"rejecting memory+swap limit {memory.Swap} <= usage {usage}");
        }

        if (memory.Limit is > 0 && memory.Limit <= usage)
        {
            throw Invalid($"rejecting memory limit {memory.Limit} <= usage {usage}");
        }
    }

    private static void Cpu(CpuResources? cpu, List<CgroupLimit> limits)
    {
        if (cpu is null)
        {
            return;
        }

        if (cpu.RealtimePeriod is > 0 || cpu.RealtimeRuntime is not null and not 0)
        {
            throw Invalid("realtime CPU limits are not supported on cgroup v2");
        }

        if (cpu.Idle is { } idle)
        {
            limits.Add(new CgroupLimit("cpu", "cpu.idle", Text(idle), "cpu.idle"));
        }

        if (cpu.Shares is { } shares and not 0 && cpu.Idle is not 1)
        {
            limits.Add(new CgroupLimit("cpu", "cpu.weight", Text(Weight(shares)), "the CPU weight"));
        }

        var burst = cpu.Burst is { } microseconds ? new CgroupLimit("cpu", "cpu.max.burst", Text(microseconds), "the CPU burst") : null;
        if (cpu.Quota is not null and not 0 || cpu.Period is > 0)
        {
            // The burst is at most the quota: a smaller one must be written before a smaller quota, a greater one after a greater quota.
            if (burst is not null)
            {
                limits.Add(burst with { Tolerated = Errno.EINVAL });
            }

            var quota = cpu.Quota is > 0 ? Text(cpu.Quota.Value) : "max";
            limits.Add(new CgroupLimit("cpu", "cpu.max", $"{quota} {Text(cpu.Period is > 0 ? cpu.Period.Value : 100000)}", "the CPU limit"));
        }

        if (burst is not null)
        {
            limits.Add(burst);
        }

        if (!string.IsNullOrEmpty(cpu.Cpus))
        {
            limits.Add(new CgroupLimit("cpuset", "cpuset.cpus", cpu.Cpus, "the CPU set"));
        }

        if (!string.IsNullOrEmpty(cpu.Mems))
        {
            limits.Add(new CgroupLimit("cpuset", "cpuset.mems", cpu.Mems, "the memory node set"));
        }
    }

    private static void BlockIo(BlockIoResources? block, List<CgroupLimit> limits)
    {
        if (block is null)
        {
            return;
        }

        if (block.Weight is { } weight and not 0)
        {
            Weight("", weight, "the block I/O weight", limits);
        }

        foreach (var device in block.WeightDevices)
        {
            if (device.Weight is { } own and not 0)
            {
                Weight($"{device.Major}:{device.Minor} ", own, $"the block I/O weight of {device.Major}:{device.Minor}", limits);
            }
        }

        Throttle(block.ThrottleReadBps, "rbps", limits);
        Throttle(block.ThrottleWriteBps, "wbps", limits);
        Throttle(block.ThrottleReadIops, "riops", limits);
        Throttle(block.ThrottleWriteIops, "wiops", limits);
    }

    private static void Weight(string device, int weight, string option, List<CgroupLimit> limits)
    {
        if (weight is < 10 or > 1000)
        {
            throw Invalid($"{option} must be from 10 to 1000, not {weight}");
        }

        // BFQ, where it is the scheduler, has v1's scale; else v1's 10 to 1000 onto v2's 1 to 10000.
        limits.Add(new CgroupLimit("io", "io.bfq.weight", device + Text(weight), option)
        {
            Otherwise = new CgroupLimit("io", "io.weight", device + Text(1 + (weight - 10) * 9999L / 990), option),
        });
    }

    private static void Throttle(IReadOnlyList<ThrottleDevice> devices, string key, List<CgroupLimit> limits)
    {
        foreach (var device in devices)
        {
            limits.Add(new CgroupLimit(
                "io", "io.max", $"{device.Major}:{device.Minor} {key}={(device.Rate == 0 ? "max" : Text(device.Rate))}", "the block I/O rate"));
        }
    }

    private static void Unified(IReadOnlyDictionary<string, string> unified, List<CgroupLimit> limits)
    {
        foreach (var (file, value) in unified)
        {
            var dot = file.IndexOf('.', StringComparison.Ordinal);
            if (file.Contains('/', StringComparison.Ordinal))
            {
                throw Invalid($"linux.resources.unified: \"{file}\" must be a file name without any slash");
            }

            if (dot <= 0 || dot == file.Length - 1)
            {
                throw Invalid($"linux.resources.unified: the specified key has not the form CONTROLLER.VALUE `{file}`");
            }

            // Each line is a command of its own (io.max).
            foreach (var line in value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                limits.Add(new CgroupLimit(file[..dot] == "cgroup" ? "" : file[..dot], file, line, file));
            }
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    private static long? Number(string? text) =>
        long.TryParse(text.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static BundtException Invalid(string what) => new(FailureKind.InvalidArgument, Phase.Cgroup, what);
}
