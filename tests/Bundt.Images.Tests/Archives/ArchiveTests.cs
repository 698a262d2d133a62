using System.Diagnostics;
using System.Text;
using Bundt.Images.Tar;
using Bundt.Linux;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Archives;

[TestFixture]
public sealed class ArchiveTests
{
    private TestStore _test = null!;
    private TestStore _other = null!;

    [SetUp]
    public void Open()
    {
        TestStore.RequireRoot();
        _test = new TestStore();
        _other = new TestStore();
    }

    [TearDown]
    public void Close()
    {
        _test?.Dispose();
        _other?.Dispose();
    }

    [Test]
    public async Task What_is_saved_is_loaded_again_with_all_names_and_the_same_ids()
    {
        var shared = new TestTar().File("s", "shared").Bytes();
        await _test.LoadAsync(TestArchive.Docker(["a:1", "a:2"], shared));
        await _test.LoadAsync(TestArchive.Docker(["127.0.0.1:5000/b/c:3"], shared, new TestTar().File("o", "own").Bytes()));
        var archive = await SaveAsync("a:1", "a:2", "127.0.0.1:5000/b/c:3");
        var loaded = await _other.LoadAsync(archive);
        Assert.That(loaded.Select(l => l.Name), Is.EqualTo(new[] { "a:1", "a:2", "127.0.0.1:5000/b/c:3" }));
        Assert.That(_other.Store.List().Select(i => i.Id), Is.EquivalentTo(_test.Store.List().Select(i => i.Id)));
        using var lease = await _other.Store.LeaseLayersAsync(_other.Store.Find("127.0.0.1:5000/b/c:3"), CancellationToken.None);
        Assert.That(File.ReadAllText(Path.Combine(lease.Directories[0], "o")), Is.EqualTo("own"));
    }

    [Test]
    public async Task A_saved_archive_is_loaded_by_its_manifest_json_alone_too()
    {
        await _test.LoadAsync(TestArchive.Docker(["a:1"], new TestTar().File("f", "x").Bytes()));
        var archive = Without(await SaveAsync("a:1"), "oci-layout", "index.json");
        Assert.That((await _other.LoadAsync(archive)).Single().Name, Is.EqualTo("a:1"));
    }

    [Test]
    public async Task An_image_asked_for_by_id_is_saved_without_a_name()
    {
        var image = (await _test.LoadAsync(TestArchive.Docker(["a:1"], new TestTar().File("f", "x").Bytes())))[0].Image;
        var loaded = await _other.LoadAsync(await SaveAsync(image.Id));
        Assert.That(loaded.Single().Name, Is.Null);
        Assert.That(loaded.Single().Image.Id, Is.EqualTo(image.Id));
    }

    [Test]
    public async Task A_layer_that_old_docker_linked_to_is_found()
    {
        var layer = new TestTar().File("f", "x").Bytes();
        var config = TestArchive.Config(layer, layer);
        var manifest = Encoding.UTF8.GetBytes("""[{"Config":"c.json","RepoTags":null,"Layers":["1/layer.tar","2/layer.tar"]}]""");
        var archive = new TestTar().Add(Entry("1/layer.tar", layer), layer).Link("2/layer.tar", "../1/layer.tar")
            .Add(Entry("c.json", config), config).Add(Entry("manifest.json", manifest), manifest).Bytes();
        Assert.That((await _test.LoadAsync(archive)).Single().Image.Config.DiffIds, Has.Count.EqualTo(2));
    }

    [TestCase("[]")]
    [TestCase("null")]
    [TestCase("[null]")]
    [TestCase("""[{"Config":"x"}]""")]
    [TestCase("""[{"Config":"../../etc/passwd","Layers":[]}]""")]
    [TestCase("""[{"Config":"c.json","Config":"d.json","Layers":[]}]""")]
    [TestCase("""[{"Config":"gone.json","Layers":[]}]""")]
    [TestCase("""[{"Config":"c.json","RepoTags":["Bad Name"],"Layers":["l.tar"]}]""")]
    [TestCase("""[{"Config":"c.json","Layers":["gone.tar"]}]""")]
    [TestCase("""[{"Config":"c.json","Layers":[]}]""")]
    [TestCase("""[{"Config":"l.tar","Layers":["l.tar"]}]""")]
    [TestCase("{")]
    public async Task A_wrong_manifest_json_is_refused_and_nothing_stays(string json)
    {
        var layer = new TestTar().File("f", "x").Bytes();
        var config = TestArchive.Config(layer);
        var manifest = Encoding.UTF8.GetBytes(json);
        var archive = new TestTar().Add(Entry("l.tar", layer), layer).Add(Entry("c.json", config), config).Add(Entry("manifest.json", manifest), manifest).Bytes();
        await Assert.ThatAsync(() => _test.LoadAsync(archive), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument));
        Assert.That(_test.Store.List(), Is.Empty);
    }

    [Test]
    public async Task A_layer_that_is_not_the_configs_is_refused()
    {
        var archive = TestArchive.Docker(["x"], TestArchive.Config(new TestTar().File("a").Bytes()), [new TestTar().File("b").Bytes()]);
        await Assert.ThatAsync(() => _test.LoadAsync(archive), Throws.TypeOf<BundtException>().With.Message.Contains("has the content of"));
        Assert.That(_test.Store.List(), Is.Empty);
    }

    [Test]
    public async Task What_is_no_image_archive_is_named_so()
    {
        await Assert.ThatAsync(() => _test.LoadAsync(new TestTar().File("etc/passwd").Bytes()), Throws.TypeOf<BundtException>().With.Message.Contains("no image archive"));
        await Assert.ThatAsync(() => _test.LoadAsync([]), Throws.TypeOf<BundtException>());
        await Assert.ThatAsync(() => _test.LoadAsync("hello, this is text"u8.ToArray()), Throws.TypeOf<BundtException>());
    }

    [Test]
    public async Task A_blob_of_a_saved_archive_that_was_changed_is_refused()
    {
        await _test.LoadAsync(TestArchive.Docker(["a:1"], new TestTar().File("f", "needle-in-the-layer").Bytes()));
        var archive = await SaveAsync("a:1");
        var at = archive.AsSpan().IndexOf("needle-in-the-layer"u8);
        archive[at] = (byte)'N';
        await Assert.ThatAsync(() => _other.LoadAsync(archive), Throws.TypeOf<BundtException>().With.Message.Contains("has the digest"));
    }

    [TestCase("docker-archive:{0}:copied:1")]
    [TestCase("oci-archive:{0}:copied:1")]
    [TestCase("oci:{0}:copied:1")]
    public async Task Skopeo_reads_the_store_as_it_lies_and_what_it_writes_is_loaded(string format)
    {
        RequireSkopeo();
        var image = (await _test.LoadAsync(TestArchive.Docker(["shop:1"], new TestTar().Dir("d").File("d/f", "content").Bytes())))[0].Image;
        Assert.That(Skopeo("inspect", $"oci:{_test.Path}:docker.io/library/shop:1"), Does.Contain("\"linux\""));
        var target = Path.Combine(_other.Path, "copy");
        Skopeo("copy", $"oci:{_test.Path}:docker.io/library/shop:1", string.Format(System.Globalization.CultureInfo.InvariantCulture, format, target));
        IReadOnlyList<LoadedImage> loaded;
        if (Directory.Exists(target))
        {
            loaded = await _other.Store.LoadDirectoryAsync(target, null, CancellationToken.None);
        }
        else
        {
            await using var file = File.OpenRead(target);
            loaded = await _other.Store.LoadAsync(file, null, CancellationToken.None);
        }

        Assert.That(loaded.Single().Image.Id, Is.EqualTo(image.Id));
        Assert.That(loaded.Single().Name, Is.EqualTo("copied:1"));
        using var lease = await _other.Store.LeaseLayersAsync(loaded[0].Image, CancellationToken.None);
        Assert.That(File.ReadAllText(Path.Combine(lease.Directories[0], "d/f")), Is.EqualTo("content"));
    }

    [TestCase("docker-archive:{0}:shop:1")]
    [TestCase("oci-archive:{0}:docker.io/library/shop:1")]
    public async Task Skopeo_reads_what_is_saved(string source)
    {
        RequireSkopeo();
        var layer = new TestTar().Dir("d").File("d/f", "content").Bytes();
        await _test.LoadAsync(TestArchive.Docker(["shop:1"], TestArchive.Config(layer), [TestArchive.Gzip(layer)]));
        var file = Path.Combine(_other.Path, "saved.tar");
        await File.WriteAllBytesAsync(file, await SaveAsync("shop:1"));
        Assert.That(Skopeo("inspect", string.Format(System.Globalization.CultureInfo.InvariantCulture, source, file)), Does.Contain("\"linux\""));
        Skopeo("copy", string.Format(System.Globalization.CultureInfo.InvariantCulture, source, file), "dir:" + Path.Combine(_other.Path, "out"));
    }

    private static void RequireSkopeo()
    {
        if (!File.Exists("/usr/bin/skopeo"))
        {
            Assert.Ignore("needs skopeo");
        }
    }

    private static string Skopeo(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("skopeo", ["--insecure-policy", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error.GetAwaiter().GetResult());
        return output;
    }

    private static TarEntry Entry(string name, byte[] content) => new() { Type = TarEntryType.File, Name = name, Size = content.Length };

    private static byte[] Without(byte[] tar, params string[] names)
    {
        var copy = new TestTar();
        foreach (var (entry, content) in Tests.Tar.RawTar.ReadAll(tar).Where(e => !names.Contains(e.Entry.Name)))
        {
            copy.Add(entry, content);
        }

        return copy.Bytes();
    }

    private async Task<byte[]> SaveAsync(params string[] names)
    {
        var target = new MemoryStream();
        await _test.Store.SaveAsync(names, target, CancellationToken.None);
        return target.ToArray();
    }
}
