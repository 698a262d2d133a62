using System.Globalization;
using System.Text;
using Bundt.Linux.Files;

namespace Bundt.Images.Tar;

/// <summary>
/// Reads a tar archive once, forward, byte-exact: USTAR, GNU long names, base-256 numbers, PAX with raw values, GNU sparse files in all
/// four forms. It never holds more than one header's worth of data (1 MiB). Where tars differ in meaning it reads as Go's archive/tar
/// does, since that is what wrote and reads nearly all images: links and directories have no content, global PAX headers do not apply.
/// </summary>
internal sealed class TarReader(IBlockSource source)
{
    private const int MaxSpecialSize = 1 << 20;
    private const int MaxExtents = 1 << 16;

    // The read buffer may be refilled while a header is still needed.
    private readonly byte[] _header = new byte[TarHeader.Size];

    private ReadOnlyMemory<byte> _buffer;
    private long _remaining;
    private long _padding;
    private long _position;
    private List<TarExtent>? _extents;
    private int _extent;
    private long _extentRead;

    /// <summary>Whether the two zero blocks at the end were seen. A cut archive has none.</summary>
    public bool EndMarkerSeen { get; private set; }

    /// <summary>The next entry, or null at the end. Skips what was not read of the content before.</summary>
    /// <exception cref="TarFormatException">Damaged or malicious.</exception>
    public TarEntry? Next()
    {
        SkipContent();
        var pax = new PaxRecords();
        string? longName = null;
        string? longLink = null;
        while (true)
        {
            if (EndMarkerSeen || ReadBlock() is not { IsEmpty: false } memory)
            {
                return null;
            }

            var block = memory.Span;
            if (!block.ContainsAnyExcept((byte)0))
            {
                var second = ReadBlock();
                if (!second.IsEmpty && second.Span.ContainsAnyExcept((byte)0))
                {
                    throw new TarFormatException("tar archive with a single zero block between entries");
                }

                EndMarkerSeen = !second.IsEmpty;
                return null;
            }

            block.CopyTo(_header);
            var header = new TarHeader(_header);
            switch (header.TypeFlag)
            {
                case (byte)'x' or (byte)'X':
                    pax.Parse(ReadSpecial(header.ContentSize));
                    break;
                case (byte)'g':
                    ReadSpecial(header.ContentSize);
                    break;
                case (byte)'L':
                    longName = CString(ReadSpecial(header.ContentSize));
                    break;
                case (byte)'K':
                    longLink = CString(ReadSpecial(header.ContentSize));
                    break;
                case (byte)'V':
                    break;
                default:
                    return Read(header, pax, longName, longLink);
            }
        }
    }

    /// <summary>
    /// The next piece of the current file's content: a view into the read buffer, valid until the next call. Holes of sparse files are
    /// left out: <paramref name="offset"/> says where the piece belongs.
    /// </summary>
    public bool ReadContent(out long offset, out ReadOnlySpan<byte> piece)
    {
        offset = 0;
        piece = default;
        if (_extents is not null)
        {
            while (_extent < _extents.Count && _extentRead == _extents[_extent].Length)
            {
                _extent++;
                _extentRead = 0;
            }
        }

        if (_remaining == 0)
        {
            return false;
        }

        if (_buffer.IsEmpty && !Refill())
        {
            throw new TarFormatException("tar archive ends within a file");
        }

        var length = Math.Min(_remaining, _buffer.Length);
        if (_extents is not null)
        {
            length = Math.Min(length, _extents[_extent].Length - _extentRead);
            offset = _extents[_extent].Offset + _extentRead;
            _extentRead += length;
        }
        else
        {
            offset = _position;
        }

        piece = _buffer.Span[..(int)length];
        _buffer = _buffer[(int)length..];
        _remaining -= length;
        _position += length;
        return true;
    }

    /// <summary>Reads what stands behind the end marker, so that whoever hashes the source sees all of it.</summary>
    public void Drain()
    {
        do
        {
            _buffer = default;
        }
        while (Refill());
    }

    private static string CString(byte[] content)
    {
        var end = content.AsSpan().IndexOf((byte)0);
        return UnixName.Decode(end < 0 ? content : content.AsSpan(0, end));
    }

    private static uint Id(long value, string what) =>
        value is >= 0 and <= uint.MaxValue ? (uint)value : throw new TarFormatException($"tar entry with the {what} {value}");

    private static List<TarExtent> Pairs(List<long> numbers)
    {
        if (numbers.Count % 2 != 0)
        {
            throw new TarFormatException("tar entry with an invalid sparse map");
        }

        var extents = new List<TarExtent>(numbers.Count / 2);
        for (var i = 0; i < numbers.Count; i += 2)
        {
            extents.Add(new TarExtent(numbers[i], numbers[i + 1]));
        }

        return extents;
    }

    private static void Validate(List<TarExtent> extents, long realSize, long stored)
    {
        long end = 0;
        long sum = 0;
        foreach (var extent in extents)
        {
            if (extent.Offset < end || extent.Length < 0 || extent.Length > realSize - extent.Offset)
            {
                throw new TarFormatException("tar entry with an invalid sparse map");
            }

            end = extent.Offset + extent.Length;
            sum += extent.Length;
        }

        if (sum != stored || realSize < 0)
        {
            throw new TarFormatException("tar entry whose sparse map does not fit its content");
        }
    }

    private TarEntry Read(in TarHeader header, PaxRecords pax, string? longName, string? longLink)
    {
        var name = pax.Name("path") ?? longName ?? UnixName.Decode(header.Name);
        var type = header.TypeFlag switch
        {
            (byte)'0' or 0 when !header.IsUstar && !header.IsGnu && name.EndsWith('/') => TarEntryType.Directory,
            (byte)'0' or 0 or (byte)'7' or (byte)'S' => TarEntryType.File,
            (byte)'1' => TarEntryType.HardLink,
            (byte)'2' => TarEntryType.SymbolicLink,
            (byte)'3' => TarEntryType.CharacterDevice,
            (byte)'4' => TarEntryType.BlockDevice,
            (byte)'5' or (byte)'D' => TarEntryType.Directory,
            (byte)'6' => TarEntryType.Fifo,
            var flag => throw new TarFormatException(string.Create(CultureInfo.InvariantCulture, $"tar entry of the unknown type 0x{flag:x2}")),
        };

        var size = pax.Number("size") ?? header.ContentSize;
        if (size < 0)
        {
            throw new TarFormatException($"tar entry with the size {size}");
        }

        // A GNU dump directory has a listing, which is nobody's content; other directories and links have none, whatever they say.
        var isDump = header.TypeFlag == (byte)'D';
        _remaining = type == TarEntryType.File ? size : 0;
        _padding = type == TarEntryType.File || isDump ? -size & (TarHeader.Size - 1) : 0;
        if (isDump)
        {
            Skip(size);
        }

        _position = 0;
        _extent = 0;
        _extentRead = 0;
        _extents = type == TarEntryType.File ? ReadExtents(header, pax, ref name, ref size) : null;

        return new TarEntry
        {
            Type = type,
            Name = name,
            LinkName = type is TarEntryType.HardLink or TarEntryType.SymbolicLink
                ? pax.Name("linkpath") ?? longLink ?? UnixName.Decode(header.LinkName)
                : "",
            Mode = (UnixFileMode)(header.Mode & 0xFFF),
            Uid = Id(pax.Number("uid") ?? header.Uid, "owner"),
            Gid = Id(pax.Number("gid") ?? header.Gid, "group"),
            Size = type == TarEntryType.File ? size : 0,
            Modified = pax.Time("mtime") ?? new FileTime(header.Modified),
            DeviceMajor = type is TarEntryType.CharacterDevice or TarEntryType.BlockDevice ? Id(header.DeviceMajor, "device major") : 0,
            DeviceMinor = type is TarEntryType.CharacterDevice or TarEntryType.BlockDevice ? Id(header.DeviceMinor, "device minor") : 0,
            Xattrs = pax.Xattrs,
            Extents = _extents,
        };
    }

    private List<TarExtent>? ReadExtents(in TarHeader header, PaxRecords pax, ref string name, ref long size)
    {
        List<TarExtent> extents;
        long realSize;
        if (header.TypeFlag == (byte)'S')
        {
            extents = [];
            realSize = header.SparseRealSize;
            var more = TarHeader.ReadSparse(_header, false, extents);
            while (more)
            {
                var extension = ReadBlock();
                if (extension.IsEmpty || extents.Count > MaxExtents)
                {
                    throw new TarFormatException("tar entry with an invalid sparse map");
                }

                more = TarHeader.ReadSparse(extension.Span, true, extents);
            }
        }
        else if (pax.Number("GNU.sparse.major") is { } major)
        {
            if (major != 1 || pax.Number("GNU.sparse.minor") != 0)
            {
                throw new TarFormatException("tar entry with an unknown version of the sparse format");
            }

            realSize = pax.Number("GNU.sparse.realsize") ?? throw new TarFormatException("tar entry without the size of its sparse file");
            name = pax.Name("GNU.sparse.name") ?? name;
            extents = Pairs(ReadMapFromContent());
        }
        else if (pax.Bytes("GNU.sparse.map") is { } map)
        {
            realSize = pax.Number("GNU.sparse.size") ?? throw new TarFormatException("tar entry without the size of its sparse file");
            name = pax.Name("GNU.sparse.name") ?? name;
            extents = Pairs([.. Encoding.ASCII.GetString(map).Split(',').Select(
                n => long.TryParse(n, NumberStyles.None, CultureInfo.InvariantCulture, out var v) ? v : throw new TarFormatException("tar entry with an invalid sparse map"))]);
        }
        else if (pax.SparseNumbers.Count > 0)
        {
            realSize = pax.Number("GNU.sparse.size") ?? throw new TarFormatException("tar entry without the size of its sparse file");
            name = pax.Name("GNU.sparse.name") ?? name;
            extents = Pairs(pax.SparseNumbers);
        }
        else
        {
            return null;
        }

        Validate(extents, realSize, _remaining);
        size = realSize;
        return extents;
    }

    // GNU sparse 1.0: decimal numbers, one a line, in the first blocks of the content: how many extents, then offset and length of each.
    private List<long> ReadMapFromContent()
    {
        var numbers = new List<long>();
        long wanted = 1;
        long current = -1;
        while (numbers.Count < wanted)
        {
            if (_remaining < TarHeader.Size || ReadBlock() is not { IsEmpty: false } block)
            {
                throw new TarFormatException("tar entry with an invalid sparse map");
            }

            _remaining -= TarHeader.Size;
            foreach (var c in block.Span)
            {
                if (c is >= (byte)'0' and <= (byte)'9' && current < long.MaxValue / 16)
                {
                    current = (Math.Max(current, 0) * 10) + (c - '0');
                    continue;
                }

                if (c != (byte)'\n' || current < 0)
                {
                    throw new TarFormatException("tar entry with an invalid sparse map");
                }

                numbers.Add(current);
                current = -1;
                if (numbers.Count == 1)
                {
                    wanted = numbers[0] <= MaxExtents ? 1 + (numbers[0] * 2) : throw new TarFormatException("tar entry with too many holes");
                }

                if (numbers.Count == wanted)
                {
                    break;
                }
            }
        }

        numbers.RemoveAt(0);
        return numbers;
    }

    private byte[] ReadSpecial(long size)
    {
        if (size is < 0 or > MaxSpecialSize)
        {
            throw new TarFormatException($"tar extended header of {size} bytes");
        }

        var content = new byte[size];
        var filled = 0;
        while (filled < content.Length)
        {
            if (_buffer.IsEmpty && !Refill())
            {
                throw new TarFormatException("tar archive ends within a header");
            }

            var count = Math.Min(content.Length - filled, _buffer.Length);
            _buffer.Span[..count].CopyTo(content.AsSpan(filled));
            _buffer = _buffer[count..];
            filled += count;
        }

        Skip(-size & (TarHeader.Size - 1));
        return content;
    }

    private void SkipContent()
    {
        Skip(_remaining + _padding);
        _remaining = 0;
        _padding = 0;
        _extents = null;
    }

    private void Skip(long count)
    {
        while (count > 0)
        {
            if (_buffer.IsEmpty && !Refill())
            {
                throw new TarFormatException("tar archive ends within a file");
            }

            var step = (int)Math.Min(count, _buffer.Length);
            _buffer = _buffer[step..];
            count -= step;
        }
    }

    // The source's pieces are multiples of the block size but for the last: a header never straddles two.
    private ReadOnlyMemory<byte> ReadBlock()
    {
        if (_buffer.IsEmpty && !Refill())
        {
            return default;
        }

        if (_buffer.Length < TarHeader.Size)
        {
            throw new TarFormatException("tar archive ends within a header");
        }

        var block = _buffer[..TarHeader.Size];
        _buffer = _buffer[TarHeader.Size..];
        return block;
    }

    private bool Refill()
    {
        _buffer = source.Next();
        return !_buffer.IsEmpty;
    }
}
