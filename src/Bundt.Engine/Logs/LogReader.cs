using System.Runtime.CompilerServices;
using System.Text;
using Bundt.Linux.Watches;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Logs;

/// <summary>Reads a container's log, rotated or not, and follows it: no frame is lost or doubled, and the end needs no polling.</summary>
internal sealed class LogReader
{
    private readonly string _directory;
    private readonly LogOptions _options;
    private readonly long _since;
    private readonly long _until;
    private LogTail.Start _stdoutStart;
    private LogTail.Start _stderrStart;

    /// <summary>Where the next frame begins.</summary>
    private OutputPosition _at;

    /// <summary>Where the next file begins if nothing was lost; null: that cannot be told.</summary>
    private OutputPosition? _expected;

    private volatile bool _isOver;

    private LogReader(string directory, LogOptions options)
    {
        _directory = directory;
        _options = options;
        _since = options.Since is { } since ? UnixTime.ToNanoseconds(since) : long.MinValue;
        _until = options.Until is { } until ? UnixTime.ToNanoseconds(until) : long.MaxValue;
    }

    /// <summary>Reads.</summary>
    /// <param name="directory">The container's directory.</param>
    /// <param name="options">What is wanted.</param>
    /// <param name="watch">Tells of new frames.</param>
    /// <param name="ended">Completes when the container's run has ended and its log is complete; null: nothing will be added.</param>
    /// <param name="cancellation">Ends the reading.</param>
    public static IAsyncEnumerable<OutputFrame> ReadAsync(
        string directory, LogOptions options, KernelWatch watch, Task? ended, CancellationToken cancellation) =>
        new LogReader(directory, options).ReadAsync(watch, options.Follow ? ended : null, cancellation);

    private async IAsyncEnumerable<OutputFrame> ReadAsync(KernelWatch watch, Task? ended, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var signal = new AsyncSignal();
        using var subscription = ended is null ? null : watch.WatchDirectory(
            _directory,
            DirectoryChanges.Written | DirectoryChanges.Created | DirectoryChanges.MovedTo,
            (what, name) =>
            {
                if (name.StartsWith("stdio.log", StringComparison.Ordinal) || (what & DirectoryChanges.Unknown) != 0)
                {
                    signal.Ring();
                }
            });
        using var deadline = Deadline(ended, signal, cancellation);
        var lines = _options.Timestamps ? new LineSplitter() : null;
        var files = new Queue<SafeFileHandle>();
        SafeFileHandle? file = null;
        try
        {
            foreach (var found in LogFiles.OpenAll(_directory))
            {
                files.Enqueue(found);
            }

            // Who does not follow gets what is there now: a container may write faster than he reads.
            var newest = ended is null ? files.LastOrDefault() : null;
            var end = newest is null ? long.MaxValue : RandomAccess.GetLength(newest);
            FindStarts(files, end);
            PassOver(files);
            var caughtUp = !_options.Located;
            var number = -1;
            LogCursor? cursor = null;
            while (true)
            {
                signal.Reset();
                var over = ended is null || ended.IsCompleted;

                // Twice: what the first walk does not see may have been written before the rotation that is noticed in between.
                for (var walk = 0; walk < 2; walk++)
                {
                    while (cursor is not null && cursor.Next(out var frame, out var offset, out var bytes))
                    {
                        if (frame.Stream == LogFrame.Position)
                        {
                            foreach (var lost in Arrive(LogFrame.ReadPosition(bytes.Span), atHead: offset == 0))
                            {
                                foreach (var told in lines is null ? [Locate(lost, _at)] : lines.Split(lost.Frame, lost.Bytes))
                                {
                                    yield return told;
                                }
                            }

                            continue;
                        }

                        var begin = _at;
                        _at = _at.Behind(frame.Stream, frame.Length);
                        if (frame.TimeNanoseconds > _until)
                        {
                            if (ended is not null)
                            {
                                yield break;
                            }

                            continue;
                        }

                        if (!Wanted(frame) || !Behind(frame.Stream, number, offset, ref bytes) || !Unseen(frame.Stream, begin, ref bytes))
                        {
                            continue;
                        }

                        cancellation.ThrowIfCancellationRequested();
                        if (lines is not null)
                        {
                            foreach (var line in lines.Split(frame, bytes))
                            {
                                yield return line;
                            }
                        }
                        else
                        {
                            begin = begin.Behind(frame.Stream, frame.Length - bytes.Length);
                            var joined = _options.Timed ? bytes : cursor.Join(frame, bytes, f => Wanted(f) && f.TimeNanoseconds <= _until && !Tailed);
                            _at = _at.Behind(frame.Stream, joined.Length - bytes.Length);
                            yield return Locate((frame, joined), begin);
                        }
                    }

                    if (walk == 0 && files.Count == 0 && ended is not null)
                    {
                        foreach (var newer in file is null ? LogFiles.OpenAll(_directory) : LogFiles.OpenAfter(_directory, file))
                        {
                            files.Enqueue(newer);
                        }
                    }
                }

                if (files.TryDequeue(out var next))
                {
                    file?.Dispose();
                    file = next;
                    number++;
                    _expected = cursor is not null ? _at.Later(_options.From ?? default) : number == 0 ? _options.From : null;
                    cursor = Skippable(file) ? null : new LogCursor(file, file == newest ? end : long.MaxValue);
                    continue;
                }

                if (over)
                {
                    break;
                }

                if (_isOver)
                {
                    yield break;
                }

                if (!caughtUp)
                {
                    caughtUp = true;
                    yield return new OutputFrame(0, 0, default) { At = _at.Later(_options.From ?? default) };
                }

                await Task.WhenAny(signal.Rung, ended!).WaitAsync(cancellation).ConfigureAwait(false);
            }

            if (lines is not null)
            {
                foreach (var rest in lines.Finish())
                {
                    yield return rest;
                }
            }
        }
        finally
        {
            file?.Dispose();
            foreach (var rest in files)
            {
                rest.Dispose();
            }
        }
    }

    /// <summary>Whether a tail's start has not been passed yet by both streams: then each frame is looked at by itself.</summary>
    private bool Tailed { get; set; }

    private bool Wanted(LogFrame frame) => Wanted(frame.Stream) && frame.TimeNanoseconds >= _since;

    private bool Wanted(byte stream) => stream switch
    {
        1 => _options.Stdout,
        2 or LogFrame.Note => _options.Stderr,
        _ => false,
    };

    /// <summary>As the caller sees it.</summary>
    private OutputFrame Locate((LogFrame Frame, ReadOnlyMemory<byte> Bytes) piece, OutputPosition at) => _options.Located
        ? new OutputFrame(piece.Frame.Stream, piece.Frame.TimeNanoseconds, piece.Bytes) { At = at }
        : new OutputFrame(LineSplitter.Visible(piece.Frame.Stream), piece.Frame.TimeNanoseconds, piece.Bytes);

    /// <summary>The log says where it stands: at a file's head that may be behind what has been read so far, which then is lost.</summary>
    private IEnumerable<(LogFrame Frame, ReadOnlyMemory<byte> Bytes)> Arrive(OutputPosition at, bool atHead)
    {
        _at = at;
        if (!atHead || _expected is not { } expected)
        {
            yield break;
        }

        for (byte stream = 1; stream <= 2; stream++)
        {
            var lost = at.Of(stream) - expected.Of(stream);
            if (lost > 0 && Wanted(stream))
            {
                var note = Encoding.UTF8.GetBytes($"bundt: {lost} bytes of {(stream == 1 ? "stdout" : "stderr")} are lost: the log was rotated before they were read\n");
                yield return (new LogFrame(UnixTime.ToNanoseconds(DateTimeOffset.UtcNow), note.Length, LogFrame.Note), note);
            }
        }
    }

    /// <summary>Whether a frame brings something behind the position from which is read; cuts what lies before it.</summary>
    private bool Unseen(byte stream, OutputPosition begin, ref Memory<byte> bytes)
    {
        if (_options.From is not { } from)
        {
            return true;
        }

        if (stream == LogFrame.Note)
        {
            return begin.Later(from) == begin;
        }

        var seen = from.Of(stream) - begin.Of(stream);
        if (seen >= bytes.Length)
        {
            return false;
        }

        bytes = bytes[(int)Math.Max(seen, 0)..];
        return true;
    }

    /// <summary>Drops the files that lie wholly before the position from which is read.</summary>
    private void PassOver(Queue<SafeFileHandle> files)
    {
        while (_options.From is { } from && files.Count > 1)
        {
            var next = LogFrame.HeadOf(files.ElementAt(1));
            if (next.Later(from) != from)
            {
                return;
            }

            files.Dequeue().Dispose();
        }
    }

    private void FindStarts(Queue<SafeFileHandle> files, long end)
    {
        if (_options.Tail is not { } tail)
        {
            return;
        }

        (_stdoutStart, _stderrStart) = LogTail.Find([.. files], end, tail, Wanted);
        // A stream without any line in the tail begins with what comes after these files.
        var after = new LogTail.Start(files.Count - 1, files.Count == 0 ? 0 : Math.Min(end, RandomAccess.GetLength(files.Last())), 0);
        _stdoutStart = _stdoutStart == LogTail.Start.Nothing ? after : _stdoutStart;
        _stderrStart = _stderrStart == LogTail.Start.Nothing ? after : _stderrStart;
        Tailed = true;
    }

    /// <summary>Whether a frame lies behind its stream's start; cuts it where the start lies inside.</summary>
    private bool Behind(byte stream, int file, long offset, ref Memory<byte> bytes)
    {
        if (!Tailed)
        {
            return true;
        }

        var at = new LogTail.Start(file, offset, 0);
        var start = stream == 1 ? _stdoutStart : _stderrStart;
        if (start.File == file && start.Offset == offset)
        {
            bytes = bytes[start.Skip..];
        }
        else if (at.CompareTo(start) < 0)
        {
            return false;
        }

        Tailed = at.CompareTo(_stdoutStart) <= 0 || at.CompareTo(_stderrStart) <= 0;
        return true;
    }

    private bool Skippable(SafeFileHandle file) =>
        _options.Since is { } since && File.GetLastWriteTimeUtc(file) < since.UtcDateTime - TimeSpan.FromSeconds(1) && !_options.Follow;

    // The timer alone says when: it and the time of day are different clocks, and it rings once.
    private Timer? Deadline(Task? ended, AsyncSignal signal, CancellationToken cancellation)
    {
        if (ended is null || _options.Until is not { } until || cancellation.IsCancellationRequested)
        {
            return null;
        }

        var wait = until - DateTimeOffset.UtcNow;
        _isOver = wait <= TimeSpan.Zero;
        return _isOver || wait > TimeSpan.FromDays(40) ? null : new Timer(_ => Over(signal), null, wait, Timeout.InfiniteTimeSpan);
    }

    private void Over(AsyncSignal signal)
    {
        _isOver = true;
        signal.Ring();
    }
}
