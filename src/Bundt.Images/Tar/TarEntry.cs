using Bundt.Linux.Files;

namespace Bundt.Images.Tar;

/// <summary>One entry of a tar archive, without its content. Names are byte-exact (<see cref="UnixName"/>).</summary>
internal sealed class TarEntry
{
    /// <summary>What it makes.</summary>
    public required TarEntryType Type { get; init; }

    /// <summary>The path as the archive has it.</summary>
    public required string Name { get; init; }

    /// <summary>Target of a link, "" for others.</summary>
    public string LinkName { get; init; } = "";

    /// <summary>Permissions with setuid, setgid and sticky.</summary>
    public UnixFileMode Mode { get; init; }

    /// <summary>Owner.</summary>
    public uint Uid { get; init; }

    /// <summary>Group.</summary>
    public uint Gid { get; init; }

    /// <summary>Length of the file in bytes, holes included; 0 for everything but files.</summary>
    public long Size { get; init; }

    /// <summary>Last change of the content.</summary>
    public FileTime Modified { get; init; }

    /// <summary>Major device number.</summary>
    public uint DeviceMajor { get; init; }

    /// <summary>Minor device number.</summary>
    public uint DeviceMinor { get; init; }

    /// <summary>Extended attributes with their exact bytes.</summary>
    public IReadOnlyList<KeyValuePair<string, byte[]>> Xattrs { get; init; } = [];

    /// <summary>The parts of a sparse file that the archive holds, ascending; null when the file has no holes.</summary>
    public IReadOnlyList<TarExtent>? Extents { get; init; }
}

/// <summary>A part of a sparse file that has data, in bytes.</summary>
internal readonly record struct TarExtent(long Offset, long Length);
