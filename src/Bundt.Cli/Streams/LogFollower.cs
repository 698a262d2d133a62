using System.Globalization;
using System.Text;
using Bundt.Cli.Output;

namespace Bundt.Cli.Streams;

/// <summary>
/// Lines of a followed log that carry their time, so that a client whose daemon was killed can ask for what came after the last one and leave out what
/// it has shown already.
/// </summary>
/// <param name="showTimes">Whether the user asked for the times.</param>
internal sealed class LogFollower(bool showTimes) : IDisposable
{
    private readonly MemoryStream _stdout = new();
    private readonly MemoryStream _stderr = new();
    private string _lastTime = "";
    private int _shownOfLastTime;
    private int _toSkip;
    private string _skipTime = "";

    /// <summary>For <c>since</c> of the next request: seconds and nanoseconds of the last line; null before the first.</summary>
    public string? ResumePoint
    {
        get
        {
            if (_lastTime.Length == 0)
            {
                return null;
            }

            int point = _lastTime.IndexOf('.', StringComparison.Ordinal);
            string fraction = point < 0 ? "" : new string([.. _lastTime.Skip(point + 1).TakeWhile(char.IsAsciiDigit)]);
            long seconds = DateTimeOffset.Parse(_lastTime, CultureInfo.InvariantCulture).ToUnixTimeSeconds();
            return string.Create(CultureInfo.InvariantCulture, $"{seconds}.{fraction.PadRight(9, '0')}");
        }
    }

    /// <summary>The connection was lost: the lines of the last time will come once more, unfinished ones too.</summary>
    public void Rewind()
    {
        _stdout.SetLength(0);
        _stderr.SetLength(0);
        _skipTime = _lastTime;
        _toSkip = _shownOfLastTime;
    }

    /// <summary>Takes bytes of a stream (1 or 2).</summary>
    public void Take(int stream, ReadOnlySpan<byte> bytes)
    {
        MemoryStream pending = stream == 2 ? _stderr : _stdout;
        while (bytes.IndexOf((byte)'\n') is >= 0 and int newline)
        {
            ReadOnlySpan<byte> line = bytes[..(newline + 1)];
            bytes = bytes[(newline + 1)..];
            if (pending.Length > 0)
            {
                pending.Write(line);
                Show(stream, pending.GetBuffer().AsSpan(0, (int)pending.Length));
                pending.SetLength(0);
            }
            else
            {
                Show(stream, line);
            }
        }

        pending.Write(bytes);
    }

    /// <summary>The log ended: shows last lines that have no end.</summary>
    public void Finish()
    {
        foreach ((int stream, MemoryStream pending) in ((int, MemoryStream)[])[(1, _stdout), (2, _stderr)])
        {
            if (pending.Length > 0)
            {
                Show(stream, pending.GetBuffer().AsSpan(0, (int)pending.Length));
                pending.SetLength(0);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _stdout.Dispose();
        _stderr.Dispose();
    }

    private void Show(int stream, ReadOnlySpan<byte> line)
    {
        int space = line.IndexOf((byte)' ');
        ReadOnlySpan<byte> time = space < 0 ? line : line[..space];
        string text = _lastTime;
        Span<char> characters = stackalloc char[64];
        if (time.Length <= characters.Length)
        {
            int n = Encoding.ASCII.GetChars(time, characters);
            if (!characters[..n].SequenceEqual(_lastTime))
            {
                text = new string(characters[..n]);
            }
        }

        if (_toSkip > 0 && text == _skipTime)
        {
            _toSkip--;
            return;
        }

        _shownOfLastTime = text == _lastTime ? _shownOfLastTime + 1 : 1;
        _lastTime = text;
        StandardStreams.Write(stream, showTimes ? line : line[(space + 1)..]);
    }
}
