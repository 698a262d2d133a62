using System.Globalization;
using Bundt.Linux.Interop;

namespace Bundt.Linux.Files;

/// <summary>Replaces whole files so that a reader, and whoever comes after a crash, sees the old content or the new one.</summary>
public static class AtomicFile
{
    /// <summary>Prefix of the names under which new content is written beside. What a crash leaves behind begins with it.</summary>
    public const string TemporaryPrefix = ".new-";

    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private static int s_counter;

    /// <summary>Writes a file beside and renames it into place.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="name">One name, no path.</param>
    /// <param name="content">All of it.</param>
    /// <param name="durable">Survive a power failure too: fsync of the file before, of the directory after the rename. SIGKILL needs none.</param>
    /// <param name="mode">Mode of the file, cut by the umask; 0600 when not given.</param>
    public static unsafe void Replace(DirectoryFd directory, string name, ReadOnlySpan<byte> content, bool durable, UnixFileMode mode = OwnerOnly)
    {
        var (file, temporary) = CreateBeside(directory, mode);
        try
        {
            using (file)
            {
                fixed (byte* start = content)
                {
                    for (var written = 0; written < content.Length;)
                    {
                        var count = FileCalls.write(file, start + written, content.Length - written);
                        if (count < 0 && DirectoryFd.LastErrno() != Errno.EINTR)
                        {
                            throw directory.Failure("write", name, DirectoryFd.LastErrno());
                        }

                        written += Math.Max(0, (int)count);
                    }
                }

                if (durable && FileCalls.fsync(file) != 0)
                {
                    throw directory.Failure("fsync", name, DirectoryFd.LastErrno());
                }
            }

            directory.Rename(temporary, name);
        }
        catch
        {
            directory.TryUnlink(temporary, 0);
            throw;
        }

        if (durable)
        {
            directory.Sync();
        }
    }

    /// <summary>Removes what a crash left beside the files of a directory. Only while nobody replaces files there.</summary>
    public static void RemoveLeftovers(DirectoryFd directory)
    {
        foreach (var entry in directory.Entries())
        {
            if (entry.Name.StartsWith(TemporaryPrefix, StringComparison.Ordinal))
            {
                directory.UnlinkIfExists(entry.Name);
            }
        }
    }

    private static (Microsoft.Win32.SafeHandles.SafeFileHandle File, string Name) CreateBeside(DirectoryFd directory, UnixFileMode mode)
    {
        while (true)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"{TemporaryPrefix}{Environment.ProcessId}-{Interlocked.Increment(ref s_counter)}");
            var errno = directory.TryOpen(name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, mode, out var file);
            if (errno == Errno.None)
            {
                return (file!, name);
            }

            // A process of the same pid, before a crash or a reboot, left one.
            if (errno != Errno.EEXIST)
            {
                throw directory.Failure("create", name, errno);
            }
        }
    }
}
