using System.Text;
using Bundt.Images.Layers;
using Bundt.Images.Tar;
using Bundt.Images.Tests.Tar;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Layers;

/// <summary>
/// The attacks on layer extraction of security.md, S12 (CVE-2014-9356, 2021-32760, 2025-47290, 2026-17106, …) and S14. A layer is
/// unpacked in store/unpacking/ID/diff; the victim beside holds nothing but canaries.
/// </summary>
[TestFixture]
public sealed class HostileLayerTests
{
    private TestStore _test = null!;
    private string _victim = "";
    private string _before = "";

    private static IEnumerable<TestCaseData> Attacks()
    {
        static TestCaseData Case(string name, bool refused, Func<string, TestTar> tar) => new TestCaseData(refused, tar).SetArgDisplayNames(name);

        // Up: from diff, three levels to the store.
        const string Up = "../../../victim";
        yield return Case("dot-dot path", true, _ => new TestTar().File(Up + "/new", "evil"));
        yield return Case("dot-dot in the middle", true, _ => new TestTar().Dir("a").File("a/../../../../victim/hello", "evil"));
        yield return Case("dot-dot at the end", true, _ => new TestTar().Dir("a/.."));
        yield return Case("bare dot-dot", true, _ => new TestTar().Dir(".."));
        yield return Case("bare dot-dot as a file", true, _ => new TestTar().File(".."));
        yield return Case("slash dot-dot", true, _ => new TestTar().File("/../x"));
        yield return Case("dot-dot behind a PAX path", true, _ => new TestTar().File("../" + new string('a', 150)));
        yield return Case("PAX path over an honest name", true, _ => new TestTar().Raw([.. RawTar.Pax(("path", Up + "/new")), .. RawTar.Header("honest", '0')]));
        yield return Case("GNU long name over an honest name", true, _ => new TestTar().Raw([.. RawTar.Entry("././@LongLink", 'L', Encoding.ASCII.GetBytes(Up + "/new\0")), .. RawTar.Header("honest", '0')]));
        yield return Case("PAX linkpath upwards", true, _ => new TestTar().Raw([.. RawTar.Pax(("linkpath", Up + "/hello")), .. RawTar.Header("h", '1', 0, "honest")]));
        yield return Case("absolute path", false, victim => new TestTar().File(victim + "/new", "evil"));
        yield return Case("absolute path over the canary", false, victim => new TestTar().File(victim + "/hello", "evil"));
        yield return Case("link to the victim, then a file through it", true, victim => new TestTar().Link("l", victim).File("l/new", "evil"));
        yield return Case("relative link to the victim, then a file through it", true, _ => new TestTar().Link("l", Up).File("l/new", "evil"));
        yield return Case("link to the canary, then a file in its place", false, victim => new TestTar().Link("l", victim + "/hello").File("l", "evil"));
        yield return Case("link to the canary, then a directory in its place", false, victim => new TestTar().Link("l", victim).Dir("l", 777));
        yield return Case("two hops", true, _ => new TestTar().Dir("inner").Link("inner/go_up", "..").Link("escape", "inner/go_up/" + Up).File("escape/new", "evil"));
        yield return Case("links in a circle", true, _ => new TestTar().Link("a", "b").Link("b", "a").File("a/x"));
        yield return Case("link through a dead link", true, _ => new TestTar().Link("dead", "nowhere").File("dead/x"));
        yield return Case("link to /proc/self/root", true, victim => new TestTar().Link("l", "/proc/self/root" + victim).File("l/new", "evil"));
        yield return Case("hard link upwards", true, _ => new TestTar().Hard("h", Up + "/hello").File("h", "evil"));
        yield return Case("hard link to an absolute path outside", true, victim => new TestTar().Hard("h", victim + "/hello"));
        yield return Case("hard link through a link", true, victim => new TestTar().Link("l", victim).Hard("h", "l/hello").File("h", "evil"));
        yield return Case("hard link to a link to the canary, then its mode", false, victim => new TestTar().Link("l", victim + "/hello").Hard("h", "l").Add(new() { Type = TarEntryType.HardLink, Name = "h", LinkName = "l", Mode = TestTar.Mode(4777) }));
        yield return Case("hard link to a link, then a file over it", false, victim => new TestTar().Link("l", victim + "/hello").Hard("h", "l").File("h", "evil"));
        yield return Case("hard link to the root", true, _ => new TestTar().Hard("h", "/"));
        yield return Case("hard link to itself", true, _ => new TestTar().Hard("h", "h"));
        yield return Case("hard link to a directory", true, _ => new TestTar().Dir("d").Hard("h", "d"));
        yield return Case("hard link to nothing", true, _ => new TestTar().Hard("h", "gone"));
        yield return Case("honest absolute hard link", false, _ => new TestTar().File("a", "a").Hard("h", "/a"));
        yield return Case("sibling with the same prefix", true, _ => new TestTar().File("../diff-evil/x"));
        yield return Case("directory replaced by a link between entries", true, victim => new TestTar().Dir("d").File("d/a").Link("d", victim).File("d/new", "evil"));
        yield return Case("parent replaced by a link between entries", true, victim => new TestTar().Dir("d/e").File("d/e/a").Link("d", victim).File("d/e/new", "evil"));
        yield return Case("whiteout of dot-dot", true, _ => new TestTar().File(".wh..."));
        yield return Case("whiteout of dot", true, _ => new TestTar().File(".wh.."));
        yield return Case("whiteout of nothing", true, _ => new TestTar().File(".wh."));
        yield return Case("whiteout through a link", true, victim => new TestTar().Link("l", victim).File("l/.wh.hello"));
        yield return Case("opaque marker through a link", true, victim => new TestTar().Link("l", victim).File("l/.wh..wh..opq"));
        yield return Case("whiteout upwards", true, _ => new TestTar().File(Up + "/.wh.hello"));
        yield return Case("opaque marker of the root", false, _ => new TestTar().File(".wh..wh..opq"));
        yield return Case("root as a file", true, _ => new TestTar().File("./"));
        yield return Case("root as a link", true, victim => new TestTar().Link(".", victim).File("new", "evil"));
        yield return Case("root with a hostile mode", false, _ => new TestTar().Dir("/", 777, 1000, 1000));
        yield return Case("empty name", true, _ => new TestTar().Raw(RawTar.Header("", '0')));
        yield return Case("link to nothing", true, _ => new TestTar().Raw(RawTar.Header("l", '2')));
        yield return Case("name of 5000 bytes", true, _ => new TestTar().File(new string('a', 5000)));
        yield return Case("path of 5000 bytes", true, _ => new TestTar().File(string.Join('/', Enumerable.Repeat("dir", 1300))));
        yield return Case("slashes at the end and doubled", false, _ => new TestTar().File("a//b///c/", "x"));
        yield return Case("device nodes", false, _ => new TestTar().Node(TarEntryType.BlockDevice, "sda", 8, 0).Node(TarEntryType.CharacterDevice, "mem", 1, 1));
        yield return Case("content through a fifo", false, _ => new TestTar().Node(TarEntryType.Fifo, "f").File("f", "x"));
        yield return Case("content through a device", false, _ => new TestTar().Node(TarEntryType.CharacterDevice, "null", 1, 3).File("null", "x"));
        yield return Case("entry below a file", true, _ => new TestTar().File("f", "x").File("f/g"));
        yield return Case("entry below a fifo", true, _ => new TestTar().Node(TarEntryType.Fifo, "f").File("f/g"));
        yield return Case("backslashes and control characters", false, _ => new TestTar().File("..\\..\\victim\\new", "x").File("a\nb\u001b[31m"));
        yield return Case("attribute without a name", false, _ => new TestTar().File("a", "", 644, 0, 0, ("", [1])));
        yield return Case("attribute of 100 kB", true, _ => new TestTar().File("a", "", 644, 0, 0, ("user.big", new byte[100_000])));
        yield return Case("sparse file of 8 EB", true, _ => new TestTar().Raw([.. RawTar.Pax(("GNU.sparse.map", "0,1"), ("GNU.sparse.size", "9223372036854775807")), .. RawTar.Entry("s", '0', [1])]));
    }

    [SetUp]
    public void Open()
    {
        TestStore.RequireRoot();
        _test = new TestStore();
        _victim = Path.Combine(_test.Path, "victim");
        Directory.CreateDirectory(_victim);
        File.WriteAllText(Path.Combine(_victim, "hello"), "canary");
        _before = Snapshot();
    }

    [TearDown]
    public void Close() => _test?.Dispose();

    [TestCaseSource(nameof(Attacks))]
    public async Task Nothing_outside_the_layer_changes(bool refused, Delegate attack)
    {
        var layer = ((Func<string, TestTar>)attack)(_victim).Bytes();
        var load = () => _test.LoadAsync(TestArchive.Docker(["evil"], layer));
        if (refused)
        {
            Assert.That(load, Throws.TypeOf<BundtException>());
            Assert.That(_test.Store.List(), Is.Empty);
            using var layers = _test.OpenDirectory("layers");
            Assert.That(layers.Entries().SelectMany(e => layers.OpenDirectory(e.Name).Entries()), Is.Empty);
        }
        else
        {
            await load();
        }

        Assert.That(Snapshot(), Is.EqualTo(_before));
        foreach (var directory in new[] { "unpacking", "partial" })
        {
            using var left = _test.OpenDirectory(directory);
            Assert.That(left.Entries(), Is.Empty, directory);
        }
    }

    [Test]
    public void A_bomb_stops_at_the_limit_and_leaves_nothing()
    {
        using var root = DirectoryFd.OpenHost(_test.Path);
        using var bombs = root.EnsureDirectory("bombs", TestTar.Mode(700));
        using var layers = LayerStore.Open(bombs, Path.Combine(_test.Path, "bombs"), new LayerLimits(MaxBytes: 1 << 20, MaxEntries: 1000, MaxImpliedCharacters: 100_000));
        var tooBig = new TestTar().File("a", new string('x', 2 << 20)).Bytes();
        var tooMany = new TestTar();
        for (var i = 0; i < 1001; i++)
        {
            tooMany.Dir($"d{i}");
        }

        var tooDeep = new TestTar();
        for (var i = 0; i < 100; i++)
        {
            tooDeep.File($"{i}/{string.Join('/', Enumerable.Repeat("d", 500))}");
        }

        foreach (var (bomb, word) in new[] { (TestArchive.Gzip(tooBig), "bytes"), (TestArchive.Gzip(tooMany.Bytes()), "entries"), (tooDeep.Bytes(), "directories") })
        {
            Assert.That(
                () => layers.EnsureAsync(ContentDigest.Sha256("x"u8), () => new MemoryStream(bomb), CancellationToken.None),
                Throws.TypeOf<BundtException>().With.Message.Contains(word).And.Property("Kind").EqualTo(FailureKind.InvalidArgument));
            using var unpacking = bombs.OpenDirectory("unpacking");
            Assert.That(unpacking.Entries(), Is.Empty);
        }
    }

    [Test]
    public async Task Many_directories_get_their_times_though_they_do_not_fit_into_memory()
    {
        var tar = new TestTar();
        for (var i = 0; i < 15_000; i++)
        {
            tar.Dir($"a-directory-with-a-name-that-is-long-enough-to-fill-the-buffer-quickly-{i}");
        }

        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], tar.Bytes())))[0].Image;
        using var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        using var tree = DirectoryFd.OpenHost(lease.Directories[0]);
        Assert.That(tree.Entries(), Has.Count.EqualTo(15_000));
        Assert.That(tree.Entries().Select(e => tree.Stat(e.Name).Modified), Is.All.EqualTo(new FileTime(900_000_000, 5)));
    }

    private string Snapshot()
    {
        using var store = DirectoryFd.OpenHost(_test.Path);
        using var victim = store.OpenDirectory("victim");
        var hello = victim.Stat("hello");
        return string.Join(
            ' ',
            [
                .. store.Entries().Select(e => e.Name).Order(), .. victim.Entries().Select(e => e.Name), hello.Mode, hello.Uid, hello.Links, hello.Modified,
                victim.Stat().Mode, victim.Stat().Modified, Encoding.UTF8.GetString(victim.ReadAll("hello", 100)), .. victim.ListXattrs("hello"),
            ]);
    }
}
