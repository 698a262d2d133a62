namespace Bundt.Engine;

/// <summary>A piece of output.</summary>
/// <param name="Stream">1 stdout, 2 stderr. Where positions were asked for also 3, a note about the output, and 0, a position alone.</param>
/// <param name="TimeNanoseconds">When it was written, since 1970; 0 for what comes as it is written.</param>
/// <param name="Bytes">What was written.</param>
public readonly record struct OutputFrame(byte Stream, long TimeNanoseconds, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The stream number of a note: bytes that were dropped or lost.</summary>
    public const byte Note = 3;

    /// <summary>Where it begins; null where no positions were asked for.</summary>
    public OutputPosition? At { get; init; }
}
