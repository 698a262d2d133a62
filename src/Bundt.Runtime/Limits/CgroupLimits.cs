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
        Memory(resources.Memory, limits);
        Cpu(resources.Cpu, limits);
        if (resources.PidsLimit is { } pids)
        {
            limits.Add(new CgroupLimit("pids", "pids.max", pids <= 0 ? "max" : Text(pids), "the pids limit"));
        }

        BlockIo(resources.BlockIo, limits);
        foreach (var huge in resources.HugepageLimits)
        {
            limits.Add(new CgroupLimit("hugetlb", $"hugetlb.{huge.PageSize}.max", Text(huge.Limit), $"the {huge.PageSize} huge page limit"));
        }

        foreach (var (device, rdma) in resources.Rdma)
        {
            var value = device
                + (rdma.HcaHandles is { } handles ? $" hca_handle={handles}" : "")
                + (rdma.HcaObjects is { } objects ? $" hca_object={objects}" : "");
            limits.Add(new CgroupLimit("rdma", "rdma.max", value, "the RDMA limit"));
        }

        Unified(resources.Unified, limits);
        return limits;
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

        var limit = memory.Limit is 0 ? null : memory.Limit;
        if (memory.Swap is { } swap and not 0)
        {
            if (swap > 0 && limit is null or < 0)
            {
                throw Invalid("a limit of memory and swap together needs a memory limit");
            }

            if (swap > 0 && swap < limit)
            {
                throw Invalid($"the limit of memory and swap together ({swap}) is below the memory limit ({limit})");
            }

            limits.Add(new CgroupLimit("memory", "memory.swap.max", swap < 0 ? "max" : Text(swap - limit!.Value), "the swap limit"));
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

    private static void Cpu(CpuResources? cpu, List<CgroupLimit> limits)
    {
        if (cpu is null)
        {
            return;
        }

        if (cpu.RealtimePeriod is > 0 || cpu.RealtimeRuntime is not null and not 0)
        {
            throw Invalid("realtime CPU limits exist in cgroup v1 only");
        }

        if (cpu.Idle is { } idle)
        {
            limits.Add(new CgroupLimit("cpu", "cpu.idle", Text(idle), "cpu.idle"));
        }

        if (cpu.Shares is { } shares and not 0 && cpu.Idle is not 1)
        {
            limits.Add(new CgroupLimit("cpu", "cpu.weight", Text(Weight(shares)), "the CPU weight"));
        }

        if (cpu.Quota is not null and not 0 || cpu.Period is > 0)
        {
            var quota = cpu.Quota is > 0 ? Text(cpu.Quota.Value) : "max";
            limits.Add(new CgroupLimit("cpu", "cpu.max", $"{quota} {Text(cpu.Period is > 0 ? cpu.Period.Value : 100000)}", "the CPU limit"));
        }

        if (cpu.Burst is { } burst)
        {
            limits.Add(new CgroupLimit("cpu", "cpu.max.burst", Text(burst), "the CPU burst"));
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
            if (weight is < 10 or > 1000)
            {
                throw Invalid($"the block I/O weight must be from 10 to 1000, not {weight}");
            }

            // v1's 10 to 1000 onto v2's 1 to 10000.
            limits.Add(new CgroupLimit("io", "io.weight", Text(1 + (weight - 10) * 9999L / 990), "the block I/O weight"));
        }

        Throttle(block.ThrottleReadBps, "rbps", limits);
        Throttle(block.ThrottleWriteBps, "wbps", limits);
        Throttle(block.ThrottleReadIops, "riops", limits);
        Throttle(block.ThrottleWriteIops, "wiops", limits);
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
            if (dot <= 0 || file.Contains('/', StringComparison.Ordinal) || file.Contains("..", StringComparison.Ordinal))
            {
                throw Invalid($"linux.resources.unified: \"{file}\" is no file of a cgroup");
            }

            limits.Add(new CgroupLimit(file[..dot] == "cgroup" ? "" : file[..dot], file, value, file));
        }
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Text(ulong value) => value.ToString(CultureInfo.InvariantCulture);

    private static BundtException Invalid(string what) => new(FailureKind.InvalidArgument, Phase.Cgroup, what);
}
