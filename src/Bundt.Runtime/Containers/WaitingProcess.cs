using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Locks;
using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Containers;

/// <summary>
/// The process of a created container, which waits on a fifo for start. It holds the fifo and its plan's memory file until it executes the
/// command, or fails: so whoever starts it learns how that went. Neither is trusted: a process with CAP_SYS_PTRACE that shares its pid namespace
/// can hold the fifo, too, and write to the memory.
/// </summary>
internal static class WaitingProcess
{
    /// <summary>Lets it go, and waits until it has executed the command or ended.</summary>
    /// <param name="process">The process.</param>
    /// <param name="fifo">The fifo.</param>
    /// <returns>Why it could not; null when it could.</returns>
    internal static BundtException? Release(PidFd process, string fifo)
    {
        using var memory = MemoryFile.TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Pid}/fd/{PlanFormat.FdBase + PlanFormat.SlotPlan}"));
        var launcher = ProcessExecutable.TryRead(process.Pid);
        using var writer = Fifo.TryOpenWriter(fifo);
        if (writer is not null && !OfdLock.TryTake(writer))
        {
            return new BundtException(FailureKind.Conflict, Phase.Run, "cannot start a container that is being started already");
        }

        if (writer is null || !StandardStream.Write((int)writer.DangerousGetHandle(), [1]))
        {
            return new BundtException(FailureKind.Conflict, Phase.Run, "the container's process does not wait for start any more");
        }

        // No reader is left: it is past execve, or dead. Somebody else's reader does not make us wait for ever.
        Span<PollEntry> entries = [new((int)writer.DangerousGetHandle(), 0), new((int)process.Handle.DangerousGetHandle(), PollEntry.In)];
        while (PollEntry.Wait(entries, 100) == 0 && ProcessExecutable.TryRead(process.Pid) == launcher)
        {
        }

        if (memory is null || ProcessExecutable.TryRead(process.Pid) is { } executed && executed != launcher)
        {
            return null;
        }

        var report = PlanReport.Read(memory);
        return report.Failed ? LaunchFailure.Describe(PlanMemory.ReadOperation(memory, report.Operation), report) : null;
    }
}
