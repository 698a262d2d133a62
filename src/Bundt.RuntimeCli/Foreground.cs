using Bundt.Linux.Processes;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli;

/// <summary>A container run in the foreground: signals go to it, its exit code is ours.</summary>
internal static class Foreground
{
    // HUP, INT, QUIT, USR1, USR2, TERM, CONT, WINCH.
    private static readonly int[] s_forwarded = [1, 2, 3, 10, 12, 15, 18, 28];

    public static int Wait(OciContainer container, bool keep)
    {
        using var process = PidFd.TryOpen(container.Record.Pid);
        if (process is null)
        {
            return 255;
        }

        process.TakeSignals(s_forwarded);
        var code = process.Reap();
        if (!keep)
        {
            container.Delete(force: true);
        }

        return code ?? 255;
    }
}
