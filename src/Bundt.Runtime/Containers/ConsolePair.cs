using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Containers;

/// <summary>Where a terminal's master goes: to a console socket of the caller's, or over a pair of sockets to ourselves.</summary>
internal sealed class ConsolePair : IDisposable
{
    private readonly DescriptorPair? _pair;

    private ConsolePair(SafeFileHandle? outside, DescriptorPair? pair)
    {
        Socket = outside ?? pair?.Second;
        _pair = pair;
    }

    /// <summary>What the launcher is given; null: the process has no terminal.</summary>
    public SafeFileHandle? Socket { get; }

    /// <summary>Checks what was asked for against itself.</summary>
    /// <param name="terminal">The process has a terminal.</param>
    /// <param name="consoleSocket">The caller's socket, or null.</param>
    /// <param name="foreground">The caller serves the terminal itself.</param>
    public static ConsolePair Create(bool terminal, SafeFileHandle? consoleSocket, bool foreground) => (terminal, consoleSocket) switch
    {
        (false, not null) => throw Invalid("cannot use console socket if the container will not detach or allocate tty: process.terminal is false"),
        (true, null) when !foreground => throw Invalid(
            "cannot allocate tty if the container will detach without setting a console socket: use --console-socket"),
        (true, null) => new ConsolePair(null, DescriptorPair.StreamSockets()),
        _ => new ConsolePair(consoleSocket, null),
    };

    /// <summary>The master, once the process has been started; null when it is not ours to serve.</summary>
    public SafeFileHandle? Receive()
    {
        if (_pair is not { } pair)
        {
            return null;
        }

        pair.Second.Dispose();
        return DescriptorMessage.Receive(pair.First);
    }

    /// <inheritdoc/>
    public void Dispose() => _pair?.Dispose();

    private static BundtException Invalid(string what) => new(FailureKind.InvalidArgument, Phase.Request, what);
}
