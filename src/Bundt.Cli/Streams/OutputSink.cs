using Bundt.Cli.Output;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Streams;

/// <summary>
/// stdout or stderr in the poll loop: writes what fits and keeps the rest, so that a slow reader of ours does not keep stdin and signals waiting.
/// </summary>
internal sealed class OutputSink(int fd) : IDisposable
{
    // A pipe that polls writable takes this much at once (pipe(7), PIPE_BUF).
    private const int AlwaysFits = 4096;
    private byte[] _pending = [];
    private int _start;
    private int _end;
    private int _nonBlocking = -2;

    /// <summary>Something waits for room: watch for POLLOUT and read nothing more meanwhile.</summary>
    public bool IsPending => _end > _start;

    /// <summary>What to watch.</summary>
    public PollEntry Entry => new(IsPending ? fd : -1, PollEntry.Out);

    /// <summary>Writes what fits, keeps the rest.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (!IsPending)
        {
            bytes = bytes[TryWrite(bytes)..];
        }

        if (bytes.Length == 0)
        {
            return;
        }

        if (_end + bytes.Length > _pending.Length)
        {
            byte[] larger = new byte[Math.Max(_pending.Length * 2, _end - _start + bytes.Length)];
            _pending.AsSpan(_start, _end - _start).CopyTo(larger);
            _end -= _start;
            _start = 0;
            _pending = larger;
        }

        bytes.CopyTo(_pending.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>There is room: goes on with what was kept.</summary>
    public void Continue()
    {
        _start += TryWrite(_pending.AsSpan(_start, _end - _start));
        if (_start == _end)
        {
            _start = _end = 0;
        }
    }

    /// <summary>Writes what was kept, waiting for room.</summary>
    public void Drain()
    {
        StandardStreams.Write(fd, _pending.AsSpan(_start, _end - _start));
        _start = _end = 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_nonBlocking >= 0 && _nonBlocking != fd)
        {
            Descriptors.Close(_nonBlocking);
        }
    }

    private int TryWrite(ReadOnlySpan<byte> bytes)
    {
        int done = 0;
        while (done < bytes.Length)
        {
            ReadOnlySpan<byte> rest = bytes[done..];
            int n;
            if (rest.Length > AlwaysFits && NonBlocking() is >= 0 and int own)
            {
                n = Descriptors.TryWrite(own, rest);
            }
            else
            {
                Span<PollEntry> entry = [new PollEntry(fd, PollEntry.Out)];
                if (PollEntry.Wait(entry, 0) == 0)
                {
                    return done;
                }

                n = Descriptors.TryWrite(fd, rest[..Math.Min(rest.Length, AlwaysFits)]);
            }

            if (n < 0)
            {
                StandardStreams.DieOfBrokenPipe();
            }

            if (n == 0)
            {
                return done;
            }

            done += n;
        }

        return done;
    }

    // Only for pipes and terminals does a new description mean the same place; a file's has an offset of its own, but a file never blocks either.
    private int NonBlocking()
    {
        if (_nonBlocking == -2)
        {
            string? target = new FileInfo($"/proc/self/fd/{fd}").LinkTarget;
            _nonBlocking = target is not null && (target.StartsWith("pipe:", StringComparison.Ordinal) || target.StartsWith("/dev/pts/", StringComparison.Ordinal) || target == "/dev/null")
                ? Descriptors.ReopenNonBlocking(fd)
                : target is not null && target.StartsWith('/') ? fd : -1;
        }

        return _nonBlocking;
    }
}
