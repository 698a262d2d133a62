using System.IO.Compression;
using Bundt.Images.Blobs;
using Bundt.Linux;
using SharpCompress.Compressors.ZStandard;

namespace Bundt.Images.Compression;

/// <summary>
/// Opens compressed archives by their first bytes: gzip, zstd, xz, bzip2 or none. No decompressor's end proves that the data is
/// complete (a cut gzip simply ends): digests and the tar's end marker do.
/// </summary>
internal static class Inflater
{
    /// <summary>The uncompressed bytes of a stream. The source is read in big pieces and not disposed.</summary>
    public static Stream Open(PeekStream source)
    {
        return Sniff(source.Peek(6)) switch
        {
            CompressionKind.Gzip => new GZipStream(source, CompressionMode.Decompress, leaveOpen: true),
            CompressionKind.Zstd => new DecompressionStream(source, 131072, checkEndOfStream: true, leaveOpen: true),
            CompressionKind.Xz => new ConcatenatedXzStream(source),
            CompressionKind.Bzip2 => SharpCompress.Compressors.BZip2.BZip2Stream.Create(
                source, SharpCompress.Compressors.CompressionMode.Decompress, decompressConcatenated: true, leaveOpen: true),
            _ => source,
        };
    }

    /// <summary>What the first six bytes (or fewer, of a shorter stream) say.</summary>
    public static CompressionKind Sniff(ReadOnlySpan<byte> magic) =>
        magic.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]) ? CompressionKind.Gzip
        : IsZstd(magic) ? CompressionKind.Zstd
        : magic.StartsWith((ReadOnlySpan<byte>)[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) ? CompressionKind.Xz
        : magic.StartsWith("BZh"u8) ? CompressionKind.Bzip2
        : CompressionKind.None;

    /// <summary>Says that damaged compressed data is damaged, whatever the decompressor threw; null for other failures.</summary>
    public static BundtException? Explain(Exception failure, Phase phase, string what) => failure switch
    {
        InvalidDataException or ZstdException or SharpCompress.Common.SharpCompressException or IndexOutOfRangeException
            => new BundtException(FailureKind.InvalidArgument, phase, $"{what}: the compressed data is damaged ({failure.Message})", null, failure),
        _ => null,
    };

    private static bool IsZstd(ReadOnlySpan<byte> magic) =>
        magic.StartsWith((ReadOnlySpan<byte>)[0x28, 0xb5, 0x2f, 0xfd])
        || (magic.Length >= 4 && (magic[0] & 0xf0) == 0x50 && magic[1..4].SequenceEqual((ReadOnlySpan<byte>)[0x2a, 0x4d, 0x18]));

    /// <summary>The xz format allows streams one after another; SharpCompress stops after the first without an error.</summary>
    private sealed class ConcatenatedXzStream(PeekStream source) : ReadOnlyStream
    {
        private SharpCompress.Compressors.Xz.XZStream? _current = new(source);

        public override int Read(Span<byte> buffer)
        {
            while (_current is not null)
            {
                var count = _current.Read(buffer);
                if (count > 0 || buffer.IsEmpty)
                {
                    return count;
                }

                _current.Dispose();
                _current = null;
                SkipPadding();
                if (source.Peek(1).Length > 0)
                {
                    _current = new SharpCompress.Compressors.Xz.XZStream(source);
                }
            }

            return 0;
        }

        protected override void Dispose(bool disposing)
        {
            _current?.Dispose();
            base.Dispose(disposing);
        }

        // Stream padding: zeros in multiples of four (xz file format, section 2.2).
        private void SkipPadding()
        {
            Span<byte> one = stackalloc byte[1];
            while (source.Peek(1) is [0])
            {
                source.ReadExactly(one);
            }
        }
    }
}
