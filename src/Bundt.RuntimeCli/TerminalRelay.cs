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
    private ReadOnlyMemory<byte> _said;
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
    public static void Run(SafeFileHandle master, PidFd process, SignalPipe signals)
    {
        var fd = (int)master.DangerousGetHandle();
        using var raw = RawMode.TryEnter(Stdin);
        Terminal.CopySize(Stdin, fd);
        Descriptors.NeverWait(fd);
        new TerminalRelay(fd, process, signals).Copy();
    }

    private void Copy()
    {
        Span<PollEntry> entries = stackalloc PollEntry[5];
        var ended = false;
        var open = true;
        while (open)
        {
            // Of a dead process only what it has written is left, up to the terminal's hang-up; its descendants may hold that off for ever.
            var events = (_said.IsEmpty ? PollEntry.In : 0) | (_pending.IsEmpty || ended ? 0 : PollEntry.Out);
            entries[0] = new PollEntry(events == 0 ? -1 : _master, (short)events);
            entries[1] = new PollEntry(_hasInput && _pending.IsEmpty && !ended ? Stdin : -1, PollEntry.In);
            entries[2] = new PollEntry(ended ? -1 : _signals.Descriptor, PollEntry.In);
            entries[3] = new PollEntry(ended ? -1 : (int)_process.Handle.DangerousGetHandle(), PollEntry.In);
            entries[4] = new PollEntry(_said.IsEmpty ? -1 : Stdout, PollEntry.Out);
            if (PollEntry.Wait(entries, ended && _said.IsEmpty ? PatienceMilliseconds : -1) == 0)
            {
                return;
            }

            if (entries[4].Saw(PollEntry.Out | PollEntry.Gone))
            {
                open = Show();
            }
            else if (_said.IsEmpty && entries[0].Saw(PollEntry.In | PollEntry.Gone))
            {
                open = Hear();
            }

            if (!_pending.IsEmpty && entries[0].Saw(PollEntry.Out | PollEntry.Gone))
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

    // False when nobody has the terminal any more.
    private bool Hear()
    {
        var count = Descriptors.Read(_master, _output);
        _said = _output.AsMemory(0, Math.Max(0, count));
        return count != 0;
    }

    // As much as a pipe that poll(2) calls writable takes without waiting (PIPE_BUF). False when nobody reads our stdout.
    private bool Show()
    {
        const int Atomic = 4096;
        var count = Descriptors.TryWrite(Stdout, _said.Span[..Math.Min(_said.Length, Atomic)]);
        _said = count < 0 ? default : _said[count..];
        return count >= 0;
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
