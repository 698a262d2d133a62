using Bundt.Engine.Containers;
using Bundt.Engine.Volumes;
using Bundt.Linux;

namespace Bundt.Engine.Tests;

[TestFixture]
public sealed class VolumeSpecTests
{
    [TestCase("/host:/in", "bind", "/host", "/in", false, "")]
    [TestCase("/host//a/../b/:/in/", "bind", "/host/b", "/in", false, "")]
    [TestCase("/host:/in:ro", "bind", "/host", "/in", true, "")]
    [TestCase("/host:/in:rw,z,rshared", "bind", "/host", "/in", false, "rshared")]
    [TestCase("/host:/in:slave,ro", "bind", "/host", "/in", true, "slave")]
    [TestCase("vol:/in", "volume", "vol", "/in", false, "")]
    [TestCase("my.vol_1-2:/in:ro,nocopy", "volume", "my.vol_1-2", "/in", true, "")]
    [TestCase("/in", "volume", "", "/in", false, "")]
    public void Binds_are_read_as_Docker_reads_them(string text, string type, string source, string destination, bool readOnly, string propagation)
    {
        var mount = VolumeSpecParser.ParseBind(text).Mount;

        Assert.That(
            (mount.Type, mount.Type == "bind" ? mount.Source : mount.Volume ?? "", mount.Destination, mount.ReadOnly, mount.Propagation),
            Is.EqualTo((type, source, destination, readOnly, propagation)));
        Assert.That(mount.CreateSource, Is.EqualTo(type == "bind"));
        Assert.That(mount.Anonymous, Is.EqualTo(source.Length == 0));
    }

    [TestCase("")]
    [TestCase(":/in")]
    [TestCase("/host:")]
    [TestCase("/host:/in:ro:x")]
    [TestCase("/host:in")]
    [TestCase("/host:/")]
    [TestCase("/host:/in/..")]
    [TestCase("a:/in")]
    [TestCase("../vol:/in")]
    [TestCase("vol/x:/in")]
    [TestCase("/host:/in:nope")]
    [TestCase("/host:/in:nocopy")]
    [TestCase("vol:/in:rshared")]
    [TestCase("/host:/in:shared,slave")]
    public void Malformed_binds_are_refused(string text) =>
        Assert.That(Assert.Throws<BundtException>(() => VolumeSpecParser.ParseBind(text))!.Kind, Is.EqualTo(FailureKind.InvalidArgument));

    [Test]
    public void A_mount_says_more()
    {
        var bind = VolumeSpecParser.ParseMount(new("bind", "/h", "/in", ReadOnly: true, Propagation: "rslave", NonRecursive: true)).Mount;
        Assert.That((bind.Source, bind.ReadOnly, bind.Propagation, bind.NonRecursive, bind.CreateSource), Is.EqualTo(("/h", true, "rslave", true, false)));

        var volume = VolumeSpecParser.ParseMount(new("volume", null, "/in", NoCopy: true, VolumeDriverLabels: new Dictionary<string, string> { ["a"] = "b" }));
        Assert.That((volume.NoCopy, volume.Mount.Anonymous, volume.Labels["a"]), Is.EqualTo((true, true, "b")));

        var tmpfs = VolumeSpecParser.ParseMount(new("tmpfs", null, "/in", TmpfsSize: 4096, TmpfsMode: 448)).Mount;
        Assert.That(tmpfs.TmpfsOptions, Is.EqualTo(new[] { "noexec", "nosuid", "nodev", "size=4096", "mode=700" }));
    }

    [TestCase("bind", null, "/in")]
    [TestCase("bind", "rel", "/in")]
    [TestCase("volume", "/abs", "/in")]
    [TestCase("tmpfs", "/abs", "/in")]
    [TestCase("nope", null, "/in")]
    [TestCase("bind", "/h", "")]
    [TestCase("bind", "/h", "in")]
    public void Malformed_mounts_are_refused(string type, string? source, string target) =>
        Assert.That(
            Assert.Throws<BundtException>(() => VolumeSpecParser.ParseMount(new(type, source, target)))!.Kind, Is.EqualTo(FailureKind.InvalidArgument));

    [Test]
    public void A_tmpfs_without_a_path_is_refused() =>
        Assert.That(Assert.Throws<BundtException>(() => VolumeSpecParser.ParseTmpfs("", ""))!.Kind, Is.EqualTo(FailureKind.InvalidArgument));

    [TestCase("", "noexec,nosuid,nodev")]
    [TestCase("exec,size=1m", "nosuid,nodev,exec,size=1m")]
    [TestCase("ro,suid,dev", "noexec,ro,suid,dev")]
    public void Options_of_a_tmpfs_replace_their_opposites(string options, string expected) =>
        Assert.That(string.Join(',', VolumeSpecParser.ParseTmpfs("/in", options).Mount.TmpfsOptions), Is.EqualTo(expected));

    [Test]
    public void One_path_is_mounted_once_and_anonymous_volumes_give_way()
    {
        var settings = new ContainerSettings { Image = "i", Binds = ["/h:/a"], Tmpfs = new Dictionary<string, string> { ["/b"] = "" } };
        var mounts = VolumeSpecParser.ParseAll(settings, ["/a/", "/c"]).Select(s => s.Mount.Type + s.Mount.Destination);
        Assert.That(mounts, Is.EqualTo(new[] { "bind/a", "tmpfs/b", "volume/c" }));

        var twice = settings with { Binds = ["/h:/a", "/g:/a/"] };
        Assert.That(Assert.Throws<BundtException>(() => VolumeSpecParser.ParseAll(twice, []))!.Message, Is.EqualTo("Duplicate mount point: /a"));
    }

    [Test]
    public void A_mount_of_its_own_goes_before_one_of_another_container_and_the_last_of_those_before_the_others()
    {
        var settings = new ContainerSettings
        {
            Image = "i",
            Binds = ["/h:/a"],
            Mounts = [new("volume", "one", "/a", Inherited: true), new("volume", "one", "/b", Inherited: true), new("volume", "two", "/b", Inherited: true)],
        };

        Assert.That(
            VolumeSpecParser.ParseAll(settings, []).Select(s => (s.Mount.Volume ?? s.Mount.Source) + s.Mount.Destination), Is.EqualTo(new[] { "/h/a", "two/b" }));
    }

    [Test]
    public void Paths_in_images_stay_below_the_root() =>
        Assert.That(VolumeSpecParser.ParseAll(new() { Image = "i" }, ["/../../etc"])[0].Mount, Is.EqualTo(
            new MountRecord { Type = "volume", Destination = "/etc", Anonymous = true }).Using<MountRecord>((a, b) => a.Destination == b.Destination));
}
