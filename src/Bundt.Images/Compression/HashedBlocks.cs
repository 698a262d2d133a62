using System.Security.Cryptography;
using Bundt.Images.Tar;

namespace Bundt.Images.Compression;

/// <summary>Passes blocks through and hashes them where they lie.</summary>
internal sealed class HashedBlocks(IBlockSource source, IncrementalHash hash, CancellationToken cancellation) : IBlockSource
{
    public ReadOnlyMemory<byte> Next()
    {
        cancellation.ThrowIfCancellationRequested();
        var piece = source.Next();
        hash.AppendData(piece.Span);
        return piece;
    }
}
