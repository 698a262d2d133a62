using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Logs;

/// <summary>The header of a frame in the monitor's log (native/monitor.h, struct log_frame).</summary>
/// <param name="TimeNanoseconds">CLOCK_REALTIME when it was read from the container.</param>
/// <param name="Length">Bytes that follow.</param>
/// <param name="Stream">1 stdout, 2 stderr, 3 a note of the monitor's own, 4 a position; others are passed over.</param>
internal readonly record struct LogFrame(long TimeNanoseconds, int Length, byte Stream)
{
    public const int HeaderSize = 16;

    /// <summary>A stream number: what the monitor itself has to say, for example that bytes were dropped.</summary>
    public const byte Note = 3;

    /// <summary>A stream number: the payload says how much each stream has brought before (struct log_position).</summary>
    public const byte Position = 4;

    private const int PositionSize = 16;

    private const ushort Magic = 0xb10c;

    /// <summary>More than the monitor ever writes at once: a longer frame is damage.</summary>
    private const int LargestPayload = 1 << 20;

    /// <summary>Reads a header. False: these 16 bytes are no frame's.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out LogFrame frame)
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]);
        if (BinaryPrimitives.ReadUInt16LittleEndian(bytes[14..]) != Magic || length > LargestPayload)
        {
            frame = default;
            return false;
        }

        frame = new LogFrame(BinaryPrimitives.ReadInt64LittleEndian(bytes), (int)length, bytes[12]);
        return true;
    }

    /// <summary>The position that a frame's payload tells.</summary>
    public static OutputPosition ReadPosition(ReadOnlySpan<byte> payload) => payload.Length < PositionSize
        ? default
        : new OutputPosition(BinaryPrimitives.ReadInt64LittleEndian(payload), BinaryPrimitives.ReadInt64LittleEndian(payload[8..]));

    /// <summary>Where a file of the log begins: only its very first one tells nothing, and is its beginning.</summary>
    public static OutputPosition HeadOf(SafeFileHandle file)
    {
        Span<byte> head = stackalloc byte[HeaderSize + PositionSize];
        return RandomAccess.Read(file, head, 0) == head.Length && TryRead(head, out var frame) && frame.Stream == Position
            ? ReadPosition(head[HeaderSize..])
            : default;
    }

    /// <summary>The same, for who writes frames (tests, tools).</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteInt64LittleEndian(bytes, TimeNanoseconds);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[8..], (uint)Length);
        bytes[12] = Stream;
        bytes[13] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[14..], Magic);
    }
}
