using System.Runtime.InteropServices;
using Bundt.Linux.Processes;
using Bundt.Runtime.Containers;

namespace Bundt.RuntimeCli;

/// <summary>A container run in the foreground: signals go to it, its exit code is ours.</summary>
internal static class Foreground
{
    // HUP, INT, QUIT, USR1, USR2, TERM, WINCH: the framework takes the kernel's numbers too.
    private static readonly int[] s_forwarded = [1, 2, 3, 10, 12, 15, 28];

    public static int Wait(OciContainer container, bool keep)
    {
        using var process = PidFd.TryOpen(container.Record.Pid);
        if (process is null)
        {
            return 255;
        }

        var registrations = s_forwarded.Select(signal => PosixSignalRegistration.Create((PosixSignal)signal, context =>
        {
            context.Cancel = true;
            process.Signal(signal);
        })).ToArray();
        var code = process.Reap();
        Array.ForEach(registrations, registration => registration.Dispose());
        if (!keep)
        {
            container.Delete(force: true);
        }

        return code ?? 255;
    }
}
