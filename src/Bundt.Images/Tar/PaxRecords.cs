using System.Globalization;
using System.Text;
using Bundt.Linux.Files;

namespace Bundt.Images.Tar;

/// <summary>
/// The records of one PAX extended header (POSIX.1-2017 pax, "pax Extended Header"): "length key=value\n", read by their lengths, so
/// that values keep every byte, newlines included.
/// </summary>
internal sealed class PaxRecords
{
    private const string XattrPrefix = "SCHILY.xattr.";

    private readonly Dictionary<string, byte[]> _values = new(StringComparer.Ordinal);

    /// <summary>Extended attributes in the order of the header.</summary>
    public List<KeyValuePair<string, byte[]>> Xattrs { get; } = [];

    /// <summary>Offsets and lengths of GNU sparse 0.0, which repeats its keys.</summary>
    public List<long> SparseNumbers { get; } = [];

    /// <summary>Adds the records of a header's content.</summary>
    public void Parse(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            var blank = content.IndexOf((byte)' ');
            if (blank is < 1 or > 10 || !int.TryParse(content[..blank], NumberStyles.None, CultureInfo.InvariantCulture, out var length)
                || length <= blank + 1 || length > content.Length || content[length - 1] != (byte)'\n')
            {
                throw new TarFormatException("tar extended header with a malformed record");
            }

            var record = content[(blank + 1)..(length - 1)];
            var equals = record.IndexOf((byte)'=');
            if (equals < 1)
            {
                throw new TarFormatException("tar extended header with a malformed record");
            }

            Add(Encoding.UTF8.GetString(record[..equals]), record[(equals + 1)..]);
            content = content[length..];
        }
    }

    /// <summary>A text value as bytes, or null; an empty value takes an earlier one back.</summary>
    public byte[]? Bytes(string key) => _values.TryGetValue(key, out var value) && value.Length > 0 ? value : null;

    /// <summary>A name or path.</summary>
    public string? Name(string key) => Bytes(key) is { } value ? UnixName.Decode(value) : null;

    /// <summary>A decimal number, or null.</summary>
    public long? Number(string key) =>
        Bytes(key) is not { } value ? null
        : long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
        : throw new TarFormatException($"tar extended header with an invalid {key}");

    /// <summary>A time: seconds, perhaps negative, perhaps with a fraction, cut to nanoseconds.</summary>
    public FileTime? Time(string key)
    {
        if (Bytes(key) is not { } value)
        {
            return null;
        }

        var text = (ReadOnlySpan<byte>)value;
        var dot = text.IndexOf((byte)'.');
        var whole = dot < 0 ? text : text[..dot];
        var fraction = dot < 0 ? [] : text[(dot + 1)..];
        if (!long.TryParse(whole, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds)
            || fraction.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
        {
            throw new TarFormatException($"tar extended header with an invalid {key}");
        }

        long nanoseconds = 0;
        for (var i = 0; i < 9; i++)
        {
            nanoseconds = (nanoseconds * 10) + (i < fraction.Length ? fraction[i] - '0' : 0);
        }

        // "-1.25" is a second and a quarter before the epoch, the kernel counts nanoseconds forward.
        return whole[0] == (byte)'-' && nanoseconds > 0
            ? new FileTime(seconds - 1, (uint)(1_000_000_000 - nanoseconds))
            : new FileTime(seconds, (uint)nanoseconds);
    }

    private void Add(string key, ReadOnlySpan<byte> value)
    {
        if (key.StartsWith(XattrPrefix, StringComparison.Ordinal))
        {
            var name = key[XattrPrefix.Length..];
            Xattrs.RemoveAll(x => x.Key == name);
            Xattrs.Add(new(name, value.ToArray()));
            return;
        }

        if (key is "GNU.sparse.offset" or "GNU.sparse.numbytes")
        {
            var isOffset = key == "GNU.sparse.offset";
            if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || SparseNumbers.Count % 2 == 0 != isOffset)
            {
                throw new TarFormatException("tar extended header with an invalid sparse map");
            }

            SparseNumbers.Add(number);
            return;
        }

        // A zero byte in a name would cut it short for the kernel only: two readers, two meanings.
        if (key is "path" or "linkpath" or "GNU.sparse.name" && value.Contains((byte)0))
        {
            throw new TarFormatException($"tar extended header with a zero byte in {key}");
        }

        _values[key] = value.ToArray();
    }
}
