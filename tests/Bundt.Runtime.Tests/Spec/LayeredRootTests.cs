using System.Text;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Tests.Spec;

/// <summary>Reading through layers as an overlay would show them.</summary>
public sealed class LayeredRootTests
{
    private string _directory = "";

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("bundt-layers-").FullName;

    [TearDown]
    public void RemoveDirectory()
    {
        using var parent = DirectoryFd.OpenHost(Path.GetTempPath());
        parent.RemoveTree(Path.GetFileName(_directory));
    }

    private string Layer(string name, params (string Path, string Content)[] files)
    {
        var layer = Path.Combine(_directory, name);
        Directory.CreateDirectory(layer);
        foreach (var (path, content) in files)
        {
            var file = Path.Combine(layer, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            if (content.StartsWith("->", StringComparison.Ordinal))
            {
                File.CreateSymbolicLink(file, content[2..]);
            }
            else
            {
                File.WriteAllText(file, content);
            }
        }

        return layer;
    }

    private static string? Read(string path, params string[] layers)
    {
        using var root = LayeredRoot.Open(layers);
        return root.Read(path, 1 << 20) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
    }

    [Test]
    public void The_topmost_file_wins() =>
        Assert.That(Read("etc/passwd", Layer("top", ("etc/group", "g")), Layer("middle", ("etc/passwd", "middle")), Layer("base", ("etc/passwd", "base"))), Is.EqualTo("middle"));

    [Test]
    public void A_link_leads_through_all_layers() =>
        Assert.That(Read("etc/passwd", Layer("top", ("etc/passwd", "->/usr/lib/passwd")), Layer("base", ("usr/lib/passwd", "found"))), Is.EqualTo("found"));

    [Test]
    public void A_linked_directory_and_dots_stay_inside() =>
        Assert.That(Read("etc/passwd", Layer("top", ("etc", "->../../../private/./x/../etc")), Layer("base", ("private/etc/passwd", "in"), ("private/x/y", ""))), Is.EqualTo("in"));

    [Test]
    public void A_link_out_of_the_root_finds_nothing_outside()
    {
        File.WriteAllText(Path.Combine(_directory, "secret"), "outside");
        Assert.That(Read("etc/passwd", Layer("top", ("etc/passwd", "->../../secret"))), Is.Null);
        Assert.That(Read("etc/passwd", Layer("other", ("etc/passwd", "->" + Path.Combine(_directory, "secret")))), Is.Null);
    }

    [Test]
    public void A_loop_of_links_ends() => Assert.That(Read("a", Layer("top", ("a", "->b"), ("b", "->a"))), Is.Null);

    [Test]
    public void A_file_above_a_directory_hides_it() =>
        Assert.That(Read("etc/passwd", Layer("top", ("etc", "a file")), Layer("base", ("etc/passwd", "hidden"))), Is.Null);

    [Test]
    public void A_longer_file_than_allowed_is_refused()
    {
        var layer = Layer("top", ("etc/passwd", new string('x', 100)));
        using var root = LayeredRoot.Open([layer]);
        Assert.That(() => root.Read("etc/passwd", 99), Throws.TypeOf<BundtException>());
    }

    [Test]
    public void A_whiteout_hides_what_is_below()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root: whiteouts are device nodes");
        }

        var top = Layer("top", ("etc/other", ""));
        using (var directory = DirectoryFd.OpenHost(top))
        {
            directory.MakeNode("etc/passwd", FileType.CharacterDevice, 0);
        }

        Assert.That(Read("etc/passwd", top, Layer("base", ("etc/passwd", "hidden"))), Is.Null);
    }

    [Test]
    public void Users_of_an_image_are_those_of_its_layers()
    {
        var upper = Layer("upper");
        string[] lowers = [Layer("l1", ("etc/passwd", "cook:x:7:8::/kitchen:/bin/sh\n")), Layer("l0", ("etc/group", "cooks:x:9:cook\n"))];
        var user = UserDatabase.Load(upper, lowers).Resolve("cook", []);
        Assert.That((user.Uid, user.Gid, user.Home), Is.EqualTo((7u, 8u, "/kitchen")));
        Assert.That(user.AdditionalGids, Is.EqualTo(new uint[] { 8, 9 }));

        Layer("upper", ("etc/passwd", "cook:x:17:8::/kitchen:/bin/sh\n"));
        Assert.That(UserDatabase.Load(upper, lowers).Resolve("cook", []).Uid, Is.EqualTo(17), "the container's own file counts from then on");
    }
}
