using System.Buffers;
using System.Text;

namespace Bundt.Engine.Logs;

/// <summary>Turns frames into lines that begin with their time. A line's time is that of its first byte.</summary>
internal sealed class LineSplitter
{
    /// <summary>A line that grows longer is passed on in pieces, the later ones without a time.</summary>
    private const int LongestLine = 64 * 1024;

    private readonly Partial _stdout = new(1);
    private readonly Partial _stderr = new(2);

    /// <summary>The stream that a frame is shown on: the monitor's own notes come as stderr.</summary>
    public static byte Visible(byte stream) => stream == 1 ? (byte)1 : (byte)2;

    /// <summary>The lines that end in these bytes.</summary>
    public IEnumerable<OutputFrame> Split(LogFrame frame, ReadOnlyMemory<byte> bytes)
    {
        var partial = frame.Stream == 1 ? _stdout : _stderr;
        while (!bytes.IsEmpty)
        {
            var end = bytes.Span.IndexOf((byte)'\n');
            partial.Append(frame, end < 0 ? bytes : bytes[..(end + 1)]);
            bytes = end < 0 ? default : bytes[(end + 1)..];
            if (end >= 0 || partial.Length > LongestLine)
            {
                yield return partial.Take(ended: end >= 0);
            }
        }

        if (frame.Stream == LogFrame.Note && partial.Length > 0)
        {
            yield return partial.Take(ended: true);
        }
    }

    /// <summary>What is left without a line's end.</summary>
    public IEnumerable<OutputFrame> Finish()
    {
        if (_stdout.Length > 0)
        {
            yield return _stdout.Take(ended: true);
        }

        if (_stderr.Length > 0)
        {
            yield return _stderr.Take(ended: true);
        }
    }

    private sealed class Partial(byte stream)
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();
        private long _time;
        private bool _inLine;

        public int Length => _bytes.WrittenCount;

        public void Append(LogFrame frame, ReadOnlyMemory<byte> bytes)
        {
            if (_bytes.WrittenCount == 0 && !_inLine)
            {
                _time = frame.TimeNanoseconds;
                _bytes.Write(Encoding.ASCII.GetBytes(UnixTime.ToText(_time)));
                _bytes.Write(" "u8);
            }

            _bytes.Write(bytes.Span);
        }

        public OutputFrame Take(bool ended)
        {
            var line = _bytes.WrittenSpan.ToArray();
            _bytes.ResetWrittenCount();
            _inLine = !ended;
            return new OutputFrame(stream, _time, line);
        }
    }
}
