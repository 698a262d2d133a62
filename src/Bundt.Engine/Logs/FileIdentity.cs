using Bundt.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Logs;

/// <summary>Which inode an open file is.</summary>
internal readonly record struct FileIdentity(uint DeviceMajor, uint DeviceMinor, ulong Inode)
{
    public static FileIdentity Of(SafeFileHandle file)
    {
        var status = DirectoryFd.Stat(file);
        return new FileIdentity(status.DeviceMajor, status.DeviceMinor, status.Inode);
    }
}
