using System.Security.Cryptography;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Images.Blobs;

/// <summary>
/// A blob on its way into the store. Its bytes are written to a partial file as they pass and become visible by <see cref="Commit"/>,
/// if size and digest are right. Disposing without a commit keeps the partial file: the next ingest goes on behind it.
/// </summary>
public sealed class BlobIngest : IDisposable
{
    private readonly BlobStore _store;
    private readonly SafeFileHandle? _file;
    private readonly IDisposable _turn;
    private readonly IncrementalHash _hash;
    private long _hashed;
    private bool _done;

    internal BlobIngest(BlobStore store, string digest, long size, SafeFileHandle? file, long kept, IDisposable turn)
    {
        _store = store;
        Digest = digest;
        Size = size;
        _file = file;
        Offset = kept;
        _turn = turn;
        _hash = ContentDigest.StartLike(digest);
    }

    /// <summary>The blob's digest.</summary>
    public string Digest { get; }

    /// <summary>Its size by its descriptor, −1 when unknown.</summary>
    public long Size { get; }

    /// <summary>The blob is in the store already: nothing to do.</summary>
    public bool IsPresent => _file is null;

    /// <summary>Bytes that are in the partial file; a download goes on from here (HTTP Range).</summary>
    public long Offset { get; private set; }

    /// <summary>Throws the partial file's bytes away: the source begins at byte 0 again. Not after <see cref="Tee"/> has been read from.</summary>
    public void Restart()
    {
        if (_hashed != 0)
        {
            throw new InvalidOperationException("bytes of this ingest were passed on already");
        }

        RandomAccess.SetLength(_file!, 0);
        Offset = 0;
    }

    /// <summary>
    /// A stream of the whole blob from byte 0: what the partial file holds, then what <paramref name="source"/> (positioned at
    /// <see cref="Offset"/>) brings, which is stored as it is read. Reading fails when the source has more bytes than the blob's size,
    /// or ends before.
    /// </summary>
    /// <param name="source">The rest of the blob; disposed with the stream.</param>
    /// <param name="progress">Told the number of bytes that have passed so far.</param>
    public Stream Tee(Stream source, Action<long>? progress = null) => new IngestStream(this, source, progress);

    /// <summary>Reads the source to its end into the store, without looking at the content, and commits.</summary>
    public async Task CopyAsync(Stream source, CancellationToken cancellation)
    {
        var tee = Tee(source);
        await using (tee.ConfigureAwait(false))
        {
            var buffer = new byte[131072];
            while (await tee.ReadAsync(buffer, cancellation).ConfigureAwait(false) > 0)
            {
            }
        }

        Commit();
    }

    /// <summary>Verifies size and digest and makes the blob visible. What is wrong is thrown away.</summary>
    /// <exception cref="BundtException">Size or digest differ.</exception>
    public void Commit()
    {
        if (_done || IsPresent)
        {
            return;
        }

        var size = _hashed;
        var actual = ContentDigest.Finish(_hash);
        if (size != Offset || (Size >= 0 && size != Size) || actual != Digest)
        {
            _done = true;
            _store.DropPartial(BlobStore.PartialNameOf(Digest));
            throw Size >= 0 && size != Size
                ? new BundtException(FailureKind.Internal, Phase.Pull, $"blob {Digest} has {size} bytes instead of {Size}")
                : new BundtException(
                    FailureKind.Internal, Phase.Pull, $"blob {Digest} has the digest {actual}", "The registry or a proxy sent wrong bytes; try again");
        }

        BlobStore.Flush(_file!, "blob " + Digest);
        _store.Publish(BlobStore.PartialNameOf(Digest), Digest);
        _done = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file?.Dispose();
        _hash.Dispose();
        _turn.Dispose();
    }

    /// <summary>Takes bytes that came from the source.</summary>
    internal void Append(ReadOnlySpan<byte> bytes)
    {
        if (Size >= 0 && _hashed + bytes.Length > Size)
        {
            _done = true;
            _store.DropPartial(BlobStore.PartialNameOf(Digest));
            throw new BundtException(FailureKind.Internal, Phase.Pull, $"blob {Digest} has more than its {Size} bytes");
        }

        BlobStore.Write(_file!, bytes, Offset, "a blob");
        _hash.AppendData(bytes);
        Offset += bytes.Length;
        _hashed += bytes.Length;
    }

    /// <summary>Reads back what an earlier ingest stored; 0 when all of it has passed.</summary>
    internal int ReadKept(Span<byte> buffer)
    {
        var count = RandomAccess.Read(_file!, buffer[..(int)Math.Min(buffer.Length, Offset - _hashed)], _hashed);
        _hash.AppendData(buffer[..count]);
        _hashed += count;
        return count;
    }

    private sealed class IngestStream(BlobIngest ingest, Stream source, Action<long>? progress) : ReadOnlyStream
    {
        public override int Read(Span<byte> buffer)
        {
            var count = ingest._hashed < ingest.Offset ? ingest.ReadKept(buffer) : Pass(buffer, source.Read(buffer));
            progress?.Invoke(ingest._hashed);
            return count;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (ingest._hashed < ingest.Offset)
            {
                return Read(buffer.Span);
            }

            var read = await source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            var count = Pass(buffer.Span, read);
            progress?.Invoke(ingest._hashed);
            return count;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                source.Dispose();
            }

            base.Dispose(disposing);
        }

        private int Pass(Span<byte> buffer, int count)
        {
            if (count > 0)
            {
                ingest.Append(buffer[..count]);
            }
            else if (buffer.Length > 0 && ingest._hashed < ingest.Size)
            {
                throw new BundtException(
                    FailureKind.Unavailable,
                    Phase.Pull,
                    $"blob {ingest.Digest} ended after {ingest._hashed} of {ingest.Size} bytes",
                    "Try again: what has arrived is kept");
            }

            return count;
        }
    }
}
