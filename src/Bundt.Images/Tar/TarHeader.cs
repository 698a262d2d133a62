
namespace Bundt.Images.Tar;

/// <summary>A header block of 512 bytes (POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar's variant).</summary>
internal readonly ref struct TarHeader
{
    public const int Size = 512;

    private readonly ReadOnlySpan<byte> _block;

    /// <summary>Reads a block that is not all zeros.</summary>
    /// <exception cref="TarFormatException">The checksum is wrong.</exception>
    public TarHeader(ReadOnlySpan<byte> block)
    {
        _block = block;
        // Historic tars summed signed characters. The checksum field itself counts as blanks.
        long unsigned = 0;
        long signed = 0;
        for (var i = 0; i < Size; i++)
        {
            var value = i is >= 148 and < 156 ? (byte)' ' : block[i];
            unsigned += value;
            signed += (sbyte)value;
        }

        var stated = Octal(block.Slice(148, 8), "checksum");
        if (stated != unsigned && stated != signed)
        {
            throw new TarFormatException("tar header with a wrong checksum");
        }
    }

    public byte TypeFlag => _block[156];

    public bool IsGnu => _block.Slice(257, 8).SequenceEqual("ustar  \0"u8);

    public bool IsUstar => _block.Slice(257, 6).SequenceEqual("ustar\0"u8);

    /// <summary>Name with the prefix that USTAR splits long paths into.</summary>
    public byte[] Name
    {
        get
        {
            var name = Text(_block[..100]);
            if (!IsUstar)
            {
                return name.ToArray();
            }

            // star(1) marks its own layout, in which the prefix is shorter, at the block's end.
            var star = _block.Slice(508, 4).SequenceEqual("tar\0"u8);
            var prefix = Text(_block.Slice(345, star ? 131 : 155));
            return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
        }
    }

    public byte[] LinkName => Text(_block.Slice(157, 100)).ToArray();

    public long Mode => Number(_block.Slice(100, 8), "mode");

    public long Uid => Number(_block.Slice(108, 8), "uid");

    public long Gid => Number(_block.Slice(116, 8), "gid");

    public long ContentSize => Number(_block.Slice(124, 12), "size");

    public long Modified => Number(_block.Slice(136, 12), "mtime");

    public long DeviceMajor => IsGnu || IsUstar ? Number(_block.Slice(329, 8), "device major") : 0;

    public long DeviceMinor => IsGnu || IsUstar ? Number(_block.Slice(337, 8), "device minor") : 0;

    /// <summary>The whole length of an old GNU sparse file.</summary>
    public long SparseRealSize => Number(_block.Slice(483, 12), "sparse size");

    /// <summary>Adds the extents of an old GNU sparse header (4) or extension block (21); answers whether another block follows.</summary>
    public static bool ReadSparse(ReadOnlySpan<byte> block, bool extension, List<TarExtent> extents)
    {
        var (start, count, more) = extension ? (0, 21, 504) : (386, 4, 482);
        for (var i = 0; i < count; i++)
        {
            var field = block.Slice(start + (i * 24), 24);
            if (field[0] == 0)
            {
                break;
            }

            extents.Add(new TarExtent(Number(field[..12], "sparse offset"), Number(field[12..], "sparse length")));
        }

        return block[more] != 0;
    }

    /// <summary>A numeric field: octal text, or base-256 with the top bit set (GNU).</summary>
    public static long Number(ReadOnlySpan<byte> field, string what)
    {
        if ((field[0] & 0x80) == 0)
        {
            return Octal(field, what);
        }

        // Two's complement, big endian, with the marker bit counted as the sign's copy.
        var negative = (field[0] & 0x40) != 0;
        Int128 value = negative ? -1 : 0;
        for (var i = 0; i < field.Length; i++)
        {
            var digit = i == 0 ? (field[0] & 0x7F) | (negative ? 0x80 : 0) : field[i];
            value = (value << 8) | digit;
        }

        return value >= long.MinValue && value <= long.MaxValue
            ? (long)value
            : throw new TarFormatException($"tar header with a {what} out of range");
    }

    private static long Octal(ReadOnlySpan<byte> field, string what)
    {
        var digits = field.Trim(" \0"u8);
        // Some writers end a number by a zero byte and leave garbage behind.
        var end = digits.IndexOf((byte)0);
        digits = end < 0 ? digits : digits[..end].TrimEnd((byte)' ');
        long value = 0;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'7' || value > long.MaxValue >> 3)
            {
                throw new TarFormatException($"tar header with an invalid {what}");
            }

            value = (value << 3) | (long)(digit - '0');
        }

        return value;
    }

    private static ReadOnlySpan<byte> Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        return end < 0 ? field : field[..end];
    }
}
