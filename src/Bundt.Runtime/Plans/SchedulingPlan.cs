using System.Buffers.Binary;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>When and where the process runs: CPUs, memory nodes, scheduling policy, I/O priority.</summary>
internal static class SchedulingPlan
{
    private const int AttributesSize = 56; // struct sched_attr since Linux 5.3

    private static readonly byte[] s_everyCpu = [.. Enumerable.Repeat((byte)0xff, 1024)];

    private static readonly string[] s_policies = ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE"];

    private static readonly string[] s_flags =
    [
        "SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM", "SCHED_FLAG_DL_OVERRUN", "SCHED_FLAG_KEEP_POLICY", "SCHED_FLAG_KEEP_PARAMS",
        "SCHED_FLAG_UTIL_CLAMP_MIN", "SCHED_FLAG_UTIL_CLAMP_MAX",
    ];

    /// <summary>The modes of linux.memoryPolicy, by the kernel's number.</summary>
    internal static IReadOnlyList<string> MemoryModes { get; } =
    [
        "MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE",
    ];

    /// <summary>The flags of linux.memoryPolicy, from bit 13 on.</summary>
    internal static IReadOnlyList<string> MemoryFlags { get; } = ["MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES"];

    /// <summary>The CPUs of an exec while it enters the container: the launcher's own, from before its child joins the cgroup.</summary>
    internal static void Enter(PlanScope scope)
    {
        if (scope.Process.ExecCpuAffinity?.Initial is { } initial)
        {
            scope.Plan.Prepare.Affinity(NumberList.Parse(initial, "process.execCPUAffinity.initial"), PlanTolerate.None);
        }
    }

    /// <summary>What the process sets for itself.</summary>
    /// <param name="scope">The plan so far.</param>
    /// <param name="isExec">It is an exec's, whose CPUs the config may name.</param>
    internal static void Prepare(PlanScope scope, bool isExec)
    {
        var affinity = isExec ? scope.Process.ExecCpuAffinity : null;
        if (affinity?.Final is { } final)
        {
            scope.Preparing.Affinity(NumberList.Parse(final, "process.execCPUAffinity.final"), PlanTolerate.None);
        }
        else if (affinity?.Initial is null)
        {
            // Not the caller's CPUs: all that the cgroup allows.
            scope.Preparing.Affinity(s_everyCpu, PlanTolerate.Unsupported | PlanTolerate.Refused);
        }

        if (scope.Linux.MemoryPolicy is { } policy)
        {
            Memory(scope, policy);
        }
    }

    /// <summary>What takes rights in the host's user namespace: done by the process itself, or to it by the supervisor.</summary>
    internal static void Privileged(PlanScope scope, OperationList list)
    {
        if (scope.Process.IoPriority is { } io)
        {
            var ioClass = io.Class switch
            {
                "IOPRIO_CLASS_RT" => 1UL,
                "IOPRIO_CLASS_BE" => 2UL,
                "IOPRIO_CLASS_IDLE" => 3UL,
                _ => throw PlanScope.Invalid($"process.ioPriority.class: \"{io.Class}\" is no I/O priority class"),
            };
            list.Simple(PlanCode.Ioprio, ioClass << 13 | (uint)io.Priority);
        }

        if (scope.Process.Scheduler is { } scheduler)
        {
            var cpus = scope.Linux.Resources?.Cpu?.Cpus;
            list.Scheduler(
                Attributes(scheduler), scheduler.Policy,
                string.IsNullOrEmpty(cpus) ? null : "process scheduler can't be used together with AllowedCPUs (linux.resources.cpu.cpus)");
        }
    }

    private static byte[] Attributes(ProcessScheduler scheduler)
    {
        Check(scheduler);
        ulong flags = 0;
        foreach (var name in scheduler.Flags)
        {
            var number = Array.IndexOf(s_flags, name);
            flags |= number >= 0 ? 1UL << number : throw PlanScope.Invalid($"process.scheduler.flags: invalid scheduler flag: {name}");
        }

        var attributes = new byte[AttributesSize];
        BinaryPrimitives.WriteInt32LittleEndian(attributes, AttributesSize);
        BinaryPrimitives.WriteInt32LittleEndian(attributes.AsSpan(4), Array.IndexOf(s_policies, scheduler.Policy));
        BinaryPrimitives.WriteUInt64LittleEndian(attributes.AsSpan(8), flags);
        BinaryPrimitives.WriteInt32LittleEndian(attributes.AsSpan(16), scheduler.Nice);
        BinaryPrimitives.WriteInt32LittleEndian(attributes.AsSpan(20), scheduler.Priority);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes.AsSpan(24), scheduler.Runtime ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes.AsSpan(32), scheduler.Deadline ?? 0);
        BinaryPrimitives.WriteUInt64LittleEndian(attributes.AsSpan(40), scheduler.Period);
        return attributes;
    }

    private static void Check(ProcessScheduler scheduler)
    {
        if (!s_policies.Contains(scheduler.Policy))
        {
            throw PlanScope.Invalid($"process.scheduler.policy: invalid scheduler policy: {scheduler.Policy}");
        }

        if (scheduler.Policy is "SCHED_OTHER" or "SCHED_BATCH" && scheduler.Nice is < -20 or > 19)
        {
            throw PlanScope.Invalid($"process.scheduler.nice: {scheduler.Nice} is not between -20 and 19");
        }

        if (scheduler.Priority != 0 && scheduler.Policy is not ("SCHED_FIFO" or "SCHED_RR"))
        {
            throw PlanScope.Invalid("process.scheduler.priority can only be specified for SCHED_FIFO or SCHED_RR");
        }

        if (scheduler.Policy == "SCHED_DEADLINE")
        {
            CheckDeadline(scheduler);
        }
        else if (scheduler.Runtime is > 0 || scheduler.Deadline is > 0 || scheduler.Period > 0)
        {
            throw PlanScope.Invalid("process.scheduler: runtime, deadline and period can only be specified for SCHED_DEADLINE");
        }
    }

    // The kernel says EINVAL to all of it (sched(7), "SCHED_DEADLINE"). The words are crun's, whose tests look for them.
    private static void CheckDeadline(ProcessScheduler scheduler)
    {
        const string Call = "process.scheduler: sched_setattr: `SCHED_DEADLINE`";
        var runtime = scheduler.Runtime ?? throw PlanScope.Invalid(Call + " requires `runtime`");
        var deadline = scheduler.Deadline ?? throw PlanScope.Invalid(Call + " requires `deadline`");
        if (runtime == 0 || deadline == 0)
        {
            throw PlanScope.Invalid($"{Call} {(runtime == 0 ? "runtime" : "deadline")} must be greater than 0");
        }

        if (runtime > deadline)
        {
            throw PlanScope.Invalid($"{Call} runtime ({runtime}) must be <= deadline ({deadline})");
        }

        if (scheduler.Period != 0 && deadline > scheduler.Period)
        {
            throw PlanScope.Invalid($"{Call} deadline ({deadline}) must be <= period ({scheduler.Period})");
        }

        foreach (var (name, value) in (ReadOnlySpan<(string, ulong)>)[("runtime", runtime), ("deadline", deadline), ("period", scheduler.Period)])
        {
            if (value is < 1024 or >= 1UL << 63 && !(name == "period" && value == 0))
            {
                throw PlanScope.Invalid($"{Call} {name} ({value}) must be between 1024 and {(1UL << 63) - 1}");
            }
        }
    }

    private static void Memory(PlanScope scope, LinuxMemoryPolicy policy)
    {
        var mode = MemoryModes.ToList().IndexOf(policy.Mode);
        if (mode < 0)
        {
            throw PlanScope.Invalid($"linux.memoryPolicy.mode: invalid memory policy mode \"{policy.Mode}\"");
        }

        var flags = (ulong)mode;
        foreach (var name in policy.Flags)
        {
            var number = MemoryFlags.ToList().IndexOf(name);
            flags |= number >= 0 ? 1UL << (13 + number) : throw PlanScope.Invalid($"linux.memoryPolicy.flags: invalid memory policy flag \"{name}\"");
        }

        var nodes = policy.Nodes is null ? [] : NumberList.Parse(policy.Nodes, "linux.memoryPolicy.nodes: invalid memory policy nodes");
        var count = NumberList.Count(nodes);
        if (policy.Mode is "MPOL_DEFAULT" or "MPOL_LOCAL" && count > 0)
        {
            throw PlanScope.Invalid($"linux.memoryPolicy: mode requires 0 nodes but got {count}");
        }

        if (policy.Mode is not ("MPOL_DEFAULT" or "MPOL_LOCAL" or "MPOL_PREFERRED") && count == 0)
        {
            throw PlanScope.Invalid("linux.memoryPolicy: mode requires at least one node but got 0");
        }

        scope.Preparing.Block(PlanCode.MemoryPolicy, nodes, x: flags);
    }
}
