using System.Runtime.InteropServices;
using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Files;

/// <summary>Reads directories by getdents64(2): byte-exact, with types.</summary>
internal static class DirectoryListing
{
    private const int BufferSize = 32768;

    /// <summary>All names but "." and "..", from the start.</summary>
    public static List<DirectoryEntry> Read(DirectoryFd directory)
    {
        // Another open file description: the read position is not shared with concurrent readers.
        using var handle = directory.OpenFile("", OpenFlags.Read | OpenFlags.Directory);
        return Read(handle, directory.ToString());
    }

    private static unsafe List<DirectoryEntry> Read(SafeFileHandle handle, string description)
    {
        var entries = new List<DirectoryEntry>();
        var buffer = new byte[BufferSize];
        while (true)
        {
            nint count;
            fixed (byte* pointer = buffer)
            {
                count = FileCalls.Getdents64(handle, pointer, buffer.Length);
            }

            if (count < 0)
            {
                throw new BundtException(Phase.Store, "list", description, DirectoryFd.LastErrno());
            }

            if (count == 0)
            {
                return entries;
            }

            // struct linux_dirent64: u64 inode, s64 offset, u16 record length, u8 type, name with a zero behind it.
            for (ReadOnlySpan<byte> rest = buffer.AsSpan(0, (int)count); !rest.IsEmpty;)
            {
                var inode = MemoryMarshal.Read<ulong>(rest);
                var length = MemoryMarshal.Read<ushort>(rest[16..]);
                var name = rest[19..length];
                name = name[..name.IndexOf((byte)0)];
                if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                {
                    entries.Add(new DirectoryEntry(UnixName.Decode(name), (FileType)rest[18], inode));
                }

                rest = rest[length..];
            }
        }
    }
}
