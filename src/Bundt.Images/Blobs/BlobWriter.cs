using System.Security.Cryptography;
using Bundt.Oci.Distribution;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Images.Blobs;

/// <summary>A blob that gets its digest by being written. Disposing without <see cref="Commit"/> throws it away.</summary>
public sealed class BlobWriter : IDisposable
{
    private readonly BlobStore _store;
    private readonly string _name;
    private readonly SafeFileHandle _file;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private string? _digest;
    private bool _committed;

    internal BlobWriter(BlobStore store, string name, SafeFileHandle file)
    {
        _store = store;
        _name = name;
        _file = file;
    }

    /// <summary>Bytes written so far.</summary>
    public long Length { get; private set; }

    /// <summary>Adds bytes at the end.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        BlobStore.Write(_file, bytes, Length, "a new blob");
        _hash.AppendData(bytes);
        Length += bytes.Length;
    }

    /// <summary>Ends the writing and answers the digest of it all.</summary>
    public string Finish() => _digest ??= ContentDigest.Finish(_hash);

    /// <summary>Makes the blob visible and answers its digest.</summary>
    public string Commit()
    {
        var digest = Finish();
        BlobStore.Flush(_file, "a new blob");
        _store.Publish(_name, digest);
        _committed = true;
        return digest;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _hash.Dispose();
        if (!_committed)
        {
            _store.DropPartial(_name);
        }
    }

    internal byte[] ReadAll()
    {
        var content = new byte[Length];
        for (var read = 0; read < content.Length;)
        {
            var count = RandomAccess.Read(_file, content.AsSpan(read), read);
            read += count > 0 ? count : throw new EndOfStreamException(_name);
        }

        return content;
    }
}
