using System.Globalization;
using System.Text;
using Bundt.Linux.Files;

namespace Bundt.Images.Tar;

/// <summary>
/// Writes a tar archive byte-exact: USTAR where everything fits, a PAX header before an entry where it does not (long or non-ASCII
/// names, big numbers, fractions of seconds, extended attributes). Holes of sparse files are written out.
/// </summary>
internal sealed class TarWriter(Stream destination)
{
    private const long MaxOctal11 = (1L << 33) - 1;
    private const uint MaxOctal7 = (1U << 21) - 1;

    private static readonly byte[] s_zeros = new byte[2 * TarHeader.Size];

    /// <summary>Writes an entry without content, or one whose content is at hand.</summary>
    public async Task WriteAsync(TarEntry entry, ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        await WriteHeaderAsync(entry, content.Length, cancellation).ConfigureAwait(false);
        await destination.WriteAsync(content, cancellation).ConfigureAwait(false);
        await PadAsync(content.Length, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes a file whose content, exactly <see cref="TarEntry.Size"/> bytes, comes from a stream.</summary>
    public async Task WriteAsync(TarEntry entry, Stream content, CancellationToken cancellation)
    {
        await WriteHeaderAsync(entry, entry.Size, cancellation).ConfigureAwait(false);
        var buffer = new byte[131072];
        for (var rest = entry.Size; rest > 0;)
        {
            var count = await content.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, rest)), cancellation).ConfigureAwait(false);
            if (count == 0)
            {
                throw new EndOfStreamException($"{entry.Name} has fewer bytes than its length");
            }

            await destination.WriteAsync(buffer.AsMemory(0, count), cancellation).ConfigureAwait(false);
            rest -= count;
        }

        await PadAsync(entry.Size, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes the end marker.</summary>
    public async Task FinishAsync(CancellationToken cancellation) => await destination.WriteAsync(s_zeros, cancellation).ConfigureAwait(false);

    private static byte FlagOf(TarEntryType type) => type switch
    {
        TarEntryType.File => (byte)'0',
        TarEntryType.HardLink => (byte)'1',
        TarEntryType.SymbolicLink => (byte)'2',
        TarEntryType.CharacterDevice => (byte)'3',
        TarEntryType.BlockDevice => (byte)'4',
        TarEntryType.Directory => (byte)'5',
        _ => (byte)'6',
    };

    private static byte[] Pax(TarEntry entry, long size, byte[] name, byte[] link)
    {
        var records = new MemoryStream();
        if (name.Length > 100 || !Ascii.IsValid(name))
        {
            Record(records, "path", name);
        }

        if (link.Length > 100 || !Ascii.IsValid(link))
        {
            Record(records, "linkpath", link);
        }

        if (size > MaxOctal11)
        {
            Record(records, "size", Encoding.ASCII.GetBytes(size.ToString(CultureInfo.InvariantCulture)));
        }

        if (entry.Uid > MaxOctal7)
        {
            Record(records, "uid", Encoding.ASCII.GetBytes(entry.Uid.ToString(CultureInfo.InvariantCulture)));
        }

        if (entry.Gid > MaxOctal7)
        {
            Record(records, "gid", Encoding.ASCII.GetBytes(entry.Gid.ToString(CultureInfo.InvariantCulture)));
        }

        if (entry.Modified.Nanoseconds != 0 || entry.Modified.Seconds is < 0 or > MaxOctal11)
        {
            Record(records, "mtime", Encoding.ASCII.GetBytes(TimeText(entry.Modified)));
        }

        foreach (var (key, value) in entry.Xattrs)
        {
            Record(records, "SCHILY.xattr." + key, value);
        }

        return records.ToArray();
    }

    private static string TimeText(FileTime time)
    {
        if (time.Nanoseconds == 0)
        {
            return time.Seconds.ToString(CultureInfo.InvariantCulture);
        }

        return time.Seconds >= 0
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Seconds}.{time.Nanoseconds:d9}")
            : string.Create(CultureInfo.InvariantCulture, $"-{-(time.Seconds + 1)}.{1_000_000_000 - time.Nanoseconds:d9}");
    }

    // The length counts itself: grow it until it fits.
    private static void Record(MemoryStream records, string key, ReadOnlySpan<byte> value)
    {
        var rest = 1 + Encoding.UTF8.GetByteCount(key) + 1 + value.Length + 1;
        var length = rest + 1;
        while (length != rest + length.ToString(CultureInfo.InvariantCulture).Length)
        {
            length = rest + length.ToString(CultureInfo.InvariantCulture).Length;
        }

        records.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{length} {key}=")));
        records.Write(value);
        records.WriteByte((byte)'\n');
    }

    private static byte[] Header(byte flag, ReadOnlySpan<byte> name, ReadOnlySpan<byte> link, TarEntry entry, long size)
    {
        var block = new byte[TarHeader.Size];
        name[..Math.Min(name.Length, 100)].CopyTo(block);
        Octal(block, 100, 7, (long)entry.Mode);
        Octal(block, 108, 7, entry.Uid <= MaxOctal7 ? entry.Uid : 0);
        Octal(block, 116, 7, entry.Gid <= MaxOctal7 ? entry.Gid : 0);
        Octal(block, 124, 11, size <= MaxOctal11 ? size : 0);
        Octal(block, 136, 11, Math.Clamp(entry.Modified.Seconds, 0, MaxOctal11));
        block[156] = flag;
        link[..Math.Min(link.Length, 100)].CopyTo(block.AsSpan(157));
        // "ustar", a zero byte and the version "00".
        "ustar"u8.CopyTo(block.AsSpan(257));
        "00"u8.CopyTo(block.AsSpan(263));
        Octal(block, 329, 7, entry.DeviceMajor);
        Octal(block, 337, 7, entry.DeviceMinor);
        block.AsSpan(148, 8).Fill((byte)' ');
        Octal(block, 148, 6, block.Sum(b => (long)b));
        block[154] = 0;
        return block;
    }

    private static void Octal(byte[] block, int offset, int digits, long value)
    {
        for (var i = digits - 1; i >= 0; i--)
        {
            block[offset + i] = (byte)('0' + (value & 7));
            value >>= 3;
        }
    }

    private async Task WriteHeaderAsync(TarEntry entry, long size, CancellationToken cancellation)
    {
        if (entry.DeviceMajor > MaxOctal7 || entry.DeviceMinor > MaxOctal7)
        {
            throw new TarFormatException($"a device number of {entry.Name} does not fit into a tar");
        }

        var name = UnixName.Encode(entry.Type == TarEntryType.Directory && !entry.Name.EndsWith('/') ? entry.Name + "/" : entry.Name);
        var link = UnixName.Encode(entry.LinkName);
        var pax = Pax(entry, size, name, link);
        if (pax.Length > 0)
        {
            var about = new TarEntry { Type = TarEntryType.File, Name = "", Mode = (UnixFileMode)0b110_100_100 };
            await destination.WriteAsync(Header((byte)'x', "PaxHeaders/entry"u8, [], about, pax.Length), cancellation).ConfigureAwait(false);
            await destination.WriteAsync(pax, cancellation).ConfigureAwait(false);
            await PadAsync(pax.Length, cancellation).ConfigureAwait(false);
        }

        await destination.WriteAsync(Header(FlagOf(entry.Type), name, link, entry, size), cancellation).ConfigureAwait(false);
    }

    private async Task PadAsync(long size, CancellationToken cancellation) =>
        await destination.WriteAsync(s_zeros.AsMemory(0, (int)(-size & (TarHeader.Size - 1))), cancellation).ConfigureAwait(false);
}
