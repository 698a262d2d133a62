using System.Runtime.InteropServices;

namespace Bundt.Linux.Terminals;

/// <summary>Ending this process by a signal, as a shell expects of a program that was interrupted or whose reader is gone.</summary>
public static unsafe partial class FatalSignal
{
    /// <summary>Restores the terminal, then lets the signal's default action take place.</summary>
    /// <param name="number">SIGINT (2), SIGPIPE (13) …</param>
    public static void Raise(int number)
    {
        RawMode.RestoreAll();
        _ = signal(number, 0);
        long* all = stackalloc long[16];
        _ = sigemptyset(all);
        _ = pthread_sigmask(2, all, null);
        _ = raise(number);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint signal(int number, nint action);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int sigemptyset(void* set);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pthread_sigmask(int how, void* set, void* before);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int raise(int number);
}
