using System.Buffers.Binary;
using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;

namespace Bundt.Runtime.Plans;

/// <summary>How the launcher ends: as the monitor (native/monitor.h) or by handing off.</summary>
internal static class MonitorPlan
{
    private const int RecordSize = 64;

    /// <summary>Stdio of a monitored process without a terminal: three pipes.</summary>
    internal static void Pipes(PlanScope scope)
    {
        if (scope.Ending is not PlanEnding.Monitor || scope.Process.Terminal)
        {
            return;
        }

        var plan = scope.Plan;
        var stdin = (Read: plan.NewSlot("stdin"), Write: plan.NewSlot("stdin-write"));
        var stdout = (Read: plan.NewSlot("stdout-read"), Write: plan.NewSlot("stdout"));
        var stderr = (Read: plan.NewSlot("stderr-read"), Write: plan.NewSlot("stderr"));
        plan.Prepare.Pipe(stdin.Read, stdin.Write, KernelFlags.CloseOnExec, 0);

        // Large pipes let a writer and the log keep each other busy.
        plan.Prepare.Pipe(stdout.Read, stdout.Write, KernelFlags.CloseOnExec, 1 << 20);
        plan.Prepare.Pipe(stderr.Read, stderr.Write, KernelFlags.CloseOnExec, 0);
        scope.Stdio = (stdin.Write, stdout.Read, stderr.Read);
        plan.Supervise.Close(stdin.Read);
        plan.Supervise.Close(stdout.Write);
        plan.Supervise.Close(stderr.Write);

        // The ends that the monitor keeps are closed in init by its execve, but a reaper never executes.
        scope.Preparing.Close(stdin.Write);
        scope.Preparing.Close(stdout.Read);
        scope.Preparing.Close(stderr.Read);
        scope.Preparing.Stdio(stdin.Read, stdout.Write, stderr.Write);
    }

    /// <summary>The supervisor's last operations.</summary>
    /// <param name="scope">The plan so far.</param>
    /// <param name="isExec">The process is an exec's.</param>
    /// <param name="rootFollows">The supervisor holds the root until the exit is reported.</param>
    /// <param name="afterGo">Adds what it does once it has let the process go.</param>
    internal static void End(PlanScope scope, bool isExec, bool rootFollows, Action afterGo)
    {
        var supervise = scope.Plan.Supervise;
        supervise.Phase = Phase.Launch;
        if (scope.Ending is PlanEnding.HandOff)
        {
            if (scope.Go >= 0)
            {
                supervise.WaitGo(scope.Go);
            }

            supervise.TellPid(scope.Plan.Input(PlanInputKind.Pid));
            supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Go);
            afterGo();
            supervise.Simple(PlanCode.Handoff);
            return;
        }

        var settings = ((PlanEnding.Monitor)scope.Ending).Settings;
        var state = scope.Plan.NewSlot("state");
        var sockets = scope.Plan.NewSlot("sockets");
        var listener = scope.Plan.NewSlot("listener");
        supervise.Open(state, -1, settings.StateDirectory, KernelFlags.Directory);
        supervise.Open(sockets, -1, settings.SocketDirectory, KernelFlags.Directory);
        supervise.Listen(sockets, "monitor.sock", 0x180, listener);
        supervise.Close(sockets);
        var client = settings.AttachFlags != 0 ? scope.Plan.Input(PlanInputKind.Client) : -1;
        var record = Record(scope, settings, isExec, rootFollows, state, listener, client);
        if (scope.Go >= 0)
        {
            // Before the start is committed: without C#'s word there will be none.
            supervise.WaitGo(scope.Go);
        }

        supervise.Block(PlanCode.MonitorOpen, record);
        supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Go);
        supervise.Close(scope.Rendezvous.Supervisor);
        afterGo();
        supervise.Block(PlanCode.Monitor, record);
    }

    private static byte[] Record(PlanScope scope, MonitorSettings settings, bool isExec, bool rootFollows, int state, int listener, int client)
    {
        var flags =
            (scope.Process.Terminal ? 1u : 0)
            | (settings.OpenStdin ? 2u : 0)
            | (settings.StdinOnce ? 4u : 0)
            | (settings.Remove ? 8u : 0)
            | (!isExec && !scope.Has(NamespaceType.Pid) ? 16u : 0)
            | (isExec ? 32u : 0);
        var record = new byte[RecordSize];
        BinaryPrimitives.WriteUInt32LittleEndian(record, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), flags);
        int[] slots = [state, -1, listener, scope.Stdio.In, scope.Stdio.Out, scope.Stdio.Error, client, rootFollows ? scope.Root : -1, scope.Cgroup];
        for (var i = 0; i < slots.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(8 + i * 4), slots[i]);
        }

        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(44), settings.AttachFlags);
        BinaryPrimitives.WriteInt64LittleEndian(record.AsSpan(48), settings.LogSize);
        BinaryPrimitives.WriteInt32LittleEndian(record.AsSpan(56), settings.LogFiles);
        return record;
    }
}
