using Bundt.Images.Tar;
using Bundt.Linux;
using Bundt.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Images.Layers;

/// <summary>
/// Writes the entries of a layer's tar into a directory of the layer's own, as an overlay's lower directory: whiteouts (image-spec,
/// layer.md) become 0:0 character devices and opaque directories. Everything goes through the directory's fd. One thread.
/// </summary>
internal sealed class LayerTreeWriter : IDisposable
{
    private const string WhiteoutPrefix = ".wh.";
    private const string OpaqueMarker = ".wh..wh..opq";
    private const string OpaqueAttribute = "trusted.overlay.opaque";
    private const UnixFileMode ImpliedMode = (UnixFileMode)0b111_101_101;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly DirectoryFd _root;
    private readonly LayerLimits _limits;
    private readonly HashSet<string> _implied = new(StringComparer.Ordinal);
    private readonly DirectoryTimes _times;
    private string _parentPath = "";
    private DirectoryFd _parent;
    private long _entries;
    private long _impliedCharacters;
    private bool _rootCarried;

    /// <summary>A writer into an empty directory.</summary>
    /// <param name="root">The layer's root.</param>
    /// <param name="scratch">A directory for a temporary file, on disk.</param>
    /// <param name="limits">Where to stop.</param>
    public LayerTreeWriter(DirectoryFd root, DirectoryFd scratch, LayerLimits limits)
    {
        _root = root;
        _parent = root;
        _limits = limits;
        _times = new DirectoryTimes(scratch);
    }

    /// <summary>Bytes of the regular files written so far.</summary>
    public long Size { get; private set; }

    /// <summary>The layer says that nothing below it shines through at the root; an overlay does not honour that by itself.</summary>
    public bool OpaqueRoot { get; private set; }

    /// <summary>Directories that the layer names but does not carry, sorted; "" is the root.</summary>
    public IReadOnlyList<string> ImpliedDirectories =>
        [.. _rootCarried ? _implied.Order(StringComparer.Ordinal) : _implied.Append("").Order(StringComparer.Ordinal)];

    /// <summary>Writes one entry; the reader stands at its content.</summary>
    public void Write(TarEntry entry, TarReader content)
    {
        if (++_entries > _limits.MaxEntries)
        {
            throw Refuse($"more than {_limits.MaxEntries} entries");
        }

        var path = LayerPath.Normalize(entry.Name, "entry");
        if (path.Length == 0)
        {
            WriteRoot(entry);
            return;
        }

        var (parent, name) = LayerPath.Split(path);
        if (name.StartsWith(WhiteoutPrefix, StringComparison.Ordinal))
        {
            WriteWhiteout(parent, name);
            return;
        }

        Enter(parent);
        switch (entry.Type)
        {
            case TarEntryType.File:
                WriteFile(name, entry, content);
                break;
            case TarEntryType.Directory:
                WriteDirectory(path, name, entry);
                break;
            case TarEntryType.HardLink:
                WriteHardLink(path, name, entry);
                break;
            case TarEntryType.SymbolicLink:
                if (entry.LinkName.Length == 0)
                {
                    throw Refuse($"symbolic link \"{LayerPath.Show(path)}\" to nowhere");
                }

                Make(name, () => _parent.Symlink(entry.LinkName, name));
                SetAttributes(name, entry, hasMode: false);
                break;
            default:
                var type = entry.Type switch
                {
                    TarEntryType.Fifo => FileType.Fifo,
                    TarEntryType.BlockDevice => FileType.BlockDevice,
                    _ => FileType.CharacterDevice,
                };
                Make(name, () => _parent.MakeNode(name, type, OwnerOnly, entry.DeviceMajor, entry.DeviceMinor));
                SetAttributes(name, entry, hasMode: true);
                break;
        }
    }

    /// <summary>Sets the directories' times, which writing into them has changed.</summary>
    public void Finish() => _times.Apply(_root);

    /// <inheritdoc/>
    public void Dispose()
    {
        Forget();
        _times.Dispose();
    }

    private static BundtException Refuse(string what) => new(FailureKind.InvalidArgument, Phase.Unpack, "the layer has " + what);

    private static void SetXattrs(TarEntry entry, Action<string, byte[]> set)
    {
        foreach (var (name, value) in entry.Xattrs)
        {
            // The overlay's own: an image that could set them would redirect or hide what lies below.
            if (name.StartsWith("trusted.overlay.", StringComparison.Ordinal) || name.StartsWith("user.overlay.", StringComparison.Ordinal)
                || name.Length == 0 || name.Contains('\0'))
            {
                continue;
            }

            try
            {
                set(name, value);
            }
            catch (BundtException e) when (name != "security.capability" && e.Errno is Errno.EOPNOTSUPP or Errno.EPERM)
            {
                // user.* on links and devices, labels of a security module that this host lacks: others drop them too.
            }
        }
    }

    private void WriteRoot(TarEntry entry)
    {
        if (entry.Type != TarEntryType.Directory)
        {
            throw Refuse("an entry in the place of its root that is no directory");
        }

        _rootCarried = true;
        ApplyToDirectory(_root.Handle, entry);
        _times.Add("", entry.Modified);
    }

    private void WriteFile(string name, TarEntry entry, TarReader content)
    {
        if (Size + StoredBytes(entry) > _limits.MaxBytes)
        {
            throw Refuse($"more than {_limits.MaxBytes} bytes");
        }

        using var file = CreateFile(name);
        long end = 0;
        while (content.ReadContent(out var offset, out var piece))
        {
            try
            {
                RandomAccess.Write(file, piece, offset);
            }
            catch (IOException e)
            {
                throw new BundtException(FailureKind.Internal, Phase.Unpack, $"write {LayerPath.Show(entry.Name)}: {BundtException.Reason(e)}", "Free some disk space and try again", e);
            }

            end = offset + piece.Length;
        }

        if (end < entry.Size)
        {
            try
            {
                RandomAccess.SetLength(file, entry.Size);
            }
            catch (Exception e) when (e is IOException or ArgumentException)
            {
                throw Refuse($"the file \"{LayerPath.Show(entry.Name)}\" of {entry.Size} bytes: {BundtException.Reason(e)}");
            }
        }

        Size += entry.Size;
        // The owner before the mode: chown takes setuid bits and capabilities away.
        DirectoryFd.SetOwner(file, entry.Uid, entry.Gid);
        DirectoryFd.SetMode(file, entry.Mode);
        SetXattrs(entry, (key, value) => DirectoryFd.SetXattr(file, key, value));
        DirectoryFd.SetTimes(file, entry.Modified, entry.Modified);
    }

    private static long StoredBytes(TarEntry entry) => entry.Extents?.Sum(e => e.Length) ?? entry.Size;

    private SafeFileHandle CreateFile(string name)
    {
        const OpenFlags New = OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive;
        var errno = _parent.TryOpen(name, New, UnixFileMode.UserRead | UnixFileMode.UserWrite, out var file);
        if (errno == Errno.EEXIST)
        {
            RemoveExisting(name);
            errno = _parent.TryOpen(name, New, UnixFileMode.UserRead | UnixFileMode.UserWrite, out file);
        }

        return errno == Errno.None ? file! : throw _parent.Failure("create", name, errno);
    }

    private void WriteDirectory(string path, string name, TarEntry entry)
    {
        var errno = _parent.TryCreateDirectory(name, OwnerOnly);
        if (errno == Errno.EEXIST)
        {
            var existing = _parent.TryStat(name);
            if (existing?.Type != FileType.Directory)
            {
                var hidesLower = existing is { } e && IsWhiteout(e);
                RemoveExisting(name);
                errno = _parent.TryCreateDirectory(name, OwnerOnly);
                if (errno == Errno.None && hidesLower)
                {
                    // The layer removes what was there and makes a directory anew: nothing below shines through.
                    _parent.SetXattr(name, OpaqueAttribute, "y"u8.ToArray());
                }
            }
            else
            {
                errno = Errno.None;
            }
        }

        if (errno != Errno.None)
        {
            throw _parent.Failure("mkdir", name, errno);
        }

        using (var handle = _parent.OpenFile(name, OpenFlags.Read | OpenFlags.Directory | OpenFlags.NoFollow))
        {
            ApplyToDirectory(handle, entry);
        }

        _implied.Remove(path);
        _times.Add(path, entry.Modified);
    }

    private static void ApplyToDirectory(SafeFileHandle handle, TarEntry entry)
    {
        DirectoryFd.SetOwner(handle, entry.Uid, entry.Gid);
        DirectoryFd.SetMode(handle, entry.Mode);
        SetXattrs(entry, (key, value) => DirectoryFd.SetXattr(handle, key, value));
    }

    private void WriteHardLink(string path, string name, TarEntry entry)
    {
        var target = LayerPath.Normalize(entry.LinkName, "hard link to");
        if (target.Length == 0 || target == path)
        {
            throw Refuse($"the hard link \"{LayerPath.Show(path)}\" to itself or the root");
        }

        if (_root.TryStat(target) is not { } status || status.Type == FileType.Directory)
        {
            throw Refuse($"the hard link \"{LayerPath.Show(path)}\" to \"{LayerPath.Show(target)}\", which is no file of the layer");
        }

        if (_parent.TryStat(name) is { } existing)
        {
            if (existing.Inode == status.Inode && existing.Type == status.Type)
            {
                return;
            }

            RemoveExisting(name);
        }

        _root.Link(target, path);
    }

    private void WriteWhiteout(string parent, string name)
    {
        if (name == OpaqueMarker)
        {
            Enter(parent);
            if (parent.Length == 0)
            {
                OpaqueRoot = true;
            }
            else
            {
                DirectoryFd.SetXattr(_parent.Handle, OpaqueAttribute, "y"u8.ToArray());
            }

            return;
        }

        if (name.StartsWith(".wh..wh.", StringComparison.Ordinal))
        {
            // Other metadata of aufs (.wh..wh.plnk, .wh..wh.orph, …) says nothing about the image.
            return;
        }

        var hidden = name[WhiteoutPrefix.Length..];
        if (hidden is "" or "." or "..")
        {
            throw Refuse($"the whiteout \"{LayerPath.Show(name)}\", which names nothing");
        }

        Enter(parent);
        if (_parent.TryStat(hidden) is { } existing)
        {
            // The whiteout is about the layers below, whatever the order of the entries: what this layer has stays and hides them.
            if (existing.Type == FileType.Directory)
            {
                _parent.SetXattr(hidden, OpaqueAttribute, "y"u8.ToArray());
            }

            return;
        }

        _parent.MakeNode(hidden, FileType.CharacterDevice, 0);
    }

    private static bool IsWhiteout(FileStatus status) =>
        status is { Type: FileType.CharacterDevice, NodeMajor: 0, NodeMinor: 0 };

    private void SetAttributes(string name, TarEntry entry, bool hasMode)
    {
        _parent.SetOwner(name, entry.Uid, entry.Gid);
        if (hasMode)
        {
            _parent.SetMode(name, entry.Mode);
        }

        SetXattrs(entry, (key, value) => _parent.SetXattr(name, key, value));
        _parent.SetTimes(name, entry.Modified, entry.Modified);
    }

    private void Make(string name, Action make)
    {
        try
        {
            make();
        }
        catch (BundtException e) when (e.Errno == Errno.EEXIST)
        {
            RemoveExisting(name);
            make();
        }
    }

    // A later entry replaces an earlier one of the same name, a directory with all that is in it.
    private void RemoveExisting(string name)
    {
        _parent.RemoveTree(name);
        if (_implied.Count > 0)
        {
            var path = _parentPath.Length == 0 ? name : _parentPath + "/" + name;
            _implied.RemoveWhere(p => p == path || p.StartsWith(path + "/", StringComparison.Ordinal));
        }
    }

    /// <summary>Makes a directory of the layer the current one, and makes it if it does not exist.</summary>
    private void Enter(string path)
    {
        if (path == _parentPath)
        {
            return;
        }

        Forget();
        if (path.Length == 0)
        {
            return;
        }

        if (_root.TryOpen(path, OpenFlags.Read | OpenFlags.Directory, 0, out var handle) is var errno && errno != Errno.None)
        {
            // ENOTDIR may be a whiteout that stands where the directory is to be.
            if (errno is not (Errno.ENOENT or Errno.ENOTDIR))
            {
                throw Explain(path, errno);
            }

            MakeImplied(path);
            errno = _root.TryOpen(path, OpenFlags.Read | OpenFlags.Directory, 0, out handle);
            if (errno != Errno.None)
            {
                throw Explain(path, errno);
            }
        }

        _parent = DirectoryFd.Adopt(handle!, path);
        _parentPath = path;
    }

    private void MakeImplied(string path)
    {
        for (var end = path.IndexOf('/'); ; end = path.IndexOf('/', end + 1))
        {
            var part = end < 0 ? path : path[..end];
            var errno = _root.TryCreateDirectory(part, ImpliedMode);
            if (errno == Errno.None)
            {
                _root.SetMode(part, ImpliedMode);
                AddImplied(part);
            }
            else if (errno == Errno.EEXIST && _root.TryStat(part) is { } status && IsWhiteout(status))
            {
                // A whiteout of the directory first, then something in it: the directory is new.
                _root.Unlink(part);
                _root.CreateDirectory(part, ImpliedMode);
                _root.SetMode(part, ImpliedMode);
                _root.SetXattr(part, OpaqueAttribute, "y"u8.ToArray());
                AddImplied(part);
            }
            else if (errno != Errno.EEXIST)
            {
                throw Explain(part, errno);
            }

            if (end < 0)
            {
                return;
            }
        }
    }

    private void AddImplied(string path)
    {
        _impliedCharacters += path.Length;
        if (_impliedCharacters > _limits.MaxImpliedCharacters)
        {
            throw Refuse("too many directories that it names but does not carry");
        }

        _implied.Add(path);
    }

    private static BundtException Explain(string path, Errno errno) =>
        new(Phase.Unpack, "the layer has an entry in what is no directory:", LayerPath.Show(path), errno, null, FailureKind.InvalidArgument);

    private void Forget()
    {
        if (_parent != _root)
        {
            _parent.Dispose();
        }

        _parent = _root;
        _parentPath = "";
    }
}
