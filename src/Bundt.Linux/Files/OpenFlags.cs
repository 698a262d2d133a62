namespace Bundt.Linux.Files;

/// <summary>How a file below a <see cref="DirectoryFd"/> is opened. Every fd is close-on-exec and never becomes a controlling terminal.</summary>
[Flags]
public enum OpenFlags
{
    /// <summary>Reading (O_RDONLY unless <see cref="Write"/> is given too).</summary>
    Read = 1,
    /// <summary>Writing.</summary>
    Write = 2,
    /// <summary>Make a regular file if there is none (O_CREAT). Does not follow a dangling link out of the directory.</summary>
    Create = 4,
    /// <summary>Fail if the name exists (O_EXCL); never follows a link at the end.</summary>
    Exclusive = 8,
    /// <summary>Empty it (O_TRUNC).</summary>
    Truncate = 16,
    /// <summary>Write at the end (O_APPEND).</summary>
    Append = 32,
    /// <summary>Fail with ELOOP if the last name is a symbolic link (O_NOFOLLOW); with <see cref="PathOnly"/>, open the link itself.</summary>
    NoFollow = 64,
    /// <summary>Do not block on a fifo or device (O_NONBLOCK).</summary>
    NonBlocking = 128,
    /// <summary>Only a reference to the inode (O_PATH): nothing is opened, so a device or fifo is not touched.</summary>
    PathOnly = 256,
    /// <summary>Fail with ENOTDIR unless it is a directory (O_DIRECTORY).</summary>
    Directory = 512,
    /// <summary>Fail with EXDEV instead of staying inside when the path leads out (RESOLVE_BENEATH instead of RESOLVE_IN_ROOT).</summary>
    Beneath = 1024,
    /// <summary>Fail with ELOOP at any symbolic link (RESOLVE_NO_SYMLINKS).</summary>
    NoSymlinks = 2048,
    /// <summary>Fail with EXDEV at a mount point (RESOLVE_NO_XDEV).</summary>
    NoMounts = 4096,
}
