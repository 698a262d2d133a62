using System.Buffers;
using System.Buffers.Binary;
using Bundt.Linux;
using Bundt.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Images.Layers;

/// <summary>
/// Remembers which times directories shall have once all is written into them. Beyond a megabyte it remembers on disk: the number of
/// directories is the layer's choice.
/// </summary>
internal sealed class DirectoryTimes(DirectoryFd scratch) : IDisposable
{
    private const string FileName = "directory-times";
    private const int FlushSize = 1 << 20;
    private const int FixedSize = 16;

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private SafeFileHandle? _file;
    private long _length;

    public void Add(string path, FileTime modified)
    {
        var name = UnixName.Encode(path);
        var record = _buffer.GetSpan(FixedSize + name.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record, modified.Seconds);
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], modified.Nanoseconds);
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], name.Length);
        name.CopyTo(record[FixedSize..]);
        _buffer.Advance(FixedSize + name.Length);
        if (_buffer.WrittenCount >= FlushSize)
        {
            _file ??= scratch.OpenFile(FileName, OpenFlags.Read | OpenFlags.Write | OpenFlags.Create | OpenFlags.Truncate, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            RandomAccess.Write(_file, _buffer.WrittenSpan, _length);
            _length += _buffer.WrittenCount;
            _buffer.ResetWrittenCount();
        }
    }

    /// <summary>Sets the times in the order in which they were added.</summary>
    public void Apply(DirectoryFd root)
    {
        if (_file is not null)
        {
            // A flush ends at a record's end, so what was flushed at once is read back in pieces that end anywhere.
            var piece = new byte[FlushSize * 2];
            var kept = 0;
            for (long offset = 0; offset < _length;)
            {
                var count = RandomAccess.Read(_file, piece.AsSpan(kept), offset);
                offset += count;
                var used = Apply(root, piece.AsSpan(0, kept + count));
                kept = kept + count - used;
                piece.AsSpan(used, kept).CopyTo(piece);
            }
        }

        Apply(root, _buffer.WrittenSpan);
    }

    public void Dispose()
    {
        if (_file is not null)
        {
            _file.Dispose();
            scratch.UnlinkIfExists(FileName);
        }
    }

    private static int Apply(DirectoryFd root, ReadOnlySpan<byte> records)
    {
        var used = 0;
        while (records.Length - used >= FixedSize)
        {
            var record = records[used..];
            var length = BinaryPrimitives.ReadInt32LittleEndian(record[12..]);
            if (record.Length < FixedSize + length)
            {
                break;
            }

            var time = new FileTime(BinaryPrimitives.ReadInt64LittleEndian(record), BinaryPrimitives.ReadUInt32LittleEndian(record[8..]));
            var path = UnixName.Decode(record.Slice(FixedSize, length));
            used += FixedSize + length;
            // A later entry may have removed the directory or put something else in its place.
            if (root.TryOpen(path, OpenFlags.Read | OpenFlags.Directory | OpenFlags.NoFollow, 0, out var directory) == Errno.None)
            {
                using (directory)
                {
                    DirectoryFd.SetTimes(directory!, time, time);
                }
            }
        }

        return used;
    }
}
