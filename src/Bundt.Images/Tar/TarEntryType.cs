namespace Bundt.Images.Tar;

/// <summary>What a tar entry makes.</summary>
internal enum TarEntryType
{
    /// <summary>A regular file with content.</summary>
    File,
    /// <summary>Another name of a file that stands earlier in the archive.</summary>
    HardLink,
    /// <summary>A symbolic link.</summary>
    SymbolicLink,
    /// <summary>A character device.</summary>
    CharacterDevice,
    /// <summary>A block device.</summary>
    BlockDevice,
    /// <summary>A directory.</summary>
    Directory,
    /// <summary>A named pipe.</summary>
    Fifo,
}
