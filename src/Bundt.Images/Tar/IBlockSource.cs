namespace Bundt.Images.Tar;

/// <summary>Where a tar's bytes come from: the caller's thread, or another that decompresses ahead.</summary>
internal interface IBlockSource
{
    /// <summary>
    /// The next bytes, valid until the next call; empty at the end. Every piece but the last is a multiple of 512 bytes long.
    /// </summary>
    ReadOnlyMemory<byte> Next();
}
