using Bundt.Linux.Processes;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli;

/// <summary>A process in the foreground: signals go to it, its terminal is ours, its exit code too.</summary>
internal static class Foreground
{
    // All that a caller sends to say something: not CHLD, nor what our own mistakes raise (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS), nor PIPE and URG.
    private static readonly int[] s_forwarded = [1, 2, 3, 10, 12, 14, 15, 18, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30];

    /// <summary>Waits for its end and answers its exit code, 128+n for a signal.</summary>
    public static int Wait(RunningProcess running)
    {
        var process = running.Process;
        if (running.Terminal is { } terminal)
        {
            using (terminal)
            {
                TerminalRelay.Run(terminal, process, s_forwarded);
            }
        }
        else
        {
            process.TakeSignals(s_forwarded);
        }

        return process.Reap() ?? 255;
    }
}
