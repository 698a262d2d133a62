using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Tests.Plans;

public sealed class MountOptionsTests
{
    [Test]
    public void Attributes_and_data_are_told_apart()
    {
        var options = MountOptions.Parse(["nosuid", "ro", "size=64k", "mode=755", "noatime"]);
        Assert.That((options.Set, options.Clear), Is.EqualTo((0x1UL | 0x2 | 0x10, 0xf0UL)));
        Assert.That(options.Data, Is.EqualTo(new[] { "size=64k", "mode=755" }));
    }

    [Test]
    public void The_last_of_opposites_wins()
    {
        var options = MountOptions.Parse(["ro", "rw"]);
        Assert.That((options.Set, options.Clear), Is.EqualTo((0UL, 1UL)));
    }

    [TestCase("rshared", 1UL << 20, true)]
    [TestCase("shared", 1UL << 20, false)]
    [TestCase("rprivate", 1UL << 18, true)]
    [TestCase("slave", 1UL << 19, false)]
    [TestCase("runbindable", 1UL << 17, true)]
    [TestCase("unbindable", 1UL << 17, false)]
    [TestCase("private", 1UL << 18, false)]
    [TestCase("rslave", 1UL << 19, true)]
    public void Propagation(string option, ulong flag, bool recursive)
    {
        var options = MountOptions.Parse([option]);
        Assert.That((options.Propagation, options.PropagationRecursive), Is.EqualTo((flag, recursive)));
    }

    [Test]
    public void Recursive_attributes_are_for_the_whole_tree() => Assert.That(MountOptions.Parse(["rro"]).RecursiveSet, Is.EqualTo(1));

    [TestCase("atime", 0UL, 0UL)]
    [TestCase("norelatime", 0UL, 0UL)]
    [TestCase("relatime", 0UL, 0xf0UL)]
    [TestCase("strictatime", 0x20UL, 0xf0UL)]
    [TestCase("nodiratime", 0x80UL, 0x70UL)]
    [TestCase("nodiratime,strictatime", 0xa0UL, 0x70UL)]
    public void Access_times_are_kept_unless_a_kind_is_asked_for(string option, ulong set, ulong clear)
    {
        var options = MountOptions.Parse(option.Split(','));
        Assert.That((options.Set, options.Clear), Is.EqualTo((set, clear)));
    }

    [Test]
    public void What_a_file_system_is_told_is_neither_what_all_know_nor_what_the_runtime_does()
    {
        var options = MountOptions.Parse(["sync", "size=1k", "tmpcopyup", "remount", "copy-symlink", "src-nofollow", "dest-nofollow", "lazytime"]);
        Assert.That((options.CopyUp, options.Remount, options.CopySymlink, options.SourceNoFollow, options.TargetNoFollow), Is.EqualTo((true, true, true, true, true)));
        Assert.That(options.Common, Is.EqualTo(new[] { "sync", "lazytime" }));
        Assert.That(options.Data, Is.EqualTo(new[] { "size=1k" }));
    }

    [TestCase("idmap", false, null)]
    [TestCase("ridmap", true, null)]
    [TestCase("idmap=uids=0-1-2;gids=0-1-2", false, "uids=0-1-2;gids=0-1-2")]
    [TestCase("ridmap=uids=0-1-2", true, "uids=0-1-2")]
    public void Id_maps(string option, bool recursive, string? map)
    {
        var options = MountOptions.Parse([option]);
        Assert.That((options.Mapped, options.MappedRecursive, options.Map), Is.EqualTo((true, recursive, map)));
    }
}
