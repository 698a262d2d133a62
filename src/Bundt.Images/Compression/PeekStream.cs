using Bundt.Images.Blobs;

namespace Bundt.Images.Compression;

/// <summary>
/// A read buffer in front of a stream, whose first bytes can be looked at. Decompressors read 8 KB or single bytes at a time; the source
/// (which hashes and writes what passes) sees 128 KB.
/// </summary>
internal sealed class PeekStream(Stream source) : ReadOnlyStream
{
    private readonly byte[] _buffer = new byte[131072];
    private int _start;
    private int _end;
    private long _position;

    /// <summary>Bytes that were read; xz pads its blocks by it.</summary>
    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>The next bytes without taking them; fewer at the end.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        if (_end - _start < count)
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
            _end += source.ReadAtLeast(_buffer.AsSpan(_end), count - _end, throwOnEndOfStream: false);
        }

        return _buffer.AsSpan(_start, Math.Min(count, _end - _start));
    }

    public override int Read(Span<byte> buffer)
    {
        if (_start == _end)
        {
            if (buffer.Length >= _buffer.Length)
            {
                var direct = source.Read(buffer);
                _position += direct;
                return direct;
            }

            _start = 0;
            _end = source.Read(_buffer);
        }

        var count = Math.Min(buffer.Length, _end - _start);
        _buffer.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        _position += count;
        return count;
    }

    public override int ReadByte()
    {
        if (_start == _end)
        {
            _start = 0;
            _end = source.Read(_buffer);
            if (_end == 0)
            {
                return -1;
            }
        }

        _position++;
        return _buffer[_start++];
    }

    /// <summary>Reads the source to its end. Whoever hashes it must see what stands behind the compressed data too.</summary>
    public void Drain()
    {
        do
        {
            _start = 0;
            _end = source.Read(_buffer);
        }
        while (_end > 0);
    }
}
