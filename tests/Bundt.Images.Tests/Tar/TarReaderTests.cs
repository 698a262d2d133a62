using System.Formats.Tar;
using System.Text;
using Bundt.Images.Tar;
using Bundt.Linux.Files;
using CsCheck;
using TarReader = Bundt.Images.Tar.TarReader;

namespace Bundt.Images.Tests.Tar;

[TestFixture]
public sealed class TarReaderTests
{
    private static IEnumerable<TestCaseData> Malformed()
    {
        static TestCaseData Case(string name, params byte[][] parts) => new TestCaseData(parts.SelectMany(p => p).ToArray()).SetArgDisplayNames(name);

        yield return Case("wrong checksum", [.. RawTar.Header("a", '0')[..148], .. "0000001\0"u8, .. RawTar.Header("a", '0')[156..]], RawTar.End);
        yield return Case("no tar at all", Encoding.ASCII.GetBytes(new string('x', 2048)));
        yield return Case("cut within a header", RawTar.Header("a", '0')[..300]);
        yield return Case("cut within content", RawTar.Header("a", '0', 1000), new byte[200]);
        yield return Case("a single zero block between entries", new byte[512], RawTar.Header("a", '0'), RawTar.End);
        yield return Case("letters in the size", RawTar.Header("a", '0', 0, "", b => RawTar.Text(b, 124, "00000x00000")), RawTar.End);
        yield return Case("negative size", RawTar.Header("a", '0', 0, "", b => b.AsSpan(124, 12).Fill(0xff)), RawTar.End);
        yield return Case("size beyond 64 bits", RawTar.Header("a", '0', 0, "", b => { b[124] = 0x80; b.AsSpan(125, 11).Fill(0x7f); }), RawTar.End);
        yield return Case("negative owner", RawTar.Header("a", '0', 0, "", b => b.AsSpan(108, 8).Fill(0xff)), RawTar.End);
        yield return Case("owner beyond 32 bits", RawTar.Pax(("uid", "4294967296")), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("unknown type", RawTar.Header("a", 'Q'), RawTar.End);
        yield return Case("extended header of 2 GB", RawTar.Header("x", 'x', 2L << 30), RawTar.End);
        yield return Case("long name of 2 GB", RawTar.Header("x", 'L', 2L << 30), RawTar.End);
        yield return Case("record length beyond its header", RawTar.Entry("x", 'x', "99 path=a\n"u8.ToArray()), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("record length zero", RawTar.Entry("x", 'x', "0 path=a\n"u8.ToArray()), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("record without a length", RawTar.Entry("x", 'x', " path=a\n"u8.ToArray()), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("record without =", RawTar.Entry("x", 'x', "8 path\n\n"u8.ToArray()), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("record without a newline", RawTar.Entry("x", 'x', "10 path=ab"u8.ToArray()), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("zero byte in a path", RawTar.Pax(("path", "a\0b")), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("invalid time", RawTar.Pax(("mtime", "1.2.3")), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("negative size in a record", RawTar.Pax(("size", "-1")), RawTar.Header("a", '0'), RawTar.End);
        yield return Case("sparse map that overlaps", RawTar.Pax(("GNU.sparse.map", "0,5,3,5"), ("GNU.sparse.size", "10")), RawTar.Entry("a", '0', new byte[10]), RawTar.End);
        yield return Case("sparse map beyond the file", RawTar.Pax(("GNU.sparse.map", "0,20"), ("GNU.sparse.size", "10")), RawTar.Entry("a", '0', new byte[20]), RawTar.End);
        yield return Case("sparse map longer than the content", RawTar.Pax(("GNU.sparse.map", "0,20"), ("GNU.sparse.size", "30")), RawTar.Entry("a", '0', new byte[10]), RawTar.End);
        yield return Case("sparse map that overflows", RawTar.Pax(("GNU.sparse.map", "9223372036854775807,2"), ("GNU.sparse.size", "9223372036854775807")), RawTar.Entry("a", '0', new byte[2]), RawTar.End);
        yield return Case("sparse map with an odd number", RawTar.Pax(("GNU.sparse.map", "0,1,2"), ("GNU.sparse.size", "10")), RawTar.Entry("a", '0', new byte[1]), RawTar.End);
        yield return Case("sparse 1.0 with a million holes", RawTar.Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "10")), RawTar.Entry("a", '0', [.. "1000000\n"u8, .. new byte[504]]), RawTar.End);
        yield return Case("sparse 1.0 whose map does not end", RawTar.Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "10")), RawTar.Entry("a", '0', [.. "3\n1\n"u8, .. Encoding.ASCII.GetBytes(new string('1', 508))]), RawTar.End);
        yield return Case("old sparse whose extension is cut", RawTar.Header("a", 'S', 0, "", b => b[482] = 1));
    }

    [TestCaseSource(nameof(Malformed))]
    public void A_malformed_archive_is_refused_with_a_sentence(byte[] tar) =>
        Assert.That(() => RawTar.ReadAll(tar), Throws.TypeOf<TarFormatException>().With.Message.StartsWith("tar "));

    [Test]
    public void Any_bytes_end_in_entries_or_in_a_sentence() =>
        Gen.Select(Gen.Byte.Array[512, 2048], Gen.Int[0, 511], Gen.Byte).Sample((noise, position, value) =>
        {
            var header = RawTar.Header("name", "0125LxgSKD7"[noise[0] % 11], noise[1]);
            header[position] = value;
            // Half of them with a right checksum, or nothing behind it would be reached.
            byte[] tar = [.. RawTar.Header("n", "0125LxgSKD7"[noise[0] % 11], noise[1], "", b => b[position] = value), .. noise, .. header, .. RawTar.End];
            try
            {
                RawTar.ReadAll(tar);
            }
            catch (TarFormatException)
            {
            }
            catch (OutOfMemoryException)
            {
                // The test itself makes an array of a sparse file's claimed length.
            }
        });

    [Test]
    public void The_end_marker_is_told_from_a_cut()
    {
        foreach (var (tar, seen) in new[] { (new TestTar().File("a").Bytes(), true), (new TestTar().File("a").Bytes(withEnd: false), false) })
        {
            var reader = new TarReader(new StreamBlocks(new MemoryStream(tar)));
            while (reader.Next() is not null)
            {
            }

            Assert.That(reader.EndMarkerSeen, Is.EqualTo(seen));
        }
    }

    [Test]
    public void Global_headers_do_not_apply_and_local_ones_apply_once()
    {
        byte[] tar =
        [
            .. RawTar.Entry("g", 'g', [.. RawTar.Record("path", "evil"u8.ToArray())]), .. RawTar.Header("a", '0'),
            .. RawTar.Pax(("path", "b"), ("uid", "7")), .. RawTar.Header("x", '0'), .. RawTar.Header("c", '0'), .. RawTar.End,
        ];
        Assert.That(RawTar.ReadAll(tar).Select(e => (e.Entry.Name, e.Entry.Uid)), Is.EqualTo(new[] { ("a", 0u), ("b", 7u), ("c", 0u) }));
    }

    [Test]
    public void Links_and_directories_have_no_content_whatever_their_size_says()
    {
        byte[] tar = [.. RawTar.Header("l", '2', 512, "t"), .. RawTar.Header("d", '5', 512), .. RawTar.Header("h", '1', 512, "l"), .. RawTar.Header("end", '0'), .. RawTar.End];
        Assert.That(RawTar.ReadAll(tar).Select(e => e.Entry.Name), Is.EqualTo(new[] { "l", "d", "h", "end" }));
    }

    [TestCase("-1.25", -2, 750_000_000u)]
    [TestCase("-1", -1, 0u)]
    [TestCase("1.1234567899", 1, 123_456_789u)]
    [TestCase("0.5", 0, 500_000_000u)]
    public void Times_are_exact_to_the_nanosecond(string text, long seconds, uint nanoseconds)
    {
        byte[] tar = [.. RawTar.Pax(("mtime", text)), .. RawTar.Header("a", '0'), .. RawTar.End];
        Assert.That(RawTar.ReadAll(tar)[0].Entry.Modified, Is.EqualTo(new FileTime(seconds, nanoseconds)));
    }

    [Test]
    public void Base_256_numbers_are_read_with_their_sign()
    {
        byte[] tar =
        [
            .. RawTar.Header("a", '0', 0, "", b => { b.AsSpan(108, 8).Clear(); b[108] = 0x80; b[112] = 0xb2; b[113] = 0xd0; b[114] = 0x5e; }),
            .. RawTar.Header("b", '0', 0, "", b => { b.AsSpan(136, 12).Fill(0xff); b[147] = 0xfb; }),
            .. RawTar.End,
        ];
        var entries = RawTar.ReadAll(tar);
        Assert.That(entries[0].Entry.Uid, Is.EqualTo(3_000_000_000));
        Assert.That(entries[1].Entry.Modified, Is.EqualTo(new FileTime(-5)));
    }

    [Test]
    public void What_the_writer_writes_is_read_back_byte_exact() =>
        Gen.Select(Gen.Byte[1, 255].Array[1, 300], Gen.Byte.Array[0, 2000], Gen.UInt, Gen.Byte.Array[0, 40], Gen.Long[-1L << 40, 1L << 40], Gen.UInt[0, 999_999_999])
            .Sample((name, content, id, xattr, seconds, nanoseconds) =>
            {
                name = [.. name.Where(b => b != '/'), (byte)'x'];
                var entry = new Images.Tar.TarEntry
                {
                    Type = Images.Tar.TarEntryType.File,
                    Name = UnixName.Decode(name),
                    Mode = TestTar.Mode(6754),
                    Uid = id,
                    Gid = id / 2,
                    Size = content.Length,
                    Modified = new FileTime(seconds, nanoseconds),
                    Xattrs = [KeyValuePair.Create("user.x", xattr)],
                };
                var (read, bytes) = RawTar.ReadAll(new TestTar().Add(entry, content).Bytes(), 1024).Single();
                return UnixName.Encode(read.Name).AsSpan().SequenceEqual(name) && bytes.AsSpan().SequenceEqual(content) && read.Uid == id && read.Gid == id / 2
                    && read.Mode == entry.Mode && read.Modified == entry.Modified && read.Xattrs.Single().Key == "user.x"
                    && read.Xattrs.Single().Value.AsSpan().SequenceEqual(xattr);
            });

    [TestCase(TarEntryFormat.Ustar)]
    [TestCase(TarEntryFormat.Pax)]
    [TestCase(TarEntryFormat.Gnu)]
    public void The_frameworks_writer_is_understood(TarEntryFormat format)
    {
        var archive = new MemoryStream();
        var longName = string.Join('/', Enumerable.Repeat("directory", 12)) + "/file";
        using (var writer = new System.Formats.Tar.TarWriter(archive, format, leaveOpen: true))
        {
            foreach (var (type, name, link) in new[]
            {
                (System.Formats.Tar.TarEntryType.Directory, "d/", ""), (System.Formats.Tar.TarEntryType.RegularFile, longName, ""),
                (System.Formats.Tar.TarEntryType.SymbolicLink, "l", "d"), (System.Formats.Tar.TarEntryType.HardLink, "h", longName),
                (System.Formats.Tar.TarEntryType.CharacterDevice, "c", ""),
            })
            {
                System.Formats.Tar.TarEntry entry = format switch
                {
                    TarEntryFormat.Ustar => new UstarTarEntry(type, name),
                    TarEntryFormat.Pax => new PaxTarEntry(type, name),
                    _ => new GnuTarEntry(type, name),
                };
                entry.Uid = 12;
                entry.ModificationTime = DateTimeOffset.FromUnixTimeSeconds(1234567);
                if (link.Length is > 0 and <= 100 || (link.Length > 0 && format != TarEntryFormat.Ustar))
                {
                    entry.LinkName = link;
                }
                else if (link.Length > 0)
                {
                    entry.LinkName = "d";
                }

                if (type == System.Formats.Tar.TarEntryType.RegularFile)
                {
                    entry.DataStream = new MemoryStream("hello"u8.ToArray());
                }

                if (entry is PosixTarEntry posix && type == System.Formats.Tar.TarEntryType.CharacterDevice)
                {
                    (posix.DeviceMajor, posix.DeviceMinor) = (5, 1);
                }

                writer.WriteEntry(entry);
            }
        }

        var read = RawTar.ReadAll(archive.ToArray());
        Assert.That(read.Select(e => e.Entry.Name), Is.EqualTo(new[] { "d/", longName, "l", "h", "c" }));
        Assert.That(read.Select(e => e.Entry.Uid), Is.All.EqualTo(12));
        Assert.That(read.Select(e => e.Entry.Modified.Seconds), Is.All.EqualTo(1234567));
        Assert.That(read[1].Content, Is.EqualTo("hello"u8.ToArray()));
        Assert.That(read[4].Entry, Has.Property("DeviceMajor").EqualTo(5).And.Property("DeviceMinor").EqualTo(1));
    }

    [Test]
    public void The_framework_understands_the_writer()
    {
        var longName = new string('a', 150);
        var bytes = new TestTar().Dir("d").File(longName, "content", 750, 5, 6).Link("l", new string('t', 120)).Bytes();
        using var reader = new System.Formats.Tar.TarReader(new MemoryStream(bytes));
        Assert.That(reader.GetNextEntry()!.EntryType, Is.EqualTo(System.Formats.Tar.TarEntryType.Directory));
        var file = reader.GetNextEntry()!;
        Assert.That(file, Has.Property("Name").EqualTo(longName).And.Property("Uid").EqualTo(5).And.Property("Mode").EqualTo(TestTar.Mode(750)));
        Assert.That(new StreamReader(file.DataStream!).ReadToEnd(), Is.EqualTo("content"));
        Assert.That(reader.GetNextEntry()!.LinkName, Is.EqualTo(new string('t', 120)));
        Assert.That(reader.GetNextEntry(), Is.Null);
    }
}
