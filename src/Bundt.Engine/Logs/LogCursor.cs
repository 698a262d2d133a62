using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Logs;

/// <summary>Walks the frames of one log file through a large buffer. A torn or damaged frame ends the walk where it stands.</summary>
/// <param name="file">The file.</param>
/// <param name="end">What is written behind this offset is not looked at.</param>
internal sealed class LogCursor(SafeFileHandle file, long end = long.MaxValue)
{
    // A follower of a quiet log keeps the small buffer; who has much to read gets the large one.
    private const int LargestBuffer = 512 * 1024;

    private byte[] _buffer = new byte[32 * 1024];
    private int _begin;
    private int _end;
    private long _position;
    private bool _filled;

    /// <summary>Where in the file the next frame is expected.</summary>
    public long Offset => _position - (_end - _begin);

    /// <summary>Moves to a frame's offset.</summary>
    public void Seek(long offset)
    {
        _position = offset;
        _begin = _end = 0;
    }

    /// <summary>
    /// The next whole frame, false when there is none (yet): more may be written later, and the walk then goes on.
    /// The bytes are valid until the next call and may be overwritten by the caller.
    /// </summary>
    public bool Next(out LogFrame frame, out long offset, out Memory<byte> bytes)
    {
        offset = Offset;
        bytes = default;
        if (!Ensure(LogFrame.HeaderSize, out frame) || !LogFrame.TryRead(_buffer.AsSpan(_begin), out frame) || !Ensure(LogFrame.HeaderSize + frame.Length, out _))
        {
            return false;
        }

        bytes = _buffer.AsMemory(_begin + LogFrame.HeaderSize, frame.Length);
        _begin += LogFrame.HeaderSize + frame.Length;
        return true;
    }

    /// <summary>
    /// Appends to the bytes that <see cref="Next"/> has just given those of the following frames of the same stream, as far as they lie in the
    /// buffer already and are accepted: the payloads are moved together, over the headers between them.
    /// </summary>
    public Memory<byte> Join(LogFrame first, Memory<byte> bytes, Func<LogFrame, bool> accept)
    {
        var start = _begin - bytes.Length;
        var length = bytes.Length;
        while (_end - _begin >= LogFrame.HeaderSize
            && LogFrame.TryRead(_buffer.AsSpan(_begin), out var frame)
            && frame.Stream == first.Stream
            && _end - _begin >= LogFrame.HeaderSize + frame.Length
            && accept(frame))
        {
            _buffer.AsSpan(_begin + LogFrame.HeaderSize, frame.Length).CopyTo(_buffer.AsSpan(start + length));
            length += frame.Length;
            _begin += LogFrame.HeaderSize + frame.Length;
        }

        return _buffer.AsMemory(start, length);
    }

    private bool Ensure(int length, out LogFrame none)
    {
        none = default;
        if (_end - _begin >= length)
        {
            return true;
        }

        _buffer.AsSpan(_begin, _end - _begin).CopyTo(_buffer);
        _end -= _begin;
        _begin = 0;
        if (length > _buffer.Length || (_filled && _buffer.Length < LargestBuffer))
        {
            Array.Resize(ref _buffer, Math.Max(length, LargestBuffer));
        }

        _filled = false;

        while (_end < length)
        {
            var room = (int)Math.Min(_buffer.Length - _end, end - _position);
            var count = room <= 0 ? 0 : RandomAccess.Read(file, _buffer.AsSpan(_end, room), _position);
            if (count == 0)
            {
                return false;
            }

            _end += count;
            _position += count;
            _filled = _end == _buffer.Length;
        }

        return true;
    }
}
