using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;
using Bundt.Linux.Terminals;
using Microsoft.Win32.SafeHandles;

namespace Bundt.RuntimeCli;

/// <summary>Our stdin, stdout and window size for the terminal of a process in the foreground. Neither direction ever waits for the other.</summary>
internal sealed class TerminalRelay
{
    private const int Stdin = 0, Stdout = 1, WindowChanged = 28;

    // The kernel passes on what was written in a worker of its own, after the writer's end as well.
    private const int PatienceMilliseconds = 200;

    private readonly int _master;
    private readonly PidFd _process;
    private readonly SignalPipe _signals;
    private readonly byte[] _output = new byte[32 << 10];
    private readonly byte[] _typed = new byte[4 << 10];
    private ReadOnlyMemory<byte> _pending;
    private bool _hasInput = true;

    private TerminalRelay(int master, PidFd process, SignalPipe signals)
    {
        _master = master;
        _process = process;
        _signals = signals;
    }

    /// <summary>Copies until the process has ended and everything it wrote is out.</summary>
    /// <param name="master">The master of its terminal.</param>
    /// <param name="process">The process.</param>
    /// <param name="signals">What is passed on to it.</param>
    public static void Run(SafeFileHandle master, PidFd process, int[] signals)
    {
        var fd = (int)master.DangerousGetHandle();
        using var caught = new SignalPipe(signals);
        using var raw = RawMode.TryEnter(Stdin);
        Terminal.CopySize(Stdin, fd);
        Descriptors.NeverWait(fd);
        new TerminalRelay(fd, process, caught).Copy();
    }

    private void Copy()
    {
        Span<PollEntry> entries = stackalloc PollEntry[4];
        var ended = false;
        var open = true;
        while (open)
        {
            // Of a dead process only what it has written is left, up to the terminal's hang-up; its descendants may hold that off for ever.
            entries[0] = new PollEntry(_master, _pending.IsEmpty || ended ? PollEntry.In : (short)(PollEntry.In | PollEntry.Out));
            entries[1] = new PollEntry(_hasInput && _pending.IsEmpty && !ended ? Stdin : -1, PollEntry.In);
            entries[2] = new PollEntry(ended ? -1 : _signals.Descriptor, PollEntry.In);
            entries[3] = new PollEntry(ended ? -1 : (int)_process.Handle.DangerousGetHandle(), PollEntry.In);
            if (PollEntry.Wait(entries, ended ? PatienceMilliseconds : -1) == 0)
            {
                return;
            }

            open = !entries[0].Saw(PollEntry.In | PollEntry.Gone) || Show();
            if (entries[0].Saw(PollEntry.Out))
            {
                Type();
            }

            if (entries[1].Saw(PollEntry.In | PollEntry.Gone))
            {
                TakeInput();
            }

            if (entries[2].Saw(PollEntry.In))
            {
                PassSignals();
            }

            ended = ended || entries[3].Saw(PollEntry.In);
        }
    }

    // False when nobody has the terminal any more, or nobody reads our stdout.
    private bool Show()
    {
        var count = Descriptors.Read(_master, _output);
        return count < 0 || count > 0 && Descriptors.Write(Stdout, _output.AsSpan(0, count));
    }

    // The end of our stdin is a terminal's end of file: Ctrl-D.
    private void TakeInput()
    {
        const byte EndOfTransmission = 4;
        var count = Descriptors.Read(Stdin, _typed);
        if (count == 0)
        {
            _hasInput = false;
            _typed[0] = EndOfTransmission;
            count = 1;
        }

        _pending = _typed.AsMemory(0, Math.Max(0, count));
        Type();
    }

    private void Type()
    {
        var count = Descriptors.TryWrite(_master, _pending.Span);
        _pending = count < 0 ? default : _pending[count..];
    }

    private void PassSignals()
    {
        while (_signals.Read() is > 0 and var signal)
        {
            if (signal == WindowChanged)
            {
                Terminal.CopySize(Stdin, _master);
            }
            else
            {
                _process.Signal(signal);
            }
        }
    }
}
