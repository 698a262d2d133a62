using System.Runtime.InteropServices;
using Bundt.Linux.Sockets;

namespace Bundt.Linux.Terminals;

/// <summary>Signals as bytes on a descriptor, so that one poll loop sees them beside its streams. The default action of each is off while it lives.</summary>
public sealed class SignalPipe : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly int _write;

    /// <summary>Catches these signal numbers.</summary>
    public SignalPipe(ReadOnlySpan<int> signals)
    {
        (Descriptor, _write) = Descriptors.Pipe();
        foreach (int signal in signals)
        {
            byte number = (byte)signal;
            _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
            {
                context.Cancel = true;
                _ = Descriptors.TryWrite(_write, [number]);
            }));
        }
    }

    /// <summary>Readable when a signal has come.</summary>
    public int Descriptor { get; }

    /// <summary>The next signal's number; blocks when none has come.</summary>
    public int Read()
    {
        Span<byte> one = stackalloc byte[1];
        return Descriptors.Read(Descriptor, one) == 1 ? one[0] : 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        Descriptors.Close(_write);
        Descriptors.Close(Descriptor);
    }
}
