using System.Runtime.CompilerServices;
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

            FindStarts(files);
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
                        if (frame.TimeNanoseconds > _until)
                        {
                            if (ended is not null)
                            {
                                yield break;
                            }

                            continue;
                        }

                        if (!Wanted(frame) || !Behind(frame.Stream, number, offset, ref bytes))
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
                            bytes = cursor.Join(frame, bytes, f => Wanted(f) && f.TimeNanoseconds <= _until && !Tailed);
                            yield return new OutputFrame(LineSplitter.Visible(frame.Stream), frame.Time, bytes);
                        }
                    }

                    if (walk == 0 && files.Count == 0)
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
                    cursor = Skippable(file) ? null : new LogCursor(file);
                    continue;
                }

                if (over)
                {
                    break;
                }

                if (DateTimeOffset.UtcNow > _options.Until)
                {
                    yield break;
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

    private bool Wanted(LogFrame frame) =>
        (frame.Stream == 1 ? _options.Stdout : _options.Stderr) && frame.TimeNanoseconds >= _since;

    private void FindStarts(Queue<SafeFileHandle> files)
    {
        if (_options.Tail is not { } tail)
        {
            return;
        }

        (_stdoutStart, _stderrStart) = LogTail.Find([.. files], tail, stream => stream == 1 ? _options.Stdout : _options.Stderr);
        // A stream without any line in the tail begins with what comes after these files.
        var after = new LogTail.Start(files.Count - 1, files.Count == 0 ? 0 : RandomAccess.GetLength(files.Last()), 0);
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

    private Timer? Deadline(Task? ended, AsyncSignal signal, CancellationToken cancellation)
    {
        if (ended is null || _options.Until is not { } until || cancellation.IsCancellationRequested)
        {
            return null;
        }

        var wait = until - DateTimeOffset.UtcNow + TimeSpan.FromMilliseconds(1);
        return wait > TimeSpan.FromDays(40) ? null : new Timer(_ => signal.Ring(), null, wait < TimeSpan.Zero ? TimeSpan.Zero : wait, Timeout.InfiniteTimeSpan);
    }
}
