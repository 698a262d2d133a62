using Bundt.Images.Tar;
using Bundt.Linux.Files;

namespace Bundt.Images.Tests.Layers;

[TestFixture]
public sealed class LayerTreeTests
{
    private TestStore _test = null!;

    [SetUp]
    public void Open()
    {
        TestStore.RequireRoot();
        _test = new TestStore();
    }

    [TearDown]
    public void Close() => _test?.Dispose();

    [Test]
    public async Task Every_attribute_of_every_kind_of_file_arrives()
    {
        byte[] capability = [1, 0, 0, 2, 0x80, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        var name = UnixName.Decode([0x78, 0xE9, 0xFF]);
        var tree = await UnpackAsync(new TestTar()
            .Dir("./", 755)
            .Dir("d", 1777, 5, 6)
            .File("d/suid", "x", 4755, 3_000_000_000, 7, ("security.capability", capability), ("user.note", [0, 1, 2]))
            .File("d/" + name, "latin")
            .Link("d/link", "../anywhere")
            .Hard("d/hard", "/d/suid")
            .Node(TarEntryType.CharacterDevice, "d/null", 1, 3)
            .Node(TarEntryType.BlockDevice, "d/disk", 259, 70000)
            .Node(TarEntryType.Fifo, "d/fifo")
            .File(new string('n', 200) + "/" + new string('m', 150), "long"));
        var suid = tree.Stat("d/suid");
        Assert.That(suid, Has.Property("Mode").EqualTo(TestTar.Mode(4755)).And.Property("Uid").EqualTo(3_000_000_000).And.Property("Gid").EqualTo(7));
        Assert.That(suid.Modified, Is.EqualTo(new FileTime(1_000_000_000, 123_456_789)));
        Assert.That(suid.Links, Is.EqualTo(2));
        Assert.That(tree.GetXattr("d/suid", "security.capability"), Is.EqualTo(capability));
        Assert.That(tree.GetXattr("d/suid", "user.note"), Is.EqualTo(new byte[] { 0, 1, 2 }));
        Assert.That(tree.ReadAll("d/" + name, 9), Is.EqualTo("latin"u8.ToArray()));
        Assert.That(tree.ReadLink("d/link"), Is.EqualTo("../anywhere"));
        Assert.That(tree.Stat("d"), Has.Property("Mode").EqualTo(TestTar.Mode(1777)).And.Property("Uid").EqualTo(5).And.Property("Modified").EqualTo(new FileTime(900_000_000, 5)));
        Assert.That(tree.Stat("d/null"), Has.Property("NodeMajor").EqualTo(1).And.Property("NodeMinor").EqualTo(3));
        Assert.That(tree.Stat("d/disk"), Has.Property("NodeMajor").EqualTo(259).And.Property("NodeMinor").EqualTo(70000));
        Assert.That(tree.Stat("d/fifo").Type, Is.EqualTo(FileType.Fifo));
        Assert.That(tree.ReadAll(new string('n', 200) + "/" + new string('m', 150), 9), Is.EqualTo("long"u8.ToArray()));
        Assert.That(tree.Stat(new string('n', 200)).Mode, Is.EqualTo(TestTar.Mode(755)));
    }

    [Test]
    public async Task Whiteouts_become_those_of_the_overlay_in_any_order()
    {
        var tree = await UnpackAsync(new TestTar()
            .Dir("a").File("a/.wh.gone")
            .File("b/.wh.implied-parent")
            .Dir("opaque").File("opaque/.wh..wh..opq").File("opaque/own")
            .File(".wh.again").Dir("again").File("again/f")
            .Dir("before").File("before/f").File(".wh.before")
            .File(".wh.file").File("file", "new")
            .File("own", "stays").File(".wh.own")
            .File(".wh.deep").File("deep/er/f")
            .File("a/.wh..wh.plnk"));
        foreach (var path in new[] { "a/gone", "b/implied-parent" })
        {
            Assert.That(tree.Stat(path), Has.Property("Type").EqualTo(FileType.CharacterDevice).And.Property("NodeMajor").Zero, path);
        }

        foreach (var path in new[] { "opaque", "again", "before", "deep" })
        {
            Assert.That(tree.GetXattr(path, "trusted.overlay.opaque"), Is.EqualTo("y"u8.ToArray()), path);
        }

        Assert.That(tree.GetXattr("a", "trusted.overlay.opaque"), Is.Null);
        Assert.That(tree.ReadAll("file", 9), Is.EqualTo("new"u8.ToArray()));
        Assert.That(tree.ReadAll("own", 9), Is.EqualTo("stays"u8.ToArray()));
        Assert.That(tree.Exists("opaque/own"));
        Assert.That(tree.Exists("a/.wh..wh.plnk"), Is.False);
        Assert.That(tree.Entries().Select(e => e.Name), Has.None.StartsWith(".wh."));
    }

    [Test]
    public async Task A_later_entry_replaces_an_earlier_one()
    {
        var tree = await UnpackAsync(new TestTar()
            .Dir("dir").File("dir/f").File("dir", "now a file")
            .File("file", "old").File("file", "new")
            .File("x", "file").Dir("x").File("x/y")
            .Link("l", "dir").File("l", "now a file")
            .Dir("merged", 700).File("merged/f").Dir("merged", 711));
        Assert.That(tree.ReadAll("dir", 20), Is.EqualTo("now a file"u8.ToArray()));
        Assert.That(tree.ReadAll("file", 20), Is.EqualTo("new"u8.ToArray()));
        Assert.That(tree.Exists("x/y"));
        Assert.That(tree.Stat("l").Type, Is.EqualTo(FileType.Regular));
        Assert.That(tree.Exists("merged/f"));
        Assert.That(tree.Stat("merged").Mode, Is.EqualTo(TestTar.Mode(711)));
    }

    [Test]
    public async Task The_overlays_own_attributes_cannot_be_planted()
    {
        var tree = await UnpackAsync(new TestTar()
            .Dir("d", 755, 0, 0, ("trusted.overlay.opaque", "y"u8.ToArray()), ("trusted.overlay.redirect", "/etc"u8.ToArray()), ("trusted.kept", [1]))
            .File("f", "", 644, 0, 0, ("trusted.overlay.metacopy", []), ("user.overlay.whiteout", [1])));
        Assert.That(tree.ListXattrs("d").Concat(tree.ListXattrs("f")).Where(x => x.StartsWith("trusted.", StringComparison.Ordinal) || x.StartsWith("user.", StringComparison.Ordinal)), Is.EqualTo(new[] { "trusted.kept" }));
    }

    [Test]
    public async Task A_link_within_the_layer_is_followed_as_in_a_chroot()
    {
        var tree = await UnpackAsync(new TestTar().Dir("usr/lib").Link("lib", "/usr/lib").File("lib/x", "x"));
        Assert.That(tree.ReadAll("usr/lib/x", 9), Is.EqualTo("x"u8.ToArray()));
    }

    [Test]
    public async Task Implied_parents_get_the_attributes_that_a_layer_below_gives_them()
    {
        var bottom = new TestTar().Dir("srv", 700, 3, 4).Dir("srv/data", 1777).Dir("plain").File("plain/f").Dir("replaced", 700).Bytes();
        var top = new TestTar().File("srv/data/f", "x").File("plain/g").File(".wh.replaced").File("replaced/f").Bytes();
        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], bottom, top)))[0].Image;
        using var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        Assert.That(lease.Directories, Has.Count.EqualTo(3));
        using var mended = DirectoryFd.OpenHost(lease.Directories[0]);
        Assert.That(mended.Entries().Select(e => e.Name), Is.EqualTo(new[] { "srv" }));
        Assert.That(mended.Stat("srv"), Has.Property("Mode").EqualTo(TestTar.Mode(700)).And.Property("Uid").EqualTo(3));
        Assert.That(mended.Stat("srv/data").Mode, Is.EqualTo(TestTar.Mode(1777)));
        using var again = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        Assert.That(again.Directories, Is.EqualTo(lease.Directories));
    }

    [Test]
    public async Task An_opaque_root_ends_the_stack()
    {
        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], new TestTar().File("a").Bytes(), new TestTar().File(".wh..wh..opq").File("b").Bytes())))[0].Image;
        using var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        Assert.That(lease.Directories, Has.Count.EqualTo(1));
    }

    private async Task<DirectoryFd> UnpackAsync(TestTar tar)
    {
        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], tar.Bytes())))[0].Image;
        using var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        return DirectoryFd.OpenHost(lease.Directories[^1]);
    }
}
