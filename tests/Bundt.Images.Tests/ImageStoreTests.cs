using Bundt.Linux;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests;

[TestFixture]
public sealed class ImageStoreTests
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
    public async Task A_loaded_image_is_found_by_every_name_and_survives_a_new_daemon()
    {
        var loaded = await _test.LoadAsync(TestArchive.Docker(["shop:1", "docker.io/library/shop:2"], new TestTar().File("a", "hello").Bytes()));
        Assert.That(loaded.Select(l => l.Name), Is.EqualTo(new[] { "shop:1", "shop:2" }));
        _test.Reopen();
        var image = _test.Store.List().Single();
        Assert.That(image.Names, Is.EqualTo(new[] { "shop:1", "shop:2" }));
        Assert.That(image.Size, Is.EqualTo(5));
        Assert.That(image.Config.Config.Cmd, Is.EqualTo(new[] { "true" }));
        foreach (var name in new[] { "shop:1", "docker.io/library/shop:2", "library/shop:1", image.Id, image.Id[7..], image.Id[7..12], image.Id[..12] })
        {
            Assert.That(_test.Store.Find(name).Id, Is.EqualTo(image.Id), name);
        }

        Assert.That(() => _test.Store.Find("shop"), Throws.TypeOf<BundtException>().With.Message.EqualTo("No such image: shop:latest").And.Property("Kind").EqualTo(FailureKind.NotFound));
        Assert.That(() => _test.Store.Find(new string('0', 64)), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.NotFound));
        Assert.That(() => _test.Store.Find("sha256:" + new string('0', 64)), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.NotFound));
        Assert.That(() => _test.Store.Find("Shop:1"), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));
    }

    [Test]
    public async Task Leased_layers_stand_topmost_first_and_hold_the_files()
    {
        var bottom = new TestTar().Dir("etc").File("etc/a", "bottom").Bytes();
        var top = new TestTar().Dir("etc").File("etc/a", "top").Bytes();
        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], bottom, top)))[0].Image;
        using var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        Assert.That(lease.Directories.Select(d => File.ReadAllText(Path.Combine(d, "etc/a"))), Is.EqualTo(new[] { "top", "bottom" }));
    }

    [Test]
    public async Task A_tag_moves_and_leaves_its_old_image_dangling()
    {
        var first = (await _test.LoadAsync(TestArchive.Docker(["x:1"], new TestTar().File("a").Bytes())))[0].Image;
        var second = (await _test.LoadAsync(TestArchive.Docker(["x:1"], new TestTar().File("b").Bytes())))[0].Image;
        Assert.That(_test.Store.Find("x:1").Id, Is.EqualTo(second.Id));
        Assert.That(_test.Store.Find(first.Id).Names, Is.Empty);
        Assert.That(_test.Store.List(), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Removing_the_last_name_removes_the_image_and_what_only_it_needed()
    {
        var shared = new TestTar().File("shared", "s").Bytes();
        var own = new TestTar().File("own", "o").Bytes();
        await _test.LoadAsync(TestArchive.Docker(["keep"], shared));
        var image = (await _test.LoadAsync(TestArchive.Docker(["go:1", "go:2"], shared, own)))[0].Image;

        var first = _test.Store.Remove("go:1", false, _ => null);
        Assert.That(first.Untagged, Is.EqualTo(new[] { "go:1" }));
        Assert.That(first.Deleted, Is.Empty);

        var last = _test.Store.Remove("go:2", false, _ => null);
        Assert.That(last.Deleted, Is.EqualTo(new[] { image.Id, ContentDigest.Sha256(own) }));
        using var layers = _test.OpenDirectory("layers/sha256");
        Assert.That(layers.Entries().Select(e => e.Name), Is.EqualTo(new[] { ContentDigest.HexOf(ContentDigest.Sha256(shared)) }));
        using var blobs = _test.OpenDirectory("blobs/sha256");
        Assert.That(blobs.Entries(), Has.Count.EqualTo(3), "manifest, config and layer of the other image");
        using var unpacking = _test.OpenDirectory("unpacking");
        using var partial = _test.OpenDirectory("partial");
        Assert.That(unpacking.Entries().Concat(partial.Entries()), Is.Empty);
    }

    [Test]
    public async Task A_used_image_is_refused_and_by_force_only_untagged()
    {
        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], new TestTar().File("a").Bytes())))[0].Image;
        Assert.That(
            () => _test.Store.Remove("x", false, _ => "container c1 is using it"),
            Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.Conflict).And.Message.Contains("container c1 is using it"));
        var removed = _test.Store.Remove("x", true, _ => "container c1 is using it");
        Assert.That(removed.Deleted, Is.Empty);
        Assert.That(_test.Store.Find(image.Id).Names, Is.Empty);
    }

    [Test]
    public async Task A_lease_keeps_layers_until_it_is_given_back()
    {
        var layer = new TestTar().File("a", "x").Bytes();
        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], layer)))[0].Image;
        var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        _test.Store.Remove("x", false, _ => null);
        Assert.That(File.Exists(Path.Combine(lease.Directories[0], "a")));
        lease.Dispose();
        Assert.That(Directory.Exists(lease.Directories[0]), Is.False);
    }

    [Test]
    public async Task A_missing_layer_is_unpacked_again_from_its_blob()
    {
        var image = (await _test.LoadAsync(TestArchive.Docker(["x"], new TestTar().File("a", "again").Bytes())))[0].Image;
        using (var layers = _test.OpenDirectory("layers"))
        {
            layers.RemoveTree("sha256");
        }

        _test.Reopen();
        using var lease = await _test.Store.LeaseLayersAsync(_test.Store.Find(image.Id), CancellationToken.None);
        Assert.That(File.ReadAllText(Path.Combine(lease.Directories[0], "a")), Is.EqualTo("again"));
    }

    [Test]
    public async Task An_image_without_layers_stands_on_an_empty_directory()
    {
        var image = (await _test.LoadAsync(TestArchive.Docker(["empty"])))[0].Image;
        using var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
        Assert.That(Directory.GetFileSystemEntries(lease.Directories.Single()), Is.Empty);
    }

    [Test]
    public async Task A_damaged_image_is_left_out_and_harms_no_other()
    {
        var bad = (await _test.LoadAsync(TestArchive.Docker(["bad"], new TestTar().File("a").Bytes())))[0].Image;
        await _test.LoadAsync(TestArchive.Docker(["good"], new TestTar().File("b").Bytes()));
        await File.WriteAllTextAsync(Path.Combine(_test.Path, "blobs", bad.Id.Replace(':', '/')), "damage");
        _test.Reopen();
        Assert.That(_test.Store.List().Single().Names, Is.EqualTo(new[] { "good:latest" }));
        Assert.That(_test.Store.Damaged().Single(), Does.Contain("bad:latest").And.Contain("damaged"));
        Assert.That(() => _test.Store.Find("bad"), Throws.TypeOf<BundtException>());
        await _test.LoadAsync(TestArchive.Docker(["third"], new TestTar().File("c").Bytes()));
    }

    [Test]
    public async Task Tagging_adds_a_name_and_an_ambiguous_prefix_is_refused()
    {
        await _test.LoadAsync(TestArchive.Docker(["x"], new TestTar().File("a").Bytes()));
        _test.Store.Tag("x", ImageReference.Parse("127.0.0.1:5000/shop/x:9"));
        Assert.That(_test.Store.Find("127.0.0.1:5000/shop/x:9").Names, Is.EqualTo(new[] { "127.0.0.1:5000/shop/x:9", "x:latest" }));
        for (var i = 0; i < 20; i++)
        {
            await _test.LoadAsync(TestArchive.Docker([$"n:{i}"], new TestTar().File("f", i.ToString(System.Globalization.CultureInfo.InvariantCulture)).Bytes()));
        }

        var twice = _test.Store.List().GroupBy(i => i.Id[7]).First(g => g.Count() > 1).Key;
        Assert.That(() => _test.Store.Find(twice.ToString()), Throws.TypeOf<BundtException>().With.Message.Contains("ambiguous"));
    }

    [Test]
    public async Task What_a_crash_left_half_unpacked_is_gone_with_the_next_daemon()
    {
        await _test.LoadAsync(TestArchive.Docker(["x"], new TestTar().File("a").Bytes()));
        Directory.CreateDirectory(Path.Combine(_test.Path, "unpacking/0123/diff/etc"));
        await File.WriteAllTextAsync(Path.Combine(_test.Path, "unpacking/0123/diff/etc/half"), "x");
        await File.WriteAllTextAsync(Path.Combine(_test.Path, ".new-1-1"), "x");
        _test.Reopen();
        using var unpacking = _test.OpenDirectory("unpacking");
        Assert.That(unpacking.Entries(), Is.Empty);
        Assert.That(File.Exists(Path.Combine(_test.Path, ".new-1-1")), Is.False);
        Assert.That(_test.Store.Find("x").Size, Is.Zero);
    }

    [Test]
    public async Task A_failed_load_leaves_nothing_and_takes_nothing_from_others()
    {
        var shared = new TestTar().File("shared").Bytes();
        await _test.LoadAsync(TestArchive.Docker(["good"], shared));
        var before = Files();
        var evil = new TestTar().File("../evil").Bytes();
        await Assert.ThatAsync(() => _test.LoadAsync(TestArchive.Docker(["bad"], shared, new TestTar().File("new").Bytes(), evil)), Throws.TypeOf<BundtException>());
        Assert.That(Files(), Is.EqualTo(before));

        // The same of an OCI layout whose last layer is wrong: a saved archive with the tree's blob exchanged for one that is refused.
        using var other = new TestStore();
        await other.LoadAsync(TestArchive.Docker(["bad"], shared, new TestTar().File("new").Bytes()));
        var saved = new MemoryStream();
        await other.Store.SaveAsync(["bad"], saved, CancellationToken.None);
        var cut = saved.ToArray();
        await Assert.ThatAsync(() => _test.LoadAsync(Without(cut, ContentDigest.HexOf(ContentDigest.Sha256(new TestTar().File("new").Bytes())))), Throws.TypeOf<BundtException>());
        Assert.That(Files(), Is.EqualTo(before));

        static byte[] Without(byte[] tar, string name)
        {
            var copy = new TestTar();
            foreach (var (entry, content) in Tar.RawTar.ReadAll(tar).Where(e => !e.Entry.Name.Contains(name, StringComparison.Ordinal)))
            {
                copy.Add(entry, content);
            }

            return copy.Bytes();
        }

        List<string> Files() => [.. Directory.GetFileSystemEntries(_test.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    [Test]
    public async Task Images_come_and_go_at_once_and_those_that_stay_are_whole()
    {
        var shared = new TestTar().File("shared", "s").Bytes();
        var tops = Enumerable.Range(0, 4).Select(i => new TestTar().File("top", $"{i}").Bytes()).ToArray();
        await Parallel.ForEachAsync(Enumerable.Range(0, 4), async (i, _) =>
        {
            var archive = TestArchive.Docker([$"x:{i}"], shared, tops[i]);
            for (var round = 0; round < 12; round++)
            {
                var image = (await _test.LoadAsync(archive))[0].Image;
                using (var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None))
                {
                    Assert.That(File.ReadAllText(Path.Combine(lease.Directories[0], "top")), Is.EqualTo($"{i}"));
                    Assert.That(File.ReadAllText(Path.Combine(lease.Directories[1], "shared")), Is.EqualTo("s"));
                    if (round % 2 == 0)
                    {
                        _test.Store.Remove($"x:{i}", false, _ => null);
                    }

                    Assert.That(File.Exists(Path.Combine(lease.Directories[1], "shared")));
                }
            }
        });
        Assert.That(_test.Store.List(), Has.Count.EqualTo(4));
        _test.Reopen();
        foreach (var image in _test.Store.List())
        {
            using var lease = await _test.Store.LeaseLayersAsync(image, CancellationToken.None);
            Assert.That(lease.Directories, Has.Count.EqualTo(2));
        }

        using var layers = _test.OpenDirectory("layers/sha256");
        Assert.That(layers.Entries(), Has.Count.EqualTo(5));
    }
}
