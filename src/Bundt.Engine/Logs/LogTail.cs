using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Logs;

/// <summary>
/// Finds where the last n lines begin. Files are searched from the newest to the oldest and only as far as needed. A line belongs to one
/// stream, and lines of two streams may interleave: each stream has a start of its own.
/// </summary>
internal static class LogTail
{
    /// <summary>Where each stream's output begins: the file's index, the frame's offset in it, and how many of the frame's bytes to skip.</summary>
    internal readonly record struct Start(int File, long Offset, int Skip) : IComparable<Start>
    {
        public static Start Nothing { get; } = new(int.MaxValue, 0, 0);

        public int CompareTo(Start other) =>
            File != other.File ? File.CompareTo(other.File) : Offset != other.Offset ? Offset.CompareTo(other.Offset) : Skip.CompareTo(other.Skip);
    }

    /// <summary>The starts of stdout and stderr (the monitor's notes count as stderr).</summary>
    /// <param name="files">Oldest first.</param>
    /// <param name="end">Where the newest file ends for this reader.</param>
    /// <param name="lines">How many lines of the wanted streams together.</param>
    /// <param name="wanted">Whether a stream's lines count.</param>
    public static (Start Stdout, Start Stderr) Find(IReadOnlyList<SafeFileHandle> files, long end, int lines, Func<byte, bool> wanted)
    {
        if (lines <= 0)
        {
            return (Start.Nothing, Start.Nothing);
        }

        var found = new List<(Start Start, int Stream)>();
        // What the file after this one begins with, by stream: the rest of a line, if this file ends inside one.
        Span<Start?> continued = [null, null];
        for (var file = files.Count - 1; file >= 0; file--)
        {
            var scan = Scan(files[file], file, file == files.Count - 1 ? end : long.MaxValue, lines, wanted);
            for (var stream = 0; stream < 2; stream++)
            {
                if (continued[stream] is { } begin)
                {
                    if (!scan.Seen[stream])
                    {
                        // Nothing of this stream here: the question goes on to the file before.
                        continue;
                    }

                    if (!scan.InLine[stream])
                    {
                        found.Add((begin, stream));
                    }
                }

                continued[stream] = scan.First[stream];
            }

            found.AddRange(scan.Starts);
            if (found.Count >= lines)
            {
                // Enough, unless a beginning that may be a line's lies among the last ones.
                found.Sort((a, b) => a.Start.CompareTo(b.Start));
                var earliest = found[^lines].Start;
                if (!(continued[0]?.CompareTo(earliest) > 0) && !(continued[1]?.CompareTo(earliest) > 0))
                {
                    break;
                }
            }

            if (file == 0)
            {
                for (var stream = 0; stream < 2; stream++)
                {
                    if (continued[stream] is { } begin)
                    {
                        found.Add((begin, stream));
                    }
                }
            }
        }

        found.Sort((a, b) => a.Start.CompareTo(b.Start));
        var last = found.Skip(Math.Max(0, found.Count - lines)).ToList();
        return (First(last, 0), First(last, 1));
    }

    private static Start First(List<(Start Start, int Stream)> starts, int stream)
    {
        foreach (var (start, of) in starts)
        {
            if (of == stream)
            {
                return start;
            }
        }

        return Start.Nothing;
    }

    private static FileScan Scan(SafeFileHandle file, int index, long limit, int lines, Func<byte, bool> wanted)
    {
        var scan = new FileScan();
        var starts = new Queue<(Start, int)>();
        var cursor = new LogCursor(file, limit);
        while (cursor.Next(out var frame, out var offset, out var bytes))
        {
            if (!wanted(frame.Stream) || bytes.IsEmpty)
            {
                continue;
            }

            var stream = frame.Stream == 1 ? 0 : 1;
            var payload = bytes.Span;
            if (!scan.Seen[stream])
            {
                scan.Seen[stream] = true;
                scan.First[stream] = new Start(index, offset, 0);
            }
            else if (!scan.InLine[stream])
            {
                Remember(starts, lines, (new Start(index, offset, 0), stream));
            }

            for (var position = 0; ;)
            {
                var end = payload[position..].IndexOf((byte)'\n');
                if (end < 0)
                {
                    scan.InLine[stream] = true;
                    break;
                }

                position += end + 1;
                if (position == payload.Length)
                {
                    scan.InLine[stream] = false;
                    break;
                }

                Remember(starts, lines, (new Start(index, offset, position), stream));
            }
        }

        scan.Starts = starts;
        return scan;
    }

    private static void Remember(Queue<(Start, int)> starts, int lines, (Start, int) start)
    {
        if (starts.Count == lines)
        {
            starts.Dequeue();
        }

        starts.Enqueue(start);
    }

    private sealed class FileScan
    {
        /// <summary>Line starts behind the first byte of each stream, in order.</summary>
        public IEnumerable<(Start, int)> Starts { get; set; } = [];

        /// <summary>The first byte of each stream: a line's start only if the file before ended with a line's end.</summary>
        public Start?[] First { get; } = [null, null];

        public bool[] Seen { get; } = [false, false];

        /// <summary>Whether the file ends inside a line of the stream.</summary>
        public bool[] InLine { get; } = [false, false];
    }
}
