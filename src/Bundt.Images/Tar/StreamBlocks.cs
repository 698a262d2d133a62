namespace Bundt.Images.Tar;

/// <summary>Reads a stream in the caller's thread.</summary>
internal sealed class StreamBlocks(Stream stream, int size = StreamBlocks.DefaultSize) : IBlockSource
{
    public const int DefaultSize = 256 * 1024;

    private readonly byte[] _buffer = new byte[size];

    public ReadOnlyMemory<byte> Next() => _buffer.AsMemory(0, stream.ReadAtLeast(_buffer, _buffer.Length, throwOnEndOfStream: false));
}
