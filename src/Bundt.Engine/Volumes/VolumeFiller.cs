using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Engine.Volumes;

/// <summary>Fills an empty volume with what the image has at its path: content, owners, modes, times, xattrs and hard links.</summary>
internal sealed class VolumeFiller
{
    private const int CopyBuffer = 1 << 20;

    private readonly DirectoryFd _volume;
    private readonly Dictionary<(uint, uint, ulong), string> _linked = [];
    private readonly byte[] _buffer = new byte[CopyBuffer];

    private VolumeFiller(DirectoryFd volume) => _volume = volume;

    /// <summary>Fills the empty directory, if the image has a directory at the path.</summary>
    /// <param name="tree">The image.</param>
    /// <param name="path">Path in the image; links in it stay inside the image.</param>
    /// <param name="target">The volume's data.</param>
    public static void Fill(MergedTree tree, string path, DirectoryFd target)
    {
        using var source = tree.FindDirectory(path);
        if (source is not null)
        {
            new VolumeFiller(target).CopyDirectory(source, target, "");
        }
    }

    private void CopyDirectory(MergedTree.MergedDirectory source, DirectoryFd target, string path)
    {
        foreach (var entry in source.Entries())
        {
            var name = entry.Name;
            var inVolume = path.Length == 0 ? name : path + "/" + name;
            var status = entry.Status;
            switch (status.Type)
            {
                case FileType.Directory:
                    target.CreateDirectory(name, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                    using (var below = MergedTree.MergedDirectory.Open(entry))
                    using (var made = target.OpenDirectory(name, OpenFlags.NoSymlinks))
                    {
                        CopyDirectory(below, made, inVolume);
                    }

                    continue;
                case FileType.Regular when status.Links > 1 && _linked.TryGetValue((status.DeviceMajor, status.DeviceMinor, status.Inode), out var first):
                    _volume.Link(first, inVolume);
                    continue;
                case FileType.Regular:
                    CopyFile(entry, target);
                    _linked[(status.DeviceMajor, status.DeviceMinor, status.Inode)] = inVolume;
                    break;
                case FileType.SymbolicLink:
                    target.Symlink(entry.Layer.ReadLink(name), name);
                    target.SetOwner(name, status.Uid, status.Gid);
                    CopyXattrs(entry.Layer, name, target, name);
                    target.SetTimes(name, status.Accessed, status.Modified);
                    continue;
                case FileType.Fifo or FileType.CharacterDevice or FileType.BlockDevice:
                    target.MakeNode(name, status.Type, status.Mode, status.NodeMajor, status.NodeMinor);
                    break;
                default:
                    continue;
            }

            target.SetOwner(name, status.Uid, status.Gid);
            target.SetMode(name, status.Mode);
            CopyXattrs(entry.Layer, name, target, name);
            target.SetTimes(name, status.Accessed, status.Modified);
        }

        // The directory itself last: what was put into it has changed its times.
        var own = source.Top.Stat();
        DirectoryFd.SetOwner(target.Handle, own.Uid, own.Gid);
        DirectoryFd.SetMode(target.Handle, own.Mode);
        var attributes = DirectoryFd.Xattrs(source.Top.Handle);
        foreach (var attribute in Wanted(attributes.Keys))
        {
            DirectoryFd.SetXattr(target.Handle, attribute, attributes[attribute]);
        }

        DirectoryFd.SetTimes(target.Handle, own.Accessed, own.Modified);
    }

    private void CopyFile(MergedTree.MergedEntry entry, DirectoryFd target)
    {
        using var from = entry.Layer.OpenRegular(entry.Name);
        using var to = target.OpenFile(
            entry.Name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        for (long offset = 0; ;)
        {
            var count = RandomAccess.Read(from, _buffer, offset);
            if (count == 0)
            {
                return;
            }

            RandomAccess.Write(to, _buffer.AsSpan(0, count), offset);
            offset += count;
        }
    }

    private static void CopyXattrs(DirectoryFd from, string name, DirectoryFd to, string newName)
    {
        foreach (var attribute in Wanted(from.ListXattrs(name)))
        {
            if (from.GetXattr(name, attribute) is { } value)
            {
                to.SetXattr(newName, attribute, value);
            }
        }
    }

    /// <summary>Overlay's own attributes belong to the layer, not to the file.</summary>
    private static IEnumerable<string> Wanted(IEnumerable<string> attributes) =>
        attributes.Where(a => !a.StartsWith("trusted.overlay.", StringComparison.Ordinal));
}
