using System.Buffers.Binary;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Runtime.Plans;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Launch;

/// <summary>One launcher at work: its plan's memory file with the report, the status pipe, the process.</summary>
internal sealed class LauncherRun
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly LaunchPlan _plan;
    private readonly MemoryFile _memory;
    private readonly DescriptorPair _status;
    private readonly DescriptorPair? _pid;

    private LauncherRun(LaunchPlan plan, MemoryFile memory, DescriptorPair status, DescriptorPair? pid, PidFd process)
    {
        _pid = pid;
        _plan = plan;
        _memory = memory;
        _status = status;
        Process = process;
    }

    /// <summary>The launcher, a child of ours.</summary>
    public PidFd Process { get; }

    /// <summary>Starts the launcher with a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="program">The launcher's program.</param>
    /// <param name="cgroup">Where the launcher itself lives; null: with us.</param>
    /// <param name="inputs">The descriptors that the plan needs.</param>
    public static LauncherRun Start(LaunchPlan plan, SafeFileHandle program, SafeFileHandle? cgroup, LauncherInputs inputs)
    {
        var memory = MemoryFile.Create("bundt-plan\0"u8);
        var status = DescriptorPair.Pipe();
        DescriptorPair? pid = plan.Inputs.Any(input => input.Kind == PlanInputKind.Pid) ? DescriptorPair.Pipe() : null;
        inputs = inputs with { Pid = pid?.Second };
        try
        {
            memory.Write(plan.Encode(), PlanFormat.Offset);
            var descriptors = new ChildDescriptor[plan.Inputs.Count + 2 + plan.Preserve];
            descriptors[0] = new ChildDescriptor(memory.Handle, PlanFormat.FdBase + PlanFormat.SlotPlan);
            descriptors[1] = new ChildDescriptor(status.Second, PlanFormat.FdBase + PlanFormat.SlotStatus);
            for (var i = 0; i < plan.Inputs.Count; i++)
            {
                var input = plan.Inputs[i];
                descriptors[i + 2] = new ChildDescriptor(inputs.Of(input.Kind), PlanFormat.FdBase + input.Slot);
            }

            var count = plan.Inputs.Count + 2;
            for (var number = 3; number < 3 + plan.Preserve; number++)
            {
                if (InheritedDescriptor.IsOpen(number))
                {
                    descriptors[count++] = new ChildDescriptor(new SafeFileHandle(number, ownsHandle: false), number);
                }
            }

            var process = ChildProcess.Start(program, cgroup, ["bundt-launcher"], [], descriptors.AsSpan(0, count));
            status.Second.Dispose();
            pid?.Second.Dispose();
            return new LauncherRun(plan, memory, status, pid, process);
        }
        catch
        {
            memory.Dispose();
            status.Dispose();
            pid?.Dispose();
            throw;
        }
    }

    /// <summary>Waits until everything is mounted and the supervisor asks to go on; false when it has failed before.</summary>
    public bool WaitUntilMounted() => _status.ReadByte() == PlanFormat.NoticeMounted;

    /// <summary>What the launcher has reported so far.</summary>
    public PlanReport Report() => PlanReport.Read(_memory);

    /// <summary>Ends a launch that is not wanted any more: its word to go on will never come.</summary>
    public void Abandon()
    {
        End();
        Dispose();
    }

    /// <summary>Waits for the status pipe's end: the command is executed, or waits for start, or the launch has failed.</summary>
    /// <exception cref="BundtException">It has failed; the launcher has ended and is reaped.</exception>
    public PlanReport WaitUntilExecuted()
    {
        try
        {
            _status.WaitForEnd();
            var report = PlanReport.Read(_memory);
            if (!report.Failed && report.Phase is PlanReportPhase.Executed or PlanReportPhase.Waiting)
            {
                return _pid is { } pid ? report with { InitPid = ReadPid(pid) } : report;
            }

            End();

            // The launcher may have written its failure after it had closed the pipe.
            throw LaunchFailure.Describe(_plan, PlanReport.Read(_memory));
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>Waits for the end of a plan that executes nothing, and of the process that carried it out as init, which is or becomes a child of ours.</summary>
    /// <exception cref="BundtException">It has failed.</exception>
    public void WaitUntilDone()
    {
        try
        {
            _status.WaitForEnd();
            var code = End();
            var report = PlanReport.Read(_memory);
            if (report.InitPid > 0 && PidFd.TryOpen(report.InitPid) is { } init)
            {
                init.Reap();
                init.Dispose();
            }

            if (report.Failed)
            {
                throw LaunchFailure.Describe(_plan, report);
            }

            if (code != 0)
            {
                throw new BundtException(FailureKind.Internal, Phase.Launch, $"the launcher has ended unexpectedly, with exit code {code}");
            }
        }
        finally
        {
            Dispose();
        }
    }

    // The report's may be anybody's: where init waits in a pid namespace of others, those with CAP_SYS_PTRACE can write to it.
    private static int ReadPid(DescriptorPair pipe)
    {
        Span<byte> pid = stackalloc byte[4];
        foreach (ref var part in pid)
        {
            var read = pipe.ReadByte();
            part = read >= 0 ? (byte)read : throw new BundtException(FailureKind.Internal, Phase.Launch, "the launcher has ended without a word about the process");
        }

        return BinaryPrimitives.ReadInt32LittleEndian(pid);
    }

    private void Dispose()
    {
        _status.Dispose();
        _pid?.Dispose();
        _memory.Dispose();
    }

    private int? End()
    {
        if (!Process.WaitForEnd((int)s_patience.TotalMilliseconds))
        {
            Process.Signal(SignalNames.Kill);
        }

        var code = Process.Reap();
        Process.Dispose();
        return code;
    }
}
