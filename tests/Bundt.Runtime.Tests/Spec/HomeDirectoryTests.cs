using System.Globalization;
using Bundt.Linux.Files;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Tests.Spec;

/// <summary>HOME, from passwd files that are missing, covered, huge or hostile.</summary>
public sealed class HomeDirectoryTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory()
    {
        _directory = Directory.CreateTempSubdirectory("bundt-home-").FullName;
        Directory.CreateDirectory(Path.Combine(_directory, "etc"));
    }

    [TearDown]
    public void RemoveDirectory()
    {
        using var parent = DirectoryFd.OpenHost(Path.GetTempPath());
        parent.RemoveTree(Path.GetFileName(_directory));
    }

    private string Passwd => Path.Combine(_directory, "etc/passwd");

    private string Home(uint uid, params RuntimeMount[] mounts) => HomeDirectory.OfNew(uid, _directory, _directory, mounts);

    [TestCase("a:x:0:0::/root:/bin/sh\nb:x:7:8::/b:\nc:x:7:9::/c:", 7u, "/b")]
    [TestCase("b:x:7:8::/b", 7u, "/b")]
    [TestCase("b:x:7:8:\n", 7u, "/")]
    [TestCase("b:x:7:8:::/bin/sh\n", 7u, "/")]
    [TestCase("b:x:x7:8::/wrong:\nb:x:+7:8::/wrong:\n:x:7:8::/wrong:\nb:x:4294967303:8::/wrong:\n\n\nb:x:7:8::/right:", 7u, "/right")]
    [TestCase("b:x:7:8::/ho\0me:\n", 7u, "/")]
    [TestCase("", 0u, "/")]
    public void It_is_that_of_the_first_good_entry(string content, uint uid, string home)
    {
        File.WriteAllText(Passwd, content);
        Assert.That(Home(uid), Is.EqualTo(home));
    }

    [Test]
    public void Entries_are_found_wherever_the_pieces_of_the_file_end()
    {
        File.WriteAllLines(Passwd, Enumerable.Range(0, 9000).Select(uid => string.Create(CultureInfo.InvariantCulture, $"u{uid}:x:{uid}:1::/home/{uid}:/bin/sh")));
        for (uint uid = 0; uid < 9000; uid += 41)
        {
            Assert.That(Home(uid), Is.EqualTo(string.Create(CultureInfo.InvariantCulture, $"/home/{uid}")));
        }
    }

    [Test]
    public void A_line_of_any_length_is_passed_over()
    {
        File.WriteAllText(Passwd, new string('x', 100_000) + ":x:7:8::/wrong:\n" + new string('y', 32 << 10) + "b:x:7:8::/wrong:\nb:x:7:8::/right:\n");
        Assert.That(Home(7), Is.EqualTo("/right"));
    }

    [Test]
    public void A_file_of_gigabytes_is_not_read_to_its_end()
    {
        using (var file = File.Create(Passwd))
        {
            file.SetLength(3L << 30);
            file.Position = file.Length - 20;
            file.Write("\nb:x:7:8::/far:\n"u8);
        }

        Assert.That(Home(7), Is.EqualTo("/"));
    }

    [Test]
    public void What_is_no_file_is_not_opened_and_a_link_does_not_lead_out()
    {
        using (var root = DirectoryFd.OpenHost(_directory))
        {
            root.MakeNode("etc/passwd", FileType.Fifo, UnixFileMode.UserRead);
        }

        Assert.That(Home(0), Is.EqualTo("/"));
        File.Delete(Passwd);
        var outside = Directory.CreateTempSubdirectory("bundt-home-");
        File.WriteAllText(Path.Combine(outside.FullName, "passwd"), "b:x:7:8::/outside:\n");
        File.CreateSymbolicLink(Passwd, Path.Combine(outside.FullName, "passwd"));
        var home = Home(7);
        outside.Delete(recursive: true);
        Assert.That(home, Is.EqualTo("/"));
    }

    [Test]
    public void What_is_mounted_over_it_counts()
    {
        File.WriteAllText(Passwd, "b:x:7:8::/image:\n");
        File.WriteAllText(Path.Combine(_directory, "other"), "b:x:7:8::/file:\n");
        Directory.CreateDirectory(Path.Combine(_directory, "dir"));
        File.WriteAllText(Path.Combine(_directory, "dir/passwd"), "b:x:7:8::/directory:\n");
        var file = new RuntimeMount { Destination = "/etc/../etc/passwd", Type = "bind", Source = "other", Options = ["ro"] };
        var directory = new RuntimeMount { Destination = "etc", Source = Path.Combine(_directory, "dir"), Options = ["rbind"] };
        var beside = new RuntimeMount { Destination = "/etc/pass", Type = "bind", Source = "/nowhere" };
        var empty = new RuntimeMount { Destination = "/etc", Type = "tmpfs", Source = "tmpfs" };
        Assert.Multiple(() =>
        {
            Assert.That(Home(7, beside), Is.EqualTo("/image"));
            Assert.That(Home(7, directory, file, beside), Is.EqualTo("/file"));
            Assert.That(Home(7, file, directory), Is.EqualTo("/directory"));
            Assert.That(Home(7, file, empty), Is.EqualTo("/"));
            Assert.That(Home(7, empty with { Options = ["tmpcopyup"] }), Is.EqualTo("/image"));
        });
    }
}
