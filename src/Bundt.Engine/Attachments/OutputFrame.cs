namespace Bundt.Engine;

/// <summary>A piece of output. Stream: 1 stdout, 2 stderr.</summary>
public readonly record struct OutputFrame(byte Stream, DateTimeOffset Time, ReadOnlyMemory<byte> Bytes);
