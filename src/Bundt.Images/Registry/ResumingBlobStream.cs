using System.Diagnostics;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Registry;

/// <summary>
/// The bytes of a blob from some byte to its end, read over as many connections as it takes: when one breaks, the next goes on where it ended (Range).
/// A registry that answers a range with the whole blob is read past what is there already. It delivers exactly the descriptor's size or fails; the digest is the reader's to verify.
/// </summary>
internal sealed class ResumingBlobStream : Blobs.ReadOnlyStream
{
    private readonly IReadOnlyList<(RegistryClient Client, string Repository)> _sources;
    private readonly Descriptor _descriptor;
    private readonly CancellationToken _cancellation;
    private readonly RegistryTimings _timings;
    private int _source;
    private int _failures;
    private long _position;
    private long _progressMark;
    private bool _rangesAreLies;
    private BlobBody? _body;
    private long _windowStart;
    private long _windowBytes;

    /// <param name="sources">Where the blob is to be had, best first; the next is asked when one fails for good.</param>
    /// <param name="descriptor">Which blob and how long.</param>
    /// <param name="offset">The first byte wanted.</param>
    /// <param name="cancellation">Ends every wait, also of reads that have no token of their own.</param>
    public ResumingBlobStream(IReadOnlyList<(RegistryClient Client, string Repository)> sources, Descriptor descriptor, long offset, CancellationToken cancellation)
    {
        _sources = sources;
        _descriptor = descriptor;
        _cancellation = cancellation;
        _timings = sources[0].Client.Timings;
        _position = offset;
        _progressMark = offset;
    }

    public override int Read(Span<byte> buffer)
    {
        byte[] copy = System.Buffers.ArrayPool<byte>.Shared.Rent(buffer.Length);
        try
        {
            int read = ReadAsync(copy.AsMemory(0, buffer.Length), CancellationToken.None).AsTask().GetAwaiter().GetResult();
            copy.AsSpan(0, read).CopyTo(buffer);
            return read;
        }
        finally
        {
            System.Buffers.ArrayPool<byte>.Shared.Return(copy);
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource? both = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(_cancellation, cancellationToken) : null;
        CancellationToken cancellation = both?.Token ?? _cancellation;
        while (buffer.Length > 0 && _position < _descriptor.Size)
        {
            try
            {
                _body ??= await OpenAsync(cancellation).ConfigureAwait(false);
                Memory<byte> wanted = buffer[..(int)Math.Min(buffer.Length, _descriptor.Size - _position)];
                int read = await ReadSomeAsync(_body.Content, wanted, cancellation).ConfigureAwait(false);
                if (read == 0)
                {
                    throw new RegistryFailure(RegistryFailureKind.Unreachable, $"{Current.Host.Name} ended blob {_descriptor.Digest} after {_position} of {_descriptor.Size} bytes");
                }

                Account(read);
                if (_position == _descriptor.Size)
                {
                    await ExpectEndAsync(cancellation).ConfigureAwait(false);
                }

                return read;
            }
            catch (RegistryFailure failure)
            {
                await RecoverAsync(failure, cancellation).ConfigureAwait(false);
            }
        }

        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body?.Dispose();
            _body = null;
        }

        base.Dispose(disposing);
    }

    private RegistryClient Current => _sources[_source].Client;

    private void Account(int read)
    {
        _position += read;
        _windowBytes += read;
        if (_position - _progressMark >= _timings.MinimumProgress)
        {
            _progressMark = _position;
            _failures = 0;
        }
    }

    /// <summary>Opens a connection at the current position, or before it and reads up to there.</summary>
    private async Task<BlobBody> OpenAsync(CancellationToken cancellation)
    {
        BlobBody body = await Current.OpenBlobAsync(_sources[_source].Repository, _descriptor, _rangesAreLies ? 0 : _position, cancellation).ConfigureAwait(false);
        try
        {
            _windowStart = Stopwatch.GetTimestamp();
            _windowBytes = 0;
            if (body.Offset > _position)
            {
                throw new RegistryFailure(RegistryFailureKind.Protocol, $"{Current.Host.Name} skips bytes of blob {_descriptor.Digest}") { Code = RegistryClient.WrongRange };
            }

            byte[] skipped = new byte[64 * 1024];
            for (long at = body.Offset; at < _position;)
            {
                int read = await ReadSomeAsync(body.Content, skipped.AsMemory(0, (int)Math.Min(skipped.Length, _position - at)), cancellation).ConfigureAwait(false);
                if (read == 0)
                {
                    throw new RegistryFailure(RegistryFailureKind.Unreachable, $"{Current.Host.Name} ended blob {_descriptor.Digest} after {at} of {_descriptor.Size} bytes");
                }

                at += read;
                _windowBytes += read;
            }

            return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>One read with its deadline, on a connection that must also keep a minimal pace.</summary>
    private async Task<int> ReadSomeAsync(Stream content, Memory<byte> buffer, CancellationToken cancellation)
    {
        if (Stopwatch.GetElapsedTime(_windowStart) > _timings.ProgressWindow)
        {
            if (_windowBytes < _timings.MinimumProgress)
            {
                throw new RegistryFailure(RegistryFailureKind.Unreachable, $"{Current.Host.Name} sends blob {_descriptor.Digest} too slowly ({_windowBytes} bytes in {_timings.ProgressWindow.TotalSeconds:0} s)");
            }

            _windowStart = Stopwatch.GetTimestamp();
            _windowBytes = 0;
        }

        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(_timings.Read);
        try
        {
            return await content.ReadAsync(buffer, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new RegistryFailure(RegistryFailureKind.Unreachable, $"{Current.Host.Name} sent nothing of blob {_descriptor.Digest} for {_timings.Read.TotalSeconds:0} s (ETIMEDOUT)");
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            throw RegistryWire.Unreachable(_body?.Response.RequestMessage?.RequestUri ?? Current.Host.Bases[^1], error);
        }
    }

    /// <summary>The body must end here: a chunked answer that goes on is another blob, or endless.</summary>
    private async Task ExpectEndAsync(CancellationToken cancellation)
    {
        if (_body!.Response.Content.Headers.ContentLength is not null)
        {
            return;
        }

        int more;
        try
        {
            more = await ReadSomeAsync(_body.Content, new byte[1], cancellation).ConfigureAwait(false);
        }
        catch (RegistryFailure)
        {
            // All bytes are here; how the connection ends does not matter.
            return;
        }

        if (more > 0)
        {
            throw Fatal($"{Current.Host.Name} sends more than the {_descriptor.Size} bytes of blob {_descriptor.Digest}", null);
        }
    }

    private async Task RecoverAsync(RegistryFailure failure, CancellationToken cancellation)
    {
        _body?.Dispose();
        _body = null;
        cancellation.ThrowIfCancellationRequested();
        if (failure.Code == RegistryClient.WrongRange && !_rangesAreLies)
        {
            _rangesAreLies = true;
            return;
        }

        _failures++;
        if (_position == _descriptor.Size)
        {
            throw failure;
        }

        if (!failure.IsTransient || _failures >= _timings.Attempts)
        {
            if (_source + 1 >= _sources.Count)
            {
                throw failure;
            }

            _source++;
            _failures = 0;
            _rangesAreLies = false;
            return;
        }

        TimeSpan pause = failure.RetryAfter is { } asked && asked > TimeSpan.Zero ? asked
            : _failures == 1 && failure.Kind == RegistryFailureKind.Unreachable ? TimeSpan.Zero // It brought something and broke: go on at once.
            : _timings.PauseBefore(_failures);
        await Task.Delay(pause < _timings.LongestPause ? pause : _timings.LongestPause, cancellation).ConfigureAwait(false);
    }

    private static RegistryFailure Fatal(string message, Exception? inner) => new(RegistryFailureKind.Protocol, message, null, inner);
}
