using System.Globalization;
using Mono.Unix.Native;

namespace Bundt.Linux.Processes;

/// <summary>The file that a process executes, told from others by where it lies (proc_pid_exe(5)).</summary>
/// <param name="Device">Device of its file system.</param>
/// <param name="Inode">Inode.</param>
public readonly record struct ProcessExecutable(ulong Device, ulong Inode)
{
    /// <summary>That of a process; null when the process has ended, or is about to.</summary>
    public static ProcessExecutable? TryRead(int pid) =>
        Syscall.stat(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/exe"), out var status) == 0
            ? new ProcessExecutable(status.st_dev, status.st_ino)
            : null;
}
