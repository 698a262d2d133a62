using System.Text;
using Bundt.Linux.Interop;
using Bundt.Linux.Mounts;
using Microsoft.Win32.SafeHandles;
using Mono.Unix.Native;
using Errno = Bundt.Linux.Errno;

namespace Bundt.Linux.Files;

// Reading and changing the attributes of names below the directory and of open files.
public sealed partial class DirectoryFd
{
    /// <summary>The status of an open file (any descriptor, O_PATH too).</summary>
    public static unsafe FileStatus Stat(SafeFileHandle file)
    {
        FileCalls.Statx result;
        byte empty = 0;
        return FileCalls.StatxAt(file, &empty, FileCalls.AT_EMPTY_PATH, &result) == 0
            ? FileStatus.From(result)
            : throw new BundtException(Phase.Store, "stat", null, LastErrno());
    }

    /// <summary>The status of this directory.</summary>
    public FileStatus Stat() => Stat(Handle);

    /// <summary>The status of a name; <paramref name="follow"/> follows a link at the end, inside the directory.</summary>
    public FileStatus Stat(string path, bool follow = false)
    {
        var errno = TryStat(path, follow, out var status);
        return errno == Errno.None ? status : throw Failure("stat", path, errno);
    }

    /// <summary>The status of a name, or null when there is none (ENOENT, ENOTDIR).</summary>
    public FileStatus? TryStat(string path, bool follow = false) => TryStat(path, follow, out var status) switch
    {
        Errno.None => status,
        Errno.ENOENT or Errno.ENOTDIR => null,
        var errno => throw Failure("stat", path, errno),
    };

    /// <summary>What a symbolic link says.</summary>
    public unsafe string ReadLink(string path)
    {
        using var parent = ParentOf(path);
        var buffer = stackalloc byte[4096];
        fixed (byte* name = Terminated(parent.Name))
        {
            var length = FileCalls.readlinkat(parent.Handle, name, buffer, 4096);
            return length >= 0 ? UnixName.Decode(new ReadOnlySpan<byte>(buffer, (int)length)) : throw Failure("readlink", path, LastErrno());
        }
    }

    /// <summary>Sets owner and group of a name, not following a link.</summary>
    public void SetOwner(string path, uint uid, uint gid)
    {
        using var parent = ParentOf(path);
        Check(Syscall.fchownat(parent.Fd, parent.Name, uid, gid, AtFlags.AT_SYMLINK_NOFOLLOW), "chown", path);
    }

    /// <summary>Sets owner and group of an open file.</summary>
    public static void SetOwner(SafeFileHandle file, uint uid, uint gid)
    {
        if (FileCalls.fchown(file, uid, gid) != 0)
        {
            throw new BundtException(Phase.Store, "chown", null, LastErrno());
        }
    }

    /// <summary>Sets the mode of a name. A symbolic link has none and is never followed: EOPNOTSUPP.</summary>
    public unsafe void SetMode(string path, UnixFileMode mode)
    {
        using var parent = ParentOf(path);
        // Linux 6.6 has a chmod that does not follow; before it the C library goes through /proc, which a jail lacks.
        int result;
        fixed (byte* name = Terminated(parent.Name))
        {
            result = FileCalls.Fchmodat2(parent.Handle, name, (uint)mode, FileCalls.AT_SYMLINK_NOFOLLOW);
        }

        if (result != 0 && LastErrno() is Errno.ENOSYS or Errno.EPERM)
        {
            // In a jail nobody else renames: what is no link now is none in the next call.
            var follow = Jail.IsInside && parent.Directory.Stat(parent.Name).Type != FileType.SymbolicLink;
            result = Syscall.fchmodat(parent.Fd, parent.Name, (FilePermissions)(uint)mode, follow ? 0 : AtFlags.AT_SYMLINK_NOFOLLOW);
        }

        Check(result, "chmod", path);
    }

    /// <summary>Sets the mode of an open file.</summary>
    public static void SetMode(SafeFileHandle file, UnixFileMode mode)
    {
        if (FileCalls.fchmod(file, (uint)mode) != 0)
        {
            throw new BundtException(Phase.Store, "chmod", null, LastErrno());
        }
    }

    /// <summary>Sets the times of a name, not following a link.</summary>
    public void SetTimes(string path, FileTime accessed, FileTime modified)
    {
        using var parent = ParentOf(path);
        Check(Syscall.utimensat(parent.Fd, parent.Name, Timespecs(accessed, modified), AtFlags.AT_SYMLINK_NOFOLLOW), "set times of", path);
    }

    /// <summary>Sets the times of an open file.</summary>
    public static void SetTimes(SafeFileHandle file, FileTime accessed, FileTime modified)
    {
        using var held = new HeldFd(file);
        if (Syscall.futimens(held.Fd, Timespecs(accessed, modified)) != 0)
        {
            throw new BundtException(Phase.Store, "set times", null, LastErrno());
        }
    }

    /// <summary>An extended attribute's value, or null when the name has none of that name (ENODATA) or the file system keeps none.</summary>
    public byte[]? GetXattr(string path, string attribute)
    {
        using var parent = ParentOf(path);
        var target = XattrPath(parent);
        var value = new byte[256];
        while (true)
        {
            var length = Syscall.lgetxattr(target, attribute, value, (ulong)value.Length);
            if (length >= 0)
            {
                return value.AsSpan(0, (int)length).ToArray();
            }

            switch (LastErrno())
            {
                case Errno.ERANGE when value.Length < 65536:
                    value = new byte[65536];
                    break;
                case Errno.ENODATA or Errno.EOPNOTSUPP:
                    return null;
                case var errno:
                    throw Failure($"getxattr {attribute} of", path, errno);
            }
        }
    }

    /// <summary>Sets an extended attribute of a name, not following a link.</summary>
    public void SetXattr(string path, string attribute, ReadOnlyMemory<byte> value)
    {
        using var parent = ParentOf(path);
        Check(
            Syscall.lsetxattr(XattrPath(parent), attribute, value.ToArray(), (ulong)value.Length, XattrFlags.XATTR_AUTO),
            $"setxattr {attribute} of",
            path);
    }

    /// <summary>Sets an extended attribute of an open file.</summary>
    public static void SetXattr(SafeFileHandle file, string attribute, ReadOnlyMemory<byte> value)
    {
        using var held = new HeldFd(file);
        if (Syscall.fsetxattr(held.Fd, attribute, value.ToArray(), (ulong)value.Length, XattrFlags.XATTR_AUTO) != 0)
        {
            throw new BundtException(Phase.Store, "setxattr", attribute, LastErrno());
        }
    }

    /// <summary>The names of a name's extended attributes, sorted; empty where the file system keeps none.</summary>
    public IReadOnlyList<string> ListXattrs(string path)
    {
        using var parent = ParentOf(path);
        var buffer = new byte[65536];
        var length = Syscall.llistxattr(XattrPath(parent), buffer, (ulong)buffer.Length);
        if (length < 0)
        {
            return LastErrno() == Errno.EOPNOTSUPP ? [] : throw Failure("listxattr of", path, LastErrno());
        }

        var names = Encoding.UTF8.GetString(buffer, 0, (int)length).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    private static Timespec[] Timespecs(FileTime accessed, FileTime modified) =>
    [
        new() { tv_sec = accessed.Seconds, tv_nsec = accessed.Nanoseconds },
        new() { tv_sec = modified.Seconds, tv_nsec = modified.Nanoseconds },
    ];

    // Before Linux 6.13 there is no xattr call relative to a directory fd. The kernel resolves our own descriptor and one name behind it;
    // a thread in a jail has no /proc, but a working directory of its own.
    private string XattrPath(in Parent parent)
    {
        if (!Jail.IsInside)
        {
            return $"/proc/self/fd/{parent.Fd}/{parent.Name}";
        }

        if (MountCalls.fchdir(parent.Handle) != 0)
        {
            throw Failure("fchdir", parent.Name, LastErrno());
        }

        return parent.Name;
    }

    private unsafe Errno TryStat(string path, bool follow, out FileStatus status)
    {
        status = default;
        FileCalls.Statx result;
        if (!follow && path.Length > 0 && !path.Contains('/') && path is not ("." or ".."))
        {
            fixed (byte* name = Terminated(path))
            {
                if (FileCalls.StatxAt(Handle, name, FileCalls.AT_SYMLINK_NOFOLLOW, &result) != 0)
                {
                    return LastErrno();
                }
            }
        }
        else
        {
            var errno = TryOpen(path, OpenFlags.PathOnly | (follow ? 0 : OpenFlags.NoFollow), 0, out var reference);
            if (errno != Errno.None)
            {
                return errno;
            }

            using (reference)
            {
                byte empty = 0;
                if (FileCalls.StatxAt(reference!, &empty, FileCalls.AT_EMPTY_PATH, &result) != 0)
                {
                    return LastErrno();
                }
            }
        }

        status = FileStatus.From(result);
        return Errno.None;
    }
}
