using Bundt.Linux.Processes;
using Bundt.Linux.Terminals;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli;

/// <summary>
/// A process in the foreground: signals go to it, its terminal is ours, its exit code too. It begins before the process does, so that a signal
/// that comes meanwhile ends nobody half way: it is the process's first.
/// </summary>
internal sealed class Foreground : IDisposable
{
    // All that a caller sends to say something: not CHLD, nor what our own mistakes raise (ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS), nor PIPE and URG.
    private static readonly int[] s_forwarded = [1, 2, 3, 10, 12, 14, 15, 18, 20, 21, 22, 24, 25, 26, 27, 28, 29, 30];

    private readonly SignalPipe _signals = new(s_forwarded);

    /// <summary>Waits for its end and answers its exit code, 128+n for a signal.</summary>
    public int Wait(RunningProcess running)
    {
        var process = running.Process;
        if (running.Terminal is { } terminal)
        {
            using (terminal)
            {
                TerminalRelay.Run(terminal, process, _signals);
            }
        }
        else
        {
            process.TakeSignals(s_forwarded);
            while (_signals.Read() is > 0 and var signal)
            {
                process.Signal(signal);
            }
        }

        return process.Reap() ?? 255;
    }

    public void Dispose() => _signals.Dispose();
}
