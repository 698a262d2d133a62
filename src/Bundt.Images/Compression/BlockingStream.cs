using Bundt.Images.Blobs;

namespace Bundt.Images.Compression;

/// <summary>
/// Reads a stream that allows asynchronous reads only (an HTTP request's body) from a thread of our own that may block.
/// </summary>
internal sealed class BlockingStream(Stream source, CancellationToken cancellation) : ReadOnlyStream
{
    private readonly byte[] _buffer = new byte[131072];
    private int _start;
    private int _end;

    public override int Read(Span<byte> buffer)
    {
        if (_start == _end)
        {
            _start = 0;
            _end = source.ReadAsync(_buffer, cancellation).AsTask().GetAwaiter().GetResult();
        }

        var count = Math.Min(buffer.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }
}
