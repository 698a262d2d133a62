namespace Bundt.Linux.Files;

/// <summary>One name in a directory.</summary>
/// <param name="Name">The name (see <see cref="UnixName"/>).</param>
/// <param name="Type">Its type, <see cref="FileType.Unknown"/> where the file system does not say.</param>
/// <param name="Inode">Inode number.</param>
public readonly record struct DirectoryEntry(string Name, FileType Type, ulong Inode);
