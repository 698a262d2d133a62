using System.Buffers.Binary;
using System.Globalization;

namespace Bundt.Cli.Streams;

/// <summary>A place in a container's output: how many bytes of each stream come before it, in all of the container's lives. Rotation of the log does not move it.</summary>
internal readonly record struct OutputPosition(long Stdout, long Stderr)
{
    /// <summary>What a frame of the daemon's says: two numbers of 64 bits, big endian.</summary>
    public static OutputPosition Read(ReadOnlySpan<byte> payload) => payload.Length < 16
        ? default
        : new OutputPosition(BinaryPrimitives.ReadInt64BigEndian(payload), BinaryPrimitives.ReadInt64BigEndian(payload[8..]));

    /// <summary>For the query of a request that goes on from here.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"stdout={Stdout}&stderr={Stderr}");
}
