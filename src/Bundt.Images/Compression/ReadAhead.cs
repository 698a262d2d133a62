using Bundt.Images.Tar;

namespace Bundt.Images.Compression;

/// <summary>
/// Reads a stream on a thread of its own, a bounded number of buffers ahead, so that decompression and the writing of files overlap.
/// One consumer.
/// </summary>
internal sealed class ReadAhead : IBlockSource, IDisposable
{
    private const int BufferSize = 256 * 1024;
    private const int BufferCount = 4;

    private readonly object _lock = new();
    private readonly Queue<byte[]> _free = new();
    private readonly Queue<(byte[] Buffer, int Length)> _full = new();
    private readonly Thread _thread;
    private readonly Stream _source;
    private byte[]? _current;
    private Exception? _failure;
    private bool _ended;
    private bool _stopped;

    public ReadAhead(Stream source)
    {
        _source = source;
        for (var i = 0; i < BufferCount; i++)
        {
            _free.Enqueue(new byte[BufferSize]);
        }

        _thread = new Thread(Produce, 256 * 1024) { IsBackground = true, Name = "layer-inflate" };
        _thread.Start();
    }

    public ReadOnlyMemory<byte> Next()
    {
        lock (_lock)
        {
            if (_current is not null)
            {
                _free.Enqueue(_current);
                _current = null;
                Monitor.PulseAll(_lock);
            }

            while (_full.Count == 0 && !_ended)
            {
                Monitor.Wait(_lock);
            }

            if (_full.TryDequeue(out var piece))
            {
                _current = piece.Buffer;
                return piece.Buffer.AsMemory(0, piece.Length);
            }

            if (_failure is not null)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
            }

            return default;
        }
    }

    /// <summary>Stops the thread and waits until it has let go of the source; a read under way is waited for.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _stopped = true;
            Monitor.PulseAll(_lock);
        }

        _thread.Join();
    }

    private void Produce()
    {
        try
        {
            while (TakeFree() is { } buffer)
            {
                var length = _source.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
                lock (_lock)
                {
                    if (length > 0)
                    {
                        _full.Enqueue((buffer, length));
                    }

                    _ended = length < buffer.Length;
                    Monitor.PulseAll(_lock);
                    if (_ended)
                    {
                        return;
                    }
                }
            }
        }
        catch (Exception e)
        {
            lock (_lock)
            {
                _failure = e;
            }
        }
        finally
        {
            lock (_lock)
            {
                _ended = true;
                Monitor.PulseAll(_lock);
            }
        }
    }

    private byte[]? TakeFree()
    {
        lock (_lock)
        {
            while (_free.Count == 0 && !_stopped)
            {
                Monitor.Wait(_lock);
            }

            return _stopped ? null : _free.Dequeue();
        }
    }
}
