using System.Runtime.InteropServices;
using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Linux.Files;

/// <summary>
/// A directory that is held open, and the one way to touch what lies below it. Every path is resolved by openat2(2) inside this directory:
/// by default as if it were the root (RESOLVE_IN_ROOT: absolute links and ".." stay inside, as in a chroot), never through magic links.
/// The last name is then acted on relative to its parent's fd and is never followed, unless a method says so. Names are byte-exact
/// (<see cref="UnixName"/>). Safe for concurrent use. Failures are <see cref="BundtException"/>s with the errno.
/// </summary>
public sealed partial class DirectoryFd : IDisposable
{
    // openat2 answers EAGAIN when a rename raced with ".." (openat2(2)); an attacker can provoke it for as long as he likes.
    private const int MaxRetries = 256;

    private readonly string _description;

    private DirectoryFd(SafeFileHandle handle, string description)
    {
        Handle = handle;
        _description = description;
    }

    /// <summary>The open directory.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>A path by which this process can reach the directory: /proc/self/fd/N. Valid while this object lives.</summary>
    public string ProcPath => "/proc/self/fd/" + (int)Handle.DangerousGetHandle();

    /// <summary>Opens a directory of the host by a trusted path, following links as the host does.</summary>
    public static DirectoryFd OpenHost(string path)
    {
        var how = new FileCalls.OpenHow { Flags = (ulong)(FileCalls.O_CLOEXEC | FileCalls.O_DIRECTORY) };
        return new DirectoryFd(Open(null, path, how, path), path);
    }

    /// <summary>Takes over an open directory, for instance one received over a socket.</summary>
    /// <param name="handle">The directory; disposed with this object.</param>
    /// <param name="description">How error messages call it.</param>
    public static DirectoryFd Adopt(SafeFileHandle handle, string description) => new(handle, description);

    /// <summary>Opens a directory below this one, following links inside.</summary>
    public DirectoryFd OpenDirectory(string path, OpenFlags flags = 0) =>
        new(OpenFile(path, flags | OpenFlags.Read | OpenFlags.Directory), Describe(path));

    /// <summary>Opens a directory below this one and makes what is missing of it, with this exact mode for new directories.</summary>
    public DirectoryFd EnsureDirectory(string path, UnixFileMode mode)
    {
        if (TryOpen(path, OpenFlags.Read | OpenFlags.Directory, 0, out var found) is var first && first == Errno.None)
        {
            return new DirectoryFd(found!, Describe(path));
        }

        if (first != Errno.ENOENT)
        {
            throw Failure("open", path, first);
        }

        var current = Duplicate();
        foreach (var name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            DirectoryFd next;
            if (current.TryOpen(name, OpenFlags.Read | OpenFlags.Directory, 0, out var handle) == Errno.None)
            {
                next = new DirectoryFd(handle!, current.Describe(name));
            }
            else
            {
                var made = current.TryCreateDirectory(name, mode);
                if (made is not (Errno.None or Errno.EEXIST))
                {
                    throw current.Failure("mkdir", name, made);
                }

                next = current.OpenDirectory(name);
                if (made == Errno.None && FileCalls.fchmod(next.Handle, (uint)mode) != 0)
                {
                    throw current.Failure("chmod", name, LastErrno());
                }
            }

            current.Dispose();
            current = next;
        }

        return current;
    }

    /// <summary>
    /// Opens a file below this directory. A path that someone else controls may name a fifo or a device, whose opening blocks or acts:
    /// for data use <see cref="ReadAll"/> or <see cref="OpenRegular"/>.
    /// </summary>
    /// <param name="path">Relative path; a leading slash means this directory.</param>
    /// <param name="flags">How.</param>
    /// <param name="mode">Mode of a new file, cut by the umask.</param>
    public SafeFileHandle OpenFile(string path, OpenFlags flags, UnixFileMode mode = 0)
    {
        var errno = TryOpen(path, flags, mode, out var handle);
        return errno == Errno.None ? handle! : throw Failure(flags.HasFlag(OpenFlags.Create) ? "create" : "open", path, errno);
    }

    /// <summary>Opens an existing regular file for reading and nothing else: a fifo or device at that path is refused without being opened.</summary>
    /// <exception cref="BundtException">InvalidArgument when it is no regular file.</exception>
    public SafeFileHandle OpenRegular(string path)
    {
        using var reference = OpenFile(path, OpenFlags.PathOnly);
        var type = Stat(reference).Type;
        if (type != FileType.Regular)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"{Describe(path)} is not a regular file");
        }

        // Opening our own descriptor reaches this very inode, whatever the name means by now.
        var how = new FileCalls.OpenHow { Flags = (ulong)(FileCalls.O_CLOEXEC | FileCalls.O_NOCTTY | FileCalls.O_NONBLOCK) };
        using var held = new HeldFd(reference);
        return Open(null, "/proc/self/fd/" + held.Fd, how, Describe(path));
    }

    /// <summary>The content of a regular file. Never blocks on a fifo or device.</summary>
    /// <param name="path">Relative path, links inside are followed.</param>
    /// <param name="maxBytes">A longer file is refused with EFBIG.</param>
    public byte[] ReadAll(string path, int maxBytes)
    {
        using var file = OpenRegular(path);
        var length = RandomAccess.GetLength(file);
        if (length > maxBytes)
        {
            throw Failure("read", path, Errno.EFBIG);
        }

        // One byte more than the length shows the end in the same call; files of procfs say length 0, and a file may grow meanwhile.
        var buffer = new byte[length + 1];
        var total = 0;
        while (true)
        {
            int count;
            try
            {
                count = RandomAccess.Read(file, buffer.AsSpan(total), total);
            }
            catch (IOException e)
            {
                throw new BundtException(FailureKind.Internal, Phase.Store, $"read {Describe(path)}: {BundtException.Reason(e)}", null, e);
            }

            if (count == 0)
            {
                return buffer.AsSpan(0, total).ToArray();
            }

            total += count;
            if (total > maxBytes)
            {
                throw Failure("read", path, Errno.EFBIG);
            }

            if (total == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min(Math.Max(4096L, buffer.Length * 2L), maxBytes + 1L));
            }
        }
    }

    /// <summary>Whether a name exists (a dangling link does).</summary>
    public bool Exists(string path) => TryStat(path) is not null;

    /// <summary>Another descriptor of the same directory.</summary>
    public DirectoryFd Duplicate()
    {
        const int F_DUPFD_CLOEXEC = 1030;
        var fd = FileCalls.fcntl(Handle, F_DUPFD_CLOEXEC, 3);
        return fd >= 0 ? new DirectoryFd(new SafeFileHandle(fd, true), _description) : throw Failure("duplicate", "", LastErrno());
    }

    /// <summary>
    /// Locks the directory against others who lock it (flock(2)), until this object is disposed of or the process ends, however it ends.
    /// </summary>
    /// <param name="wait">Wait for whoever has locked it.</param>
    /// <returns>False: somebody else has.</returns>
    public bool Lock(bool wait)
    {
        while (FileCalls.flock(Handle, FileCalls.LOCK_EX | (wait ? 0 : FileCalls.LOCK_NB)) != 0)
        {
            switch (LastErrno())
            {
                case Errno.EINTR:
                    continue;
                case Errno.EAGAIN when !wait:
                    return false;
                case var errno:
                    throw Failure("flock", "", errno);
            }
        }

        return true;
    }

    /// <summary>Writes this directory's entries to the disk (fsync).</summary>
    public void Sync()
    {
        if (FileCalls.fsync(Handle) != 0)
        {
            throw Failure("fsync", "", LastErrno());
        }
    }

    /// <summary>Writes everything of the file system that holds this directory to the disk (syncfs); fails if a write-back failed.</summary>
    public void SyncFileSystem()
    {
        if (FileCalls.syncfs(Handle) != 0)
        {
            throw Failure("syncfs", "", LastErrno());
        }
    }

    /// <inheritdoc/>
    public override string ToString() => _description;

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();

    internal static Errno LastErrno() => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>The exception for a failed operation on a path below this directory.</summary>
    public BundtException Failure(string operation, string path, Errno errno) =>
        new(Phase.Store, operation, Describe(path), errno, null, errno == Errno.ENOENT ? FailureKind.NotFound : FailureKind.Internal);

    internal string Describe(string path) =>
        (path.Length == 0 ? _description : _description.TrimEnd('/') + "/" + path.TrimStart('/')).Replace("\0", "\\", StringComparison.Ordinal);

    /// <summary>Opens below this directory as <see cref="OpenFile"/> does; for callers to whom failure is an answer.</summary>
    public unsafe Errno TryOpen(string path, OpenFlags flags, UnixFileMode mode, out SafeFileHandle? handle)
    {
        var how = new FileCalls.OpenHow
        {
            Flags = (ulong)Translate(flags),
            Mode = flags.HasFlag(OpenFlags.Create) ? (ulong)mode : 0,
            Resolve = FileCalls.RESOLVE_NO_MAGICLINKS
                | (flags.HasFlag(OpenFlags.Beneath) ? FileCalls.RESOLVE_BENEATH : FileCalls.RESOLVE_IN_ROOT)
                | (flags.HasFlag(OpenFlags.NoSymlinks) ? FileCalls.RESOLVE_NO_SYMLINKS : 0)
                | (flags.HasFlag(OpenFlags.NoMounts) ? FileCalls.RESOLVE_NO_XDEV : 0),
        };
        var capacity = UnixName.MaxBytes(path) + 1;
        Span<byte> bytes = capacity <= 1024 ? stackalloc byte[capacity] : new byte[capacity];
        if (UnixName.Encode(path, bytes) == 0)
        {
            bytes[0] = (byte)'.';
            bytes[1] = 0;
        }

        fixed (byte* name = bytes)
        {
            for (var attempt = 0; ; attempt++)
            {
                var fd = FileCalls.Openat2(Handle, name, &how);
                if (fd >= 0)
                {
                    handle = new SafeFileHandle(fd, true);
                    return Errno.None;
                }

                var errno = LastErrno();
                if (errno == Errno.EINTR || (errno == Errno.EAGAIN && attempt < MaxRetries))
                {
                    continue;
                }

                handle = null;
                return errno;
            }
        }
    }

    private static unsafe SafeFileHandle Open(SafeFileHandle? directory, string path, FileCalls.OpenHow how, string description)
    {
        var bytes = new byte[UnixName.MaxBytes(path)];
        UnixName.Encode(path, bytes);
        fixed (byte* name = bytes)
        {
            while (true)
            {
                var fd = directory is null ? FileCalls.Openat2(FileCalls.AT_FDCWD, name, &how) : FileCalls.Openat2(directory, name, &how);
                if (fd >= 0)
                {
                    return new SafeFileHandle(fd, true);
                }

                var errno = LastErrno();
                if (errno != Errno.EINTR)
                {
                    throw new BundtException(
                        Phase.Store, "open", description, errno, null, errno == Errno.ENOENT ? FailureKind.NotFound : FailureKind.Internal);
                }
            }
        }
    }

    private static int Translate(OpenFlags flags)
    {
        if (flags.HasFlag(OpenFlags.PathOnly))
        {
            return FileCalls.O_PATH | FileCalls.O_CLOEXEC
                | (flags.HasFlag(OpenFlags.Directory) ? FileCalls.O_DIRECTORY : 0)
                | (flags.HasFlag(OpenFlags.NoFollow) ? FileCalls.O_NOFOLLOW : 0);
        }

        var access = !flags.HasFlag(OpenFlags.Write) ? 0 : flags.HasFlag(OpenFlags.Read) ? FileCalls.O_RDWR : FileCalls.O_WRONLY;
        return access | FileCalls.O_CLOEXEC | FileCalls.O_NOCTTY
            | (flags.HasFlag(OpenFlags.Create) ? FileCalls.O_CREAT : 0)
            | (flags.HasFlag(OpenFlags.Exclusive) ? FileCalls.O_EXCL : 0)
            | (flags.HasFlag(OpenFlags.Truncate) ? FileCalls.O_TRUNC : 0)
            | (flags.HasFlag(OpenFlags.Append) ? FileCalls.O_APPEND : 0)
            | (flags.HasFlag(OpenFlags.NoFollow) ? FileCalls.O_NOFOLLOW : 0)
            | (flags.HasFlag(OpenFlags.NonBlocking) ? FileCalls.O_NONBLOCK : 0)
            | (flags.HasFlag(OpenFlags.Directory) ? FileCalls.O_DIRECTORY : 0);
    }
}
