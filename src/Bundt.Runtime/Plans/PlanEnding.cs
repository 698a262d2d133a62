using Bundt.Runtime.Launch;

namespace Bundt.Runtime.Plans;

/// <summary>What becomes of the launcher once the container runs.</summary>
public abstract record PlanEnding
{
    private PlanEnding()
    {
    }

    /// <summary>It stays as the container's monitor.</summary>
    /// <param name="Settings">The monitor.</param>
    public sealed record Monitor(MonitorSettings Settings) : PlanEnding;

    /// <summary>It exits; the process keeps the caller's stdio, or gets a terminal whose master goes to a console socket.</summary>
    /// <param name="StartFifo">Host path of a fifo on which init waits for start; null: it does not wait.</param>
    /// <param name="Foreground">The caller copies the terminal to its own, which makes the line ends of a terminal by itself.</param>
    public sealed record HandOff(string? StartFifo, bool Foreground = false) : PlanEnding;
}
