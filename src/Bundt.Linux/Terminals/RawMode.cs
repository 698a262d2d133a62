namespace Bundt.Linux.Terminals;

/// <summary>
/// A terminal in raw mode until it is disposed. Whoever ends the process on another way (a fatal signal) calls <see cref="RestoreAll"/> first, so that
/// the user's shell never inherits a raw terminal.
/// </summary>
public sealed unsafe class RawMode : IDisposable
{
    private static RawMode? s_current;
    private readonly int _fd;
    private readonly Terminal.KernelTermios _before;
    private int _restored;

    private RawMode(int fd, Terminal.KernelTermios before)
    {
        _fd = fd;
        _before = before;
    }

    /// <summary>Makes it raw, as cfmakeraw(3) does. Null when the descriptor is no terminal.</summary>
    /// <param name="fd">The terminal.</param>
    /// <param name="keepOutput">Output is processed as before: what is written to it has line feeds alone.</param>
    public static RawMode? TryEnter(int fd, bool keepOutput = false)
    {
        if (!Terminal.TryGet(fd, out Terminal.KernelTermios termios))
        {
            return null;
        }

        var mode = new RawMode(fd, termios);
        s_current = mode;
        termios.Input &= ~0x5ebu; // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
        if (!keepOutput)
        {
            termios.Output &= ~1u; // OPOST
        }

        termios.Local &= ~0x804bu; // ISIG ICANON ECHO ECHONL IEXTEN
        termios.Control = (termios.Control & ~0x130u) | 0x30; // CSIZE PARENB, CS8
        termios.Characters[6] = 1; // VMIN
        termios.Characters[5] = 0; // VTIME
        return Terminal.TrySet(fd, termios) ? mode : null;
    }

    /// <summary>Restores the terminal that is raw now, if any. Safe to call at any time and from any thread.</summary>
    public static void RestoreAll() => s_current?.Dispose();

    /// <summary>Puts it back as it was.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _restored, 1) == 0)
        {
            _ = Terminal.TrySet(_fd, _before);
        }
    }
}
