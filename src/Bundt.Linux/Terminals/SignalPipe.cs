using System.Runtime.InteropServices;
using Bundt.Linux.Sockets;

namespace Bundt.Linux.Terminals;

/// <summary>
/// Signals as bytes on a descriptor, so that one poll loop sees them beside its streams (native/signals.h). Their default action is off while it lives.
/// One at a time in a process.
/// </summary>
public sealed unsafe partial class SignalPipe : IDisposable
{
    private readonly int[] _signals;
    private readonly int _write;

    /// <summary>Catches these signal numbers.</summary>
    public SignalPipe(int[] signals)
    {
        _signals = signals;
        (Descriptor, _write) = Descriptors.Pipe(nonBlocking: true);
        fixed (int* numbers = signals)
        {
            Check(bundt_signals_to_pipe(_write, numbers, signals.Length));
        }
    }

    /// <summary>Readable when a signal has come.</summary>
    public int Descriptor { get; }

    /// <summary>The next signal's number; 0 when none has come.</summary>
    public int Read()
    {
        Span<byte> one = stackalloc byte[1];
        return Descriptors.Read(Descriptor, one) == 1 ? one[0] : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        fixed (int* numbers = _signals)
        {
            Check(bundt_signals_default(numbers, _signals.Length));
        }

        Descriptors.Close(_write);
        Descriptors.Close(Descriptor);
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new BundtException(Phase.Run, "sigaction", null, (Errno)(-result));
        }
    }

    [LibraryImport("bundtnative", SetLastError = true)]
    private static partial int bundt_signals_to_pipe(int fd, int* signals, int count);

    [LibraryImport("bundtnative", SetLastError = true)]
    private static partial int bundt_signals_default(int* signals, int count);
}
