using System.Text;
using Bundt.Images.Tar;

namespace Bundt.Images.Tests.Tar;

/// <summary>Header blocks as no honest writer makes them, with a right checksum.</summary>
internal static class RawTar
{
    public static byte[] Header(string name, char type, long size = 0, string link = "", Action<byte[]>? change = null)
    {
        var block = new byte[512];
        Encoding.Latin1.GetBytes(name).AsSpan(0, Math.Min(100, name.Length)).CopyTo(block);
        Text(block, 100, "0000644");
        Text(block, 108, "0000000");
        Text(block, 116, "0000000");
        Text(block, 124, Convert.ToString(size, 8).PadLeft(11, '0'));
        Text(block, 136, "00000000000");
        block[156] = (byte)type;
        Text(block, 157, link);
        Text(block, 257, "ustar\0" + "00");
        change?.Invoke(block);
        block.AsSpan(148, 8).Fill((byte)' ');
        Text(block, 148, Convert.ToString(block.Sum(b => b), 8).PadLeft(6, '0') + "\0");
        return block;
    }

    public static byte[] Entry(string name, char type, byte[] content, string link = "", Action<byte[]>? change = null) =>
        [.. Header(name, type, content.Length, link, change), .. content, .. new byte[-content.Length & 511]];

    public static byte[] Pax(params (string Key, string Value)[] records) => Entry(
        "PaxHeaders/x", 'x', [.. records.SelectMany(r => Record(r.Key, Encoding.Latin1.GetBytes(r.Value)))]);

    public static byte[] Record(string key, byte[] value)
    {
        var rest = key.Length + value.Length + 3;
        var length = rest + 1;
        while (length != rest + length.ToString(System.Globalization.CultureInfo.InvariantCulture).Length)
        {
            length = rest + length.ToString(System.Globalization.CultureInfo.InvariantCulture).Length;
        }

        return [.. Encoding.ASCII.GetBytes($"{length} {key}="), .. value, (byte)'\n'];
    }

    public static void Text(byte[] block, int offset, string text) => Encoding.Latin1.GetBytes(text).CopyTo(block, offset);

    public static byte[] End { get; } = new byte[1024];

    /// <summary>Reads all entries with their content, holes filled with zeros.</summary>
    public static List<(TarEntry Entry, byte[] Content)> ReadAll(byte[] tar, int bufferSize = 4096)
    {
        var reader = new TarReader(new StreamBlocks(new MemoryStream(tar), bufferSize));
        var all = new List<(TarEntry, byte[])>();
        while (reader.Next() is { } entry)
        {
            var content = new byte[entry.Size];
            while (reader.ReadContent(out var offset, out var piece))
            {
                piece.CopyTo(content.AsSpan((int)offset));
            }

            all.Add((entry, content));
        }

        return all;
    }
}
