using Bundt.Linux.Interop;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;
using Errno = Bundt.Linux.Errno;

namespace Bundt.Linux.Files;

// Making, renaming and removing names. Each method resolves the parent and acts on (parent fd, single name).
public sealed partial class DirectoryFd
{
    /// <summary>Makes a directory; the mode is cut by the umask.</summary>
    public void CreateDirectory(string path, UnixFileMode mode)
    {
        var errno = TryCreateDirectory(path, mode);
        if (errno != Errno.None)
        {
            throw Failure("mkdir", path, errno);
        }
    }

    /// <summary>Makes a symbolic link at <paramref name="path"/> that says <paramref name="target"/>, whatever that means.</summary>
    public void Symlink(string target, string path)
    {
        _ = UnixName.Encode(target);
        using var parent = ParentOf(path);
        Check(Syscall.symlinkat(target, parent.Fd, parent.Name), "symlink", path);
    }

    /// <summary>Gives the inode at <paramref name="existing"/> (not followed if a link) another name. Both are below this directory.</summary>
    public void Link(string existing, string path)
    {
        using var from = ParentOf(existing);
        using var to = ParentOf(path);
        Check(Syscall.linkat(from.Fd, from.Name, to.Fd, to.Name, 0), "link", path);
    }

    /// <summary>Makes a fifo, socket or device node. The mode is cut by the umask; 0:0 as character device is an overlay whiteout.</summary>
    public void MakeNode(string path, FileType type, UnixFileMode mode, uint major = 0, uint minor = 0)
    {
        var bits = type switch
        {
            FileType.Fifo => FilePermissions.S_IFIFO,
            FileType.CharacterDevice => FilePermissions.S_IFCHR,
            FileType.BlockDevice => FilePermissions.S_IFBLK,
            FileType.Socket => FilePermissions.S_IFSOCK,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "a node is a fifo, socket or device"),
        };
        using var parent = ParentOf(path);
        Check(Syscall.mknodat(parent.Fd, parent.Name, bits | (FilePermissions)(uint)mode, MakeDevice(major, minor)), "mknod", path);
    }

    /// <summary>Removes a name that is no directory. A link is removed, not followed.</summary>
    public void Unlink(string path)
    {
        var errno = TryUnlink(path, 0);
        if (errno != Errno.None)
        {
            throw Failure("unlink", path, errno);
        }
    }

    /// <summary>Removes a name that is no directory, if it is there.</summary>
    public bool UnlinkIfExists(string path)
    {
        var errno = TryUnlink(path, 0);
        return errno switch
        {
            Errno.None => true,
            Errno.ENOENT => false,
            _ => throw Failure("unlink", path, errno),
        };
    }

    /// <summary>Removes an empty directory.</summary>
    public void RemoveDirectory(string path)
    {
        var errno = TryUnlink(path, FileCalls.AT_REMOVEDIR);
        if (errno != Errno.None)
        {
            throw Failure("rmdir", path, errno);
        }
    }

    /// <summary>
    /// Removes whatever stands at a name, a directory with everything in it; nothing if it does not exist. Follows no link, enters no
    /// mount (EBUSY), needs no more memory or descriptors for a deep tree than for a flat one.
    /// </summary>
    public void RemoveTree(string path)
    {
        using var parent = ParentOf(path);
        TreeRemoval.Remove(parent.Directory, parent.Name);
    }

    /// <summary>Renames below this directory.</summary>
    /// <param name="from">Existing name.</param>
    /// <param name="to">New name.</param>
    /// <param name="how">Replace, refuse or swap when the new name exists.</param>
    public void Rename(string from, string to, RenameMode how = RenameMode.Replace) => Rename(from, this, to, how);

    /// <summary>Renames into another directory of the same file system.</summary>
    public unsafe void Rename(string from, DirectoryFd toDirectory, string to, RenameMode how = RenameMode.Replace)
    {
        using var source = ParentOf(from);
        using var target = toDirectory.ParentOf(to);
        fixed (byte* oldName = Terminated(source.Name), newName = Terminated(target.Name))
        {
            if (FileCalls.Renameat2(source.Handle, oldName, target.Handle, newName, (uint)how) != 0)
            {
                throw Failure("rename", from, LastErrno());
            }
        }
    }

    /// <summary>The names in this directory without "." and "..", in the order of the file system.</summary>
    public IReadOnlyList<DirectoryEntry> Entries() => DirectoryListing.Read(this);

    /// <summary>Makes a directory, the mode cut by the umask; for callers to whom failure (EEXIST) is an answer.</summary>
    public unsafe Errno TryCreateDirectory(string path, UnixFileMode mode)
    {
        using var parent = ParentOf(path);
        fixed (byte* name = Terminated(parent.Name))
        {
            return FileCalls.mkdirat(parent.Handle, name, (uint)mode) == 0 ? Errno.None : LastErrno();
        }
    }

    internal unsafe Errno TryUnlink(string path, int flags)
    {
        using var parent = ParentOf(path);
        fixed (byte* name = Terminated(parent.Name))
        {
            return FileCalls.unlinkat(parent.Handle, name, flags) == 0 ? Errno.None : LastErrno();
        }
    }

    private static byte[] Terminated(string name)
    {
        var bytes = new byte[UnixName.MaxBytes(name)];
        UnixName.Encode(name, bytes);
        return bytes;
    }

    // The encoding of dev_t in glibc (gnu_dev_makedev): 32 bits of each number.
    private static ulong MakeDevice(uint major, uint minor) =>
        ((ulong)(major & 0xfffff000) << 32) | ((ulong)(major & 0xfff) << 8) | ((ulong)(minor & 0xffffff00) << 12) | (minor & 0xff);

    private void Check(int result, string operation, string path)
    {
        if (result != 0)
        {
            throw Failure(operation, path, LastErrno());
        }
    }

    private Parent ParentOf(string path)
    {
        var trimmed = path.TrimEnd('/');
        var slash = trimmed.LastIndexOf('/');
        var name = trimmed[(slash + 1)..];
        if (name.Length == 0 || name is "." or "..")
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"\"{path}\" names no entry of a directory");
        }

        _ = UnixName.Encode(name);
        return slash <= 0
            ? new Parent(this, name, false)
            : new Parent(new DirectoryFd(OpenFile(trimmed[..slash], OpenFlags.PathOnly | OpenFlags.Directory), Describe(trimmed[..slash])), name, true);
    }

    private readonly ref struct Parent
    {
        private readonly bool _own;
        private readonly HeldFd _held;

        public Parent(DirectoryFd directory, string name, bool own)
        {
            Directory = directory;
            Name = name;
            _own = own;
            _held = new HeldFd(directory.Handle);
        }

        public DirectoryFd Directory { get; }

        public string Name { get; }

        public SafeFileHandle Handle => Directory.Handle;

        public int Fd => _held.Fd;

        public void Dispose()
        {
            _held.Dispose();
            if (_own)
            {
                Directory.Dispose();
            }
        }
    }
}
