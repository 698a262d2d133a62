using Bundt.Linux.Files;

namespace Bundt.Linux.Tests.Files;

[TestFixture]
public sealed class DirectoryFdTests
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private string _path = "";
    private DirectoryFd _outside = null!;
    private DirectoryFd _root = null!;

    [SetUp]
    public void Open()
    {
        _path = System.IO.Directory.CreateTempSubdirectory("bundt-fd-").FullName;
        _outside = DirectoryFd.OpenHost(_path);
        _root = _outside.EnsureDirectory("root", Private);
        File.WriteAllText(Path.Combine(_path, "secret"), "outside");
    }

    [TearDown]
    public void Close()
    {
        _root.Dispose();
        _outside.Dispose();
        using var parent = DirectoryFd.OpenHost(Path.GetTempPath());
        parent.RemoveTree(Path.GetFileName(_path));
    }

    [TestCase("../secret")]
    [TestCase("/../secret")]
    [TestCase("sub/../../secret")]
    [TestCase("link")]
    [TestCase("absolute")]
    [TestCase("up/secret")]
    [TestCase("magic/secret")]
    public void A_path_never_leads_out(string path)
    {
        _root.CreateDirectory("sub", Private);
        _root.Symlink("../secret", "link");
        _root.Symlink(Path.Combine(_path, "secret"), "absolute");
        _root.Symlink("..", "up");
        _root.Symlink("/proc/self/fd/" + (int)_outside.Handle.DangerousGetHandle(), "magic");
        Assert.That(() => _root.ReadAll(path, 100), Throws.TypeOf<BundtException>().With.Property("Errno").EqualTo(Errno.ENOENT));
    }

    [Test]
    public void A_magic_link_is_refused()
    {
        using var proc = DirectoryFd.OpenHost("/proc/self");
        Assert.That(() => proc.OpenDirectory("root"), Throws.TypeOf<BundtException>().With.Property("Errno").EqualTo(Errno.ELOOP));
    }

    [Test]
    public void Beneath_refuses_what_in_root_confines()
    {
        _root.Symlink("/", "top");
        using (_root.OpenDirectory("top"))
        {
        }

        Assert.That(
            () => _root.OpenDirectory("top", OpenFlags.Beneath), Throws.TypeOf<BundtException>().With.Property("Errno").EqualTo(Errno.EXDEV));
    }

    [Test]
    public void Absolute_links_inside_are_followed_as_in_a_chroot()
    {
        AtomicFile.Replace(_root, "data", "inside"u8, durable: false);
        _root.Symlink("/data", "link");
        Assert.That(_root.ReadAll("link", 100), Is.EqualTo("inside"u8.ToArray()));
        Assert.That(_root.Stat("link").Type, Is.EqualTo(FileType.SymbolicLink));
        Assert.That(_root.Stat("link", follow: true).Size, Is.EqualTo(6));
    }

    [Test]
    public void Reading_a_fifo_fails_at_once_instead_of_blocking()
    {
        _root.MakeNode("fifo", FileType.Fifo, Private);
        Assert.That(() => _root.ReadAll("fifo", 100), Throws.TypeOf<BundtException>().With.Message.Contains("not a regular file"));
    }

    [Test]
    public void Reading_more_than_the_limit_is_refused()
    {
        AtomicFile.Replace(_root, "data", new byte[101], durable: false);
        Assert.That(() => _root.ReadAll("data", 100), Throws.TypeOf<BundtException>().With.Property("Errno").EqualTo(Errno.EFBIG));
        Assert.That(_root.ReadAll("data", 101), Has.Length.EqualTo(101));
    }

    [Test]
    public void A_file_without_a_length_is_read_to_its_end()
    {
        using var proc = DirectoryFd.OpenHost("/proc/self");
        Assert.That(proc.ReadAll("mountinfo", 1 << 20), Is.Not.Empty);
    }

    [Test]
    public void Names_that_are_not_utf8_survive()
    {
        var name = UnixName.Decode([0x78, 0xE9, 0xFF]);
        AtomicFile.Replace(_root, "plain", "x"u8, durable: true);
        _root.Rename("plain", name);
        Assert.That(_root.Entries().Select(e => e.Name), Is.EqualTo(new[] { name }));
        _root.Symlink(name, "link");
        Assert.That(_root.ReadLink("link"), Is.EqualTo(name));
        _root.Link(name, "hard");
        Assert.That(_root.Stat(name).Links, Is.EqualTo(2));
        _root.Unlink(name);
        Assert.That(_root.Exists(name), Is.False);
    }

    [Test]
    public void Renames_can_refuse_and_swap()
    {
        AtomicFile.Replace(_root, "a", "a"u8, durable: false);
        AtomicFile.Replace(_root, "b", "b"u8, durable: false);
        Assert.That(
            () => _root.Rename("a", "b", RenameMode.NoReplace), Throws.TypeOf<BundtException>().With.Property("Errno").EqualTo(Errno.EEXIST));
        _root.Rename("a", "b", RenameMode.Exchange);
        Assert.That(_root.ReadAll("a", 9), Is.EqualTo("b"u8.ToArray()));
    }

    [Test]
    public void Modes_and_times_are_exact()
    {
        AtomicFile.Replace(_root, "file", ""u8, durable: false);
        _root.SetMode("file", UnixFileMode.SetUser | UnixFileMode.UserRead);
        _root.SetTimes("file", new FileTime(1, 2), new FileTime(-5, 123456789));
        var status = _root.Stat("file");
        Assert.That(status.Mode, Is.EqualTo(UnixFileMode.SetUser | UnixFileMode.UserRead));
        Assert.That(status.Modified, Is.EqualTo(new FileTime(-5, 123456789)));
        Assert.That(status.Accessed, Is.EqualTo(new FileTime(1, 2)));
    }

    [Test]
    public void Ensuring_a_directory_gives_every_new_one_the_exact_mode_and_keeps_old_ones()
    {
        const UnixFileMode Open = (UnixFileMode)511;
        _root.CreateDirectory("a", Private);
        using (_root.EnsureDirectory("a/b/c", Open))
        {
        }

        Assert.That(_root.Stat("a").Mode, Is.EqualTo(Private));
        Assert.That(_root.Stat("a/b").Mode, Is.EqualTo(Open));
        Assert.That(_root.Stat("a/b/c").Mode, Is.EqualTo(Open));
    }

    [Test]
    public void Root_sets_owners_and_binary_xattrs()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root: chown and trusted.* attributes");
        }

        AtomicFile.Replace(_root, "file", ""u8, durable: false);
        _root.Symlink("nowhere", "link");
        _root.SetOwner("file", 3_000_000_000, 7);
        _root.SetOwner("link", 5, 6);
        Assert.That(_root.Stat("file").Uid, Is.EqualTo(3_000_000_000));
        Assert.That(_root.Stat("link").Gid, Is.EqualTo(6));
        byte[] value = [1, 0, 0x80, 0xFF, 10];
        _root.SetXattr("file", "trusted.bundt", value);
        _root.SetXattr("link", "trusted.bundt", value);
        Assert.That(_root.GetXattr("file", "trusted.bundt"), Is.EqualTo(value));
        Assert.That(_root.GetXattr("link", "trusted.bundt"), Is.EqualTo(value));
        Assert.That(_root.ListXattrs("file"), Does.Contain("trusted.bundt"));
        Assert.That(_root.GetXattr("file", "trusted.none"), Is.Null);
    }

    [Test]
    public void A_whiteout_node_has_the_device_0_0()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root: mknod");
        }

        _root.MakeNode("gone", FileType.CharacterDevice, 0);
        _root.MakeNode("big", FileType.BlockDevice, Private, 4095, 1_000_000);
        Assert.That(_root.Stat("gone"), Has.Property("Type").EqualTo(FileType.CharacterDevice).And.Property("NodeMajor").Zero.And.Property("NodeMinor").Zero);
        Assert.That(_root.Stat("big"), Has.Property("NodeMajor").EqualTo(4095).And.Property("NodeMinor").EqualTo(1_000_000));
    }

    [Test]
    public void A_tree_is_removed_without_following_links()
    {
        _root.CreateDirectory("tree", Private);
        _root.Symlink(_path, "tree/out");
        _root.Symlink("../../secret", "tree/file");
        _outside.Symlink("root", "alias");
        _root.RemoveTree("tree");
        _outside.RemoveTree("alias");
        Assert.That(_root.Entries(), Is.Empty);
        Assert.That(File.ReadAllText(Path.Combine(_path, "secret")), Is.EqualTo("outside"));
    }

    [Test]
    public void A_very_deep_and_a_badly_named_tree_are_removed()
    {
        var current = _root.EnsureDirectory("deep", Private);
        for (var depth = 0; depth < 3000; depth++)
        {
            current.CreateDirectory("d", Private);
            var next = current.OpenDirectory("d");
            current.Dispose();
            current = next;
        }

        AtomicFile.Replace(current, UnixName.Decode([0xFF, 0xFE]), "x"u8, durable: false);
        current.Dispose();
        _root.CreateDirectory("deep/bundt-removal-0", Private);
        AtomicFile.Replace(_root.OpenDirectory("deep/bundt-removal-0"), "x", "x"u8, durable: false);
        _root.RemoveTree("deep");
        Assert.That(_root.Entries(), Is.Empty);
    }

    [Test]
    public void Removing_what_does_not_exist_is_no_error()
    {
        Assert.That(() => _root.RemoveTree("nothing"), Throws.Nothing);
        Assert.That(_root.UnlinkIfExists("nothing"), Is.False);
    }

    [TestCase("")]
    [TestCase("/")]
    [TestCase(".")]
    [TestCase("..")]
    [TestCase("a/..")]
    [TestCase("\0.\0.")]
    [TestCase("a\0")]
    public void A_path_that_names_no_entry_is_refused(string path) =>
        Assert.That(() => _root.CreateDirectory(path, Private), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));

    [Test]
    public void Many_entries_are_all_listed()
    {
        for (var i = 0; i < 3000; i++)
        {
            _root.Symlink("x", $"a-rather-long-name-so-that-several-reads-are-needed-{i}");
        }

        Assert.That(_root.Entries(), Has.Count.EqualTo(3000));
        Assert.That(_root.Entries().Select(e => e.Type), Is.All.EqualTo(FileType.SymbolicLink));
    }

    [Test]
    public void A_replaced_file_leaves_nothing_beside()
    {
        AtomicFile.Replace(_root, "f", "one"u8, durable: true);
        AtomicFile.Replace(_root, "f", "two"u8, durable: false);
        Assert.That(_root.ReadAll("f", 10), Is.EqualTo("two"u8.ToArray()));
        Assert.That(_root.Entries(), Has.Count.EqualTo(1));
    }
}
