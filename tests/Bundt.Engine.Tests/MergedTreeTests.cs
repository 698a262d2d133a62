using System.Text;
using Bundt.Engine.Volumes;
using Bundt.Linux.Files;

namespace Bundt.Engine.Tests;

[TestFixture]
public sealed class MergedTreeTests
{
    private string _root = "";

    [SetUp]
    public void Make()
    {
        _root = Directory.CreateTempSubdirectory("bundt-tree-").FullName;
        foreach (var layer in (string[])["top", "bottom"])
        {
            Directory.CreateDirectory(Path.Combine(_root, layer));
        }
    }

    [TearDown]
    public void Remove() => Directory.Delete(_root, true);

    [Test]
    public void Upper_layers_cover_lower_ones_and_directories_merge()
    {
        Write("bottom/etc/a", "below");
        Write("bottom/etc/b", "below");
        Write("top/etc/a", "above");

        Assert.That((Read("/etc/a"), Read("/etc/b"), Read("/etc/c")), Is.EqualTo(("above", "below", "")));
        Assert.That(List("/etc"), Is.EqualTo(new[] { "a", "b" }));
    }

    [Test]
    public void Whiteouts_hide_names_and_whole_directories()
    {
        Write("bottom/etc/a", "below");
        Write("bottom/dir/x", "below");
        Directory.CreateDirectory(Path.Combine(_root, "top/etc"));
        using (var top = DirectoryFd.OpenHost(Path.Combine(_root, "top")))
        {
            top.MakeNode("etc/a", FileType.CharacterDevice, 0);
            top.MakeNode("dir", FileType.CharacterDevice, 0);
        }

        Assert.That((Read("/etc/a"), Read("/dir/x")), Is.EqualTo(("", "")));
        Assert.That(List("/"), Is.EqualTo(new[] { "etc" }));
        Assert.That(List("/etc"), Is.Empty);
    }

    [Test]
    public void A_file_above_hides_a_directory_below_and_the_other_way_round()
    {
        Write("bottom/x/y", "below");
        Write("top/x", "file");
        Write("bottom/z", "file");
        Write("top/z/y", "above");

        Assert.That((Read("/x"), Read("/x/y"), Read("/z/y"), Read("/z")), Is.EqualTo(("file", "", "above", "")));
    }

    [Test]
    public void Links_are_resolved_in_the_merged_tree_and_never_lead_out()
    {
        Write("bottom/usr/etc/passwd", "users");
        File.CreateSymbolicLink(Path.Combine(_root, "top/etc"), "../../../../usr/etc");
        File.CreateSymbolicLink(Path.Combine(_root, "top/loop"), "loop");
        File.CreateSymbolicLink(Path.Combine(_root, "top/out"), "/proc/self");
        Write("bottom/abs/file", "x");
        File.CreateSymbolicLink(Path.Combine(_root, "bottom/usr/abs"), "/abs");

        Assert.That((Read("/etc/passwd"), Read("/loop/x"), Read("/out/environ"), Read("/usr/abs/file")), Is.EqualTo(("users", "", "", "x")));
    }

    [Test]
    public void An_opaque_directory_covers_what_is_below()
    {
        Write("bottom/dir/a", "below");
        Write("top/dir/b", "above");
        using (var top = DirectoryFd.OpenHost(Path.Combine(_root, "top")))
        {
            try
            {
                top.SetXattr("dir", "trusted.overlay.opaque", "y"u8.ToArray());
            }
            catch (Bundt.Linux.BundtException e) when (e.Errno is Bundt.Linux.Errno.EPERM or Bundt.Linux.Errno.EOPNOTSUPP)
            {
                Assert.Ignore("trusted xattrs need root and a file system that keeps them");
            }
        }

        Assert.That(List("/dir"), Is.EqualTo(new[] { "b" }));
    }

    private void Write(string path, string content)
    {
        var full = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
    }

    private MergedTree Tree() => MergedTree.Open([Path.Combine(_root, "top"), Path.Combine(_root, "bottom")]);

    private string Read(string path)
    {
        using var tree = Tree();
        using var directory = tree.FindDirectory(Path.GetDirectoryName(path)!);
        return directory?.Lookup(Path.GetFileName(path)) is { Status.Type: FileType.Regular } entry
            ? Encoding.UTF8.GetString(entry.Layer.ReadAll(entry.Name, 100))
            : "";
    }

    private string[] List(string path)
    {
        using var tree = Tree();
        using var directory = tree.FindDirectory(path)!;
        return [.. directory.Entries().Select(e => e.Name).Order(StringComparer.Ordinal)];
    }
}
