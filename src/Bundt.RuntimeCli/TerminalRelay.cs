using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;
using Bundt.Linux.Terminals;
using Microsoft.Win32.SafeHandles;

namespace Bundt.RuntimeCli;

/// <summary>Our stdin, stdout and window size for the terminal of a process in the foreground.</summary>
internal static class TerminalRelay
{
    private const int Stdin = 0, Stdout = 1, WindowChanged = 28;

    /// <summary>Copies until the process has ended and everything it wrote is out.</summary>
    /// <param name="master">The master of its terminal.</param>
    /// <param name="process">The process.</param>
    /// <param name="signals">What is passed on to it.</param>
    public static void Run(SafeFileHandle master, PidFd process, int[] signals)
    {
        var fd = (int)master.DangerousGetHandle();
        using var caught = new SignalPipe(signals);
        using var raw = RawMode.TryEnter(Stdin, keepOutput: true);
        Terminal.CopySize(Stdin, fd);
        var buffer = new byte[32 << 10];
        var input = Stdin;
        var ended = false;
        Span<PollEntry> entries = stackalloc PollEntry[4];
        while (true)
        {
            entries[0] = new PollEntry(fd, PollEntry.In);
            entries[1] = new PollEntry(input, PollEntry.In);
            entries[2] = new PollEntry(caught.Descriptor, PollEntry.In);
            entries[3] = new PollEntry(ended ? -1 : (int)process.Handle.DangerousGetHandle(), PollEntry.In);

            // What a dead process has written is there; its descendants, who may hold the terminal for ever, are not waited for.
            if (PollEntry.Wait(entries, ended ? 0 : -1) == 0)
            {
                return;
            }

            if (entries[0].Saw(PollEntry.In | PollEntry.Gone))
            {
                var count = Descriptors.Read(fd, buffer);
                if (count <= 0 || !Descriptors.Write(Stdout, buffer.AsSpan(0, count)))
                {
                    return;
                }

                continue; // its output first
            }

            if (entries[1].Saw(PollEntry.In | PollEntry.Gone))
            {
                input = Type(fd, buffer) ? input : -1;
            }

            while (caught.Read() is > 0 and var signal)
            {
                if (signal == WindowChanged)
                {
                    Terminal.CopySize(Stdin, fd);
                }
                else
                {
                    process.Signal(signal);
                }
            }

            ended = ended || entries[3].Saw(PollEntry.In);
        }
    }

    // False at the end of our stdin, which the process sees as the end of file of a terminal: Ctrl-D.
    private static bool Type(int master, byte[] buffer)
    {
        const byte EndOfTransmission = 4;
        var count = Descriptors.Read(Stdin, buffer);
        if (count > 0)
        {
            return Descriptors.Write(master, buffer.AsSpan(0, count));
        }

        _ = Descriptors.TryWrite(master, [EndOfTransmission]);
        return false;
    }
}
