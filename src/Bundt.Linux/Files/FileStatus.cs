namespace Bundt.Linux.Files;

/// <summary>The type of an inode (inode(7)).</summary>
public enum FileType
{
    /// <summary>Not known: some file systems do not say it in directory entries.</summary>
    Unknown = 0,
    /// <summary>Named pipe.</summary>
    Fifo = 1,
    /// <summary>Character device.</summary>
    CharacterDevice = 2,
    /// <summary>Directory.</summary>
    Directory = 4,
    /// <summary>Block device.</summary>
    BlockDevice = 6,
    /// <summary>Regular file.</summary>
    Regular = 8,
    /// <summary>Symbolic link.</summary>
    SymbolicLink = 10,
    /// <summary>Socket.</summary>
    Socket = 12,
}

/// <summary>A time stamp as the kernel has it: seconds since the epoch, may be negative, and nanoseconds 0 to 999,999,999.</summary>
public readonly record struct FileTime(long Seconds, uint Nanoseconds = 0)
{
    /// <summary>As a .NET time, cut to 100 ns and clamped to its range (years 1 to 9999).</summary>
    public DateTimeOffset ToDateTimeOffset() =>
        DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(Seconds, -62135596800, 253402300799)).AddTicks(Nanoseconds / 100);
}

/// <summary>What statx(2) says about an inode.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Mode">Permission bits with setuid, setgid and sticky.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="Size">Bytes; a symbolic link's is the length of its target.</param>
/// <param name="AllocatedBytes">Bytes allocated on disk.</param>
/// <param name="Links">Hard links.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="DeviceMajor">Major number of the device that holds the file.</param>
/// <param name="DeviceMinor">Its minor number.</param>
/// <param name="NodeMajor">Major number of the device that a device node stands for.</param>
/// <param name="NodeMinor">Its minor number.</param>
/// <param name="Accessed">Last access.</param>
/// <param name="Modified">Last change of the content.</param>
/// <param name="Changed">Last change of the inode.</param>
public readonly record struct FileStatus(
    FileType Type,
    UnixFileMode Mode,
    uint Uid,
    uint Gid,
    long Size,
    long AllocatedBytes,
    uint Links,
    ulong Inode,
    uint DeviceMajor,
    uint DeviceMinor,
    uint NodeMajor,
    uint NodeMinor,
    FileTime Accessed,
    FileTime Modified,
    FileTime Changed)
{
    internal static FileStatus From(in Interop.FileCalls.Statx s) => new(
        (FileType)(s.Mode >> 12),
        (UnixFileMode)(s.Mode & 0xFFF),
        s.Uid,
        s.Gid,
        (long)s.Size,
        (long)s.Blocks * 512,
        s.Links,
        s.Inode,
        s.DeviceMajor,
        s.DeviceMinor,
        s.NodeMajor,
        s.NodeMinor,
        new FileTime(s.AccessTime.Seconds, s.AccessTime.Nanoseconds),
        new FileTime(s.ModifyTime.Seconds, s.ModifyTime.Nanoseconds),
        new FileTime(s.ChangeTime.Seconds, s.ChangeTime.Nanoseconds));
}
