using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Bundt.Cli.Output;

namespace Bundt.Cli.Streams;

/// <summary>Prints the frames of a log and knows how far it is, so that the next daemon can go on there.</summary>
/// <param name="showTimes">Each line begins with its time.</param>
internal sealed class LogPrinter(bool showTimes)
{
    private const byte Stdout = 1;
    private const byte Stderr = 2;
    private const byte Note = 3;
    private const byte PositionFrame = 19;
    private const byte TimeFrame = 20;
    private const long NanosecondsPerTick = 100;

    private readonly ArrayBufferWriter<byte> _lines = new();
    private readonly bool[] _inLine = new bool[3];
    private byte[] _time = [];

    /// <summary>Behind what was printed; null before anything came.</summary>
    public OutputPosition? Position { get; private set; }

    /// <summary>Takes bytes of a frame.</summary>
    public void Take(byte type, ReadOnlySpan<byte> bytes)
    {
        switch (type)
        {
            case Stdout:
                Print(Stdout, bytes);
                Position = Position is { } position ? position with { Stdout = position.Stdout + bytes.Length } : null;
                break;
            case Stderr:
                Print(Stderr, bytes);
                Position = Position is { } before ? before with { Stderr = before.Stderr + bytes.Length } : null;
                break;
            case Note:
                Print(Stderr, bytes);
                break;
            case PositionFrame:
                Position = OutputPosition.Read(bytes);
                break;
            case TimeFrame:
                _time = TimeText(BinaryPrimitives.ReadInt64BigEndian(bytes));
                break;
            default:
                // A later daemon may have more to say.
                break;
        }
    }

    private static byte[] TimeText(long nanoseconds) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"{DateTimeOffset.UnixEpoch.AddTicks(nanoseconds / NanosecondsPerTick).UtcDateTime:yyyy-MM-ddTHH:mm:ss.fffffff}{nanoseconds % NanosecondsPerTick:00}Z "));

    private void Print(byte stream, ReadOnlySpan<byte> bytes)
    {
        if (!showTimes)
        {
            StandardStreams.Write(stream, bytes);
            return;
        }

        _lines.ResetWrittenCount();
        while (!bytes.IsEmpty)
        {
            if (!_inLine[stream])
            {
                _lines.Write(_time);
            }

            int end = bytes.IndexOf((byte)'\n');
            ReadOnlySpan<byte> piece = end < 0 ? bytes : bytes[..(end + 1)];
            _lines.Write(piece);
            _inLine[stream] = end < 0;
            bytes = bytes[piece.Length..];
        }

        StandardStreams.Write(stream, _lines.WrittenSpan);
    }
}
