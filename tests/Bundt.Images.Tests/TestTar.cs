using System.Text;
using Bundt.Images.Tar;
using Bundt.Linux.Files;

namespace Bundt.Images.Tests;

/// <summary>Builds tars entry by entry, honest and hostile ones.</summary>
internal sealed class TestTar
{
    private readonly MemoryStream _bytes = new();
    private readonly TarWriter _writer;

    public TestTar() => _writer = new TarWriter(_bytes);

    public static UnixFileMode Mode(int octalDigits) => (UnixFileMode)Convert.ToInt32(octalDigits.ToString(System.Globalization.CultureInfo.InvariantCulture), 8);

    public TestTar Add(TarEntry entry, byte[]? content = null)
    {
        _writer.WriteAsync(entry, content ?? [], CancellationToken.None).GetAwaiter().GetResult();
        return this;
    }

    public TestTar File(string name, string content = "", int mode = 644, uint uid = 0, uint gid = 0, params (string, byte[])[] xattrs) => Add(
        new TarEntry
        {
            Type = TarEntryType.File,
            Name = name,
            Mode = Mode(mode),
            Uid = uid,
            Gid = gid,
            Size = Encoding.UTF8.GetByteCount(content),
            Modified = new FileTime(1_000_000_000, 123_456_789),
            Xattrs = [.. xattrs.Select(x => KeyValuePair.Create(x.Item1, x.Item2))],
        },
        Encoding.UTF8.GetBytes(content));

    public TestTar Dir(string name, int mode = 755, uint uid = 0, uint gid = 0, params (string, byte[])[] xattrs) => Add(
        new TarEntry
        {
            Type = TarEntryType.Directory,
            Name = name,
            Mode = Mode(mode),
            Uid = uid,
            Gid = gid,
            Modified = new FileTime(900_000_000, 5),
            Xattrs = [.. xattrs.Select(x => KeyValuePair.Create(x.Item1, x.Item2))],
        });

    public TestTar Link(string name, string target) => Add(new TarEntry { Type = TarEntryType.SymbolicLink, Name = name, LinkName = target, Mode = Mode(777) });

    public TestTar Hard(string name, string target) => Add(new TarEntry { Type = TarEntryType.HardLink, Name = name, LinkName = target, Mode = Mode(777) });

    public TestTar Node(TarEntryType type, string name, uint major = 0, uint minor = 0) =>
        Add(new TarEntry { Type = type, Name = name, DeviceMajor = major, DeviceMinor = minor, Mode = Mode(600) });

    public TestTar Raw(byte[] bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public byte[] Bytes(bool withEnd = true) => withEnd ? [.. _bytes.ToArray(), .. new byte[1024]] : _bytes.ToArray();
}
