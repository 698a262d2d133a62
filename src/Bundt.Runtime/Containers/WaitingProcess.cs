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
/// command, or fails: so whoever starts it learns how that went.
/// </summary>
internal static class WaitingProcess
{
    /// <summary>Lets it go, and waits until it has executed the command or ended.</summary>
    /// <param name="pid">Its host pid.</param>
    /// <param name="fifo">The fifo.</param>
    /// <returns>Why it could not; null when it could.</returns>
    internal static BundtException? Release(int pid, string fifo)
    {
        using var memory = MemoryFile.TryOpen(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/fd/{PlanFormat.FdBase + PlanFormat.SlotPlan}"));
        using var writer = Fifo.TryOpenWriter(fifo);
        if (writer is not null && !OfdLock.TryTake(writer))
        {
            return new BundtException(FailureKind.Conflict, Phase.Run, "cannot start a container that is being started already");
        }

        if (writer is null || !StandardStream.Write((int)writer.DangerousGetHandle(), [1]))
        {
            return new BundtException(FailureKind.Conflict, Phase.Run, "the container's process does not wait for start any more");
        }

        // No reader is left: it is past execve, or dead.
        Span<PollEntry> entry = [new((int)writer.DangerousGetHandle(), 0)];
        PollEntry.Wait(entry, -1);
        if (memory is null)
        {
            return null;
        }

        var report = PlanReport.Read(memory);
        return report.Failed ? LaunchFailure.Describe(PlanMemory.ReadOperation(memory, report.Operation), report) : null;
    }
}
