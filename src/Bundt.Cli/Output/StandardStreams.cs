using System.Text;
using Bundt.Linux.Sockets;
using Bundt.Linux.Terminals;

namespace Bundt.Cli.Output;

/// <summary>Text to stdout (buffered until <see cref="Flush"/>) and to stderr (at once), without Console.</summary>
internal static class StandardStreams
{
    private const int SigPipe = 13;
    private const int FlushAt = 64 * 1024;
    private static readonly StringBuilder s_pending = new();

    /// <summary>Writes to stdout, some time.</summary>
    public static void Out(string text)
    {
        _ = s_pending.Append(text);
        if (s_pending.Length >= FlushAt)
        {
            Flush();
        }
    }

    /// <summary>Writes a line to stdout, some time.</summary>
    public static void OutLine(string text)
    {
        Out(text);
        Out("\n");
    }

    /// <summary>Writes what is pending for stdout. Nobody reading it ends this process, by SIGPIPE as everywhere.</summary>
    public static void Flush()
    {
        if (s_pending.Length == 0)
        {
            return;
        }

        byte[] bytes = Encoding.UTF8.GetBytes(s_pending.ToString());
        _ = s_pending.Clear();
        Write(1, bytes);
    }

    /// <summary>Writes bytes to stdout or stderr now.</summary>
    public static void Write(int fd, ReadOnlySpan<byte> bytes)
    {
        if (!Descriptors.Write(fd, bytes))
        {
            DieOfBrokenPipe();
        }
    }

    /// <summary>Writes to stderr, behind what stdout has been given.</summary>
    public static void Error(string text)
    {
        Flush();
        _ = Descriptors.Write(2, Encoding.UTF8.GetBytes(text));
    }

    /// <summary>Ends this process as a program whose reader is gone.</summary>
    public static void DieOfBrokenPipe() => FatalSignal.Raise(SigPipe);
}
