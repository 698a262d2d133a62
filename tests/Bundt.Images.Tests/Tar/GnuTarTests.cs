using System.Diagnostics;
using Bundt.Images.Tar;
using Bundt.Linux.Files;

namespace Bundt.Images.Tests.Tar;

/// <summary>GNU tar as oracle: what it writes we read, what we write it extracts.</summary>
[TestFixture]
public sealed class GnuTarTests
{
    private string _path = "";

    [SetUp]
    public void Make()
    {
        if (!File.Exists("/bin/tar"))
        {
            Assert.Ignore("needs GNU tar");
        }

        _path = Directory.CreateTempSubdirectory("bundt-tar-").FullName;
    }

    [TearDown]
    public void Remove()
    {
        using var parent = DirectoryFd.OpenHost(Path.GetTempPath());
        parent.RemoveTree(Path.GetFileName(_path));
    }

    [TestCase("--format=gnu")]
    [TestCase("--format=posix", "--sparse-version=0.0")]
    [TestCase("--format=posix", "--sparse-version=0.1")]
    [TestCase("--format=posix", "--sparse-version=1.0")]
    public void Sparse_files_of_every_form_are_read_with_their_holes(params string[] options)
    {
        var content = new byte[3_000_000];
        using (var file = File.OpenHandle(Path.Combine(_path, "sparse"), FileMode.Create, FileAccess.Write))
        {
            RandomAccess.SetLength(file, content.Length);
            // More pieces than one old GNU extension block holds.
            for (var i = 0; i < 60; i++)
            {
                var piece = Enumerable.Repeat((byte)(i + 1), 5000).ToArray();
                piece.CopyTo(content, i * 49152);
                RandomAccess.Write(file, piece, i * 49152);
            }
        }

        File.WriteAllText(Path.Combine(_path, "after"), "after");
        var tar = Run("tar", ["-C", _path, "-cS", .. options, "sparse", "after"]);
        Assert.That(tar, Has.Length.LessThan(1_000_000), "tar did not see the holes");
        var entries = RawTar.ReadAll(tar);
        Assert.That(entries.Select(e => e.Entry.Name), Is.EqualTo(new[] { "sparse", "after" }));
        Assert.That(entries[0].Entry.Extents, Is.Not.Null);
        Assert.That(entries[0].Content.AsSpan().SequenceEqual(content));
        Assert.That(entries[1].Content, Is.EqualTo("after"u8.ToArray()));
    }

    [TestCase("gnu")]
    [TestCase("posix")]
    [TestCase("oldgnu")]
    public void Long_and_badly_encoded_names_and_old_times_are_read(string format)
    {
        var name = UnixName.Decode([(byte)'x', 0xE9, 0xFF]) + new string('y', 150);
        var target = UnixName.Decode([0xC0, 0xAF]) + new string('z', 150);
        using (var directory = DirectoryFd.OpenHost(_path))
        {
            AtomicFile.Replace(directory, "plain", "content"u8, durable: false);
            directory.Rename("plain", name);
            directory.Symlink(target, "link");
            directory.Link(name, "zz-hard");
            directory.SetTimes(name, new FileTime(0), new FileTime(-86400));
        }

        var entries = RawTar.ReadAll(Run("tar", ["-C", _path, "-c", "--sort=name", "--format=" + format, "."]));
        var file = entries.Single(e => e.Entry.Type == TarEntryType.File);
        Assert.That(file.Entry.Name, Is.EqualTo("./" + name));
        Assert.That(file.Entry.Modified.Seconds, Is.EqualTo(-86400));
        Assert.That(entries.Single(e => e.Entry.Type == TarEntryType.SymbolicLink).Entry.LinkName, Is.EqualTo(target));
        Assert.That(entries.Single(e => e.Entry.Type == TarEntryType.HardLink).Entry.LinkName, Is.EqualTo("./" + name));
    }

    [Test]
    public void Gnu_tar_extracts_what_we_write_with_every_byte()
    {
        TestStore.RequireRoot();
        var name = UnixName.Decode([0xE9]) + new string('n', 120);
        byte[] capability = [1, 0, 0, 2, 0x80, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        var tar = new TestTar().Dir("d", 1750, 5, 3_000_000_000).File("d/" + name, "content", 4755, 7, 8, ("security.capability", capability)).Link("l", name).Hard("h", "d/" + name);
        File.WriteAllBytes(Path.Combine(_path, "t.tar"), tar.Bytes());
        Directory.CreateDirectory(Path.Combine(_path, "out"));
        Run("tar", ["-C", Path.Combine(_path, "out"), "-xpf", Path.Combine(_path, "t.tar"), "--numeric-owner", "--xattrs", "--xattrs-include=*"]);
        using var extracted = DirectoryFd.OpenHost(Path.Combine(_path, "out"));
        Assert.That(extracted.Stat("d"), Has.Property("Gid").EqualTo(3_000_000_000).And.Property("Mode").EqualTo(TestTar.Mode(1750)));
        Assert.That(extracted.Stat("h"), Has.Property("Links").EqualTo(2).And.Property("Mode").EqualTo(TestTar.Mode(4755)).And.Property("Modified").EqualTo(new FileTime(1_000_000_000, 123_456_789)));
        Assert.That(extracted.GetXattr("h", "security.capability"), Is.EqualTo(capability));
        Assert.That(extracted.ReadLink("l"), Is.EqualTo(name));
    }

    private static byte[] Run(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero);
        return output.ToArray();
    }
}
