using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Oci.Distribution;
using Bundt.Oci.Image;

namespace Bundt.Images.Tests.Registry;

/// <summary>Whole pulls into a real store. Layers keep their owners, so the store needs root.</summary>
public sealed class ImagePullTests
{
    private static int s_count;
    private FakeRegistry _registry = null!;
    private string _root = null!;
    private ImageStore _store = null!;

    [SetUp]
    public void Start()
    {
        Assume.That(Environment.UserName, Is.EqualTo("root"), "unpacking layers needs root");
        _registry = new FakeRegistry();
        _root = Path.Combine(Path.GetTempPath(), $"bundt-pull-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}");
        _store = Open(new RegistryOptions { DockerConfigPath = "/nonexistent" });
    }

    [TearDown]
    public void Stop()
    {
        _store?.Dispose();
        _registry?.Dispose();
        if (Directory.Exists(_root))
        {
            Directory.Delete(_root, recursive: true);
        }
    }

    private ImageStore Open(RegistryOptions options)
    {
        _store?.Dispose();
        return _store = ImageStore.Open(_root, options);
    }

    /// <summary>Progress as it comes, on the reporting thread.</summary>
    private sealed class Steps : IProgress<PullProgress>
    {
        public ConcurrentQueue<PullProgress> All { get; } = new();

        public void Report(PullProgress value) => All.Enqueue(value);

        public IEnumerable<string> Of(string? id) => All.Where(step => step.Id == id).Select(step => step.Status);
    }

    private Task<StoredImage> PullAsync(string name, Steps? steps = null, Platform? platform = null, bool allTags = false, RegistryCredentials? credentials = null) =>
        _store.PullAsync(ImageReference.Parse(name), new PullOptions(platform, credentials, allTags), steps, CancellationToken.None);

    private static string Short(byte[] blob) => ContentDigest.ShortOf(ContentDigest.Sha256(blob));

    [TestCase(MediaTypes.OciManifest)]
    [TestCase(MediaTypes.DockerManifest)]
    public async Task An_image_comes_with_its_names_digest_and_dockers_words(string mediaType)
    {
        FakeImage image = new();
        Descriptor manifest = image.Push(_registry, "shop/web", "1", mediaType);
        Steps steps = new();
        StoredImage stored = await PullAsync($"{_registry.Host}/shop/web:1", steps);
        Assert.Multiple(() =>
        {
            Assert.That(stored.Id, Is.EqualTo(image.Id));
            Assert.That(stored.Names, Is.EqualTo(new[] { $"{_registry.Host}/shop/web:1" }));
            Assert.That(stored.RepoDigests, Is.EqualTo(new[] { $"{_registry.Host}/shop/web@{manifest.Digest}" }));
            Assert.That(stored.ConfigBytes.ToArray(), Is.EqualTo(image.ConfigBytes));
            Assert.That(steps.All.First(), Is.EqualTo(new PullProgress("Pulling from shop/web", "1")));
            Assert.That(steps.All.TakeLast(2).Select(step => step.Status),
                Is.EqualTo(new[] { $"Digest: {manifest.Digest}", $"Status: Downloaded newer image for {_registry.Host}/shop/web:1" }));
            foreach (byte[] blob in image.Blobs)
            {
                Assert.That(steps.Of(Short(blob)).Distinct(),
                    Is.EqualTo(new[] { "Pulling fs layer", "Downloading", "Verifying Checksum", "Download complete", "Extracting", "Pull complete" }));
            }
        });
        using LayerLease lease = await _store.LeaseLayersAsync(stored, CancellationToken.None);
        Assert.That(File.ReadAllBytes(Path.Combine(lease.Directories.Single(d => File.Exists(Path.Combine(d, "file1"))), "file1")), Is.EqualTo(RegistryTesting.RandomBytes(50_000, 8)));
    }

    [Test]
    public async Task A_second_pull_costs_one_question()
    {
        new FakeImage().Push(_registry, "shop/web", "1");
        await PullAsync($"{_registry.Host}/shop/web:1");
        _registry.Log.Clear();
        Steps steps = new();
        await PullAsync($"{_registry.Host}/shop/web:1", steps);
        Assert.That(_registry.Log.Where(request => request.Path != "/v2/").Select(request => request.Method), Is.EqualTo(new[] { "HEAD" }));
        Assert.That(steps.All.Last().Status, Is.EqualTo($"Status: Image is up to date for {_registry.Host}/shop/web:1"));
        Assert.That(steps.All.Count(step => step.Status == "Already exists"), Is.EqualTo(2));
    }

    [Test]
    public async Task A_moved_tag_brings_the_new_image_and_shared_layers_are_not_fetched_again()
    {
        FakeImage old = new(layers: 1);
        old.Push(_registry, "shop/web", "1");
        StoredImage before = await PullAsync($"{_registry.Host}/shop/web:1");
        new FakeImage(layers: 2).Push(_registry, "shop/web", "1");
        _registry.Log.Clear();
        StoredImage after = await PullAsync($"{_registry.Host}/shop/web:1");
        Assert.That(after.Id, Is.Not.EqualTo(before.Id));
        Assert.That(_registry.Log.Count(request => request.Path.EndsWith(ContentDigest.Sha256(old.Blobs[0]), StringComparison.Ordinal)), Is.Zero);
        Assert.That(_store.Find(before.Id).Names, Is.Empty);
    }

    [Test]
    public async Task An_image_is_pulled_by_digest()
    {
        Descriptor manifest = new FakeImage().Push(_registry, "shop/web", null);
        StoredImage stored = await PullAsync($"{_registry.Host}/shop/web@{manifest.Digest}");
        Assert.That(stored.Names, Is.Empty);
        Assert.That(stored.RepoDigests, Is.EqualTo(new[] { $"{_registry.Host}/shop/web@{manifest.Digest}" }));
    }

    [Test]
    public async Task The_platform_is_chosen_from_an_index_and_its_digest_is_the_images_name()
    {
        FakeImage amd = new(), arm = new(architecture: "arm64", seed: 50);
        Descriptor index = _registry.AddManifest("shop/web", "1", new ImageIndex(MediaTypes.OciIndex,
        [
            arm.Push(_registry, "shop/web", null) with { Platform = new Platform("linux", "arm64") },
            amd.Push(_registry, "shop/web", null) with { Platform = new Platform("linux", "amd64") },
        ]).ToBytes(), MediaTypes.OciIndex);
        StoredImage stored = await PullAsync($"{_registry.Host}/shop/web:1", platform: Platform.Parse("linux/amd64"));
        Assert.That(stored.Id, Is.EqualTo(amd.Id));
        Assert.That(stored.RepoDigests, Is.EqualTo(new[] { $"{_registry.Host}/shop/web@{index.Digest}" }));
        Assert.That((await PullAsync($"{_registry.Host}/shop/web:1", platform: Platform.Parse("linux/arm64/v8"))).Id, Is.EqualTo(arm.Id));
        BundtException error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{_registry.Host}/shop/web:1", platform: Platform.Parse("linux/s390x"))))!;
        Assert.That(error.Message, Does.StartWith("no matching manifest for linux/s390x in the manifest list entries").And.Contain("It offers linux/arm64, linux/amd64"));
        Assert.That(error.Kind, Is.EqualTo(FailureKind.NotFound));
    }

    [Test]
    public async Task Another_platform_than_asked_for_is_refused()
    {
        new FakeImage(architecture: "arm64").Push(_registry, "shop/web", "1");
        Assert.That(async () => await PullAsync($"{_registry.Host}/shop/web:1", platform: Platform.Parse("linux/s390x")),
            Throws.TypeOf<BundtException>().With.Message.Contains("wanted linux/s390x, actual: linux/arm64"));
        Steps steps = new();
        await PullAsync($"{_registry.Host}/shop/web:1", steps);
        Assert.That(steps.All.Count(step => step.Status.StartsWith("WARNING", StringComparison.Ordinal)), Is.EqualTo(Platform.Current.Architecture == "arm64" ? 0 : 1));
    }

    [Test]
    public async Task Every_tag_is_pulled()
    {
        new FakeImage(layers: 1).Push(_registry, "shop/web", "1");
        new FakeImage(layers: 2).Push(_registry, "shop/web", "2");
        _registry.Intercept = request => request.Path.EndsWith("/tags/list", StringComparison.Ordinal) ? FakeResponse.Text(200, """{"tags":["1","2"]}""") : null;
        await PullAsync($"{_registry.Host}/shop/web", allTags: true);
        Assert.That(_store.List().SelectMany(image => image.Names).Order(), Is.EqualTo(new[] { $"{_registry.Host}/shop/web:1", $"{_registry.Host}/shop/web:2" }));
    }

    [Test]
    public async Task An_unknown_image_is_not_found_in_dockers_words()
    {
        BundtException error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{_registry.Host}/shop/web:9")))!;
        Assert.That(error.Message, Is.EqualTo($"manifest for {_registry.Host}/shop/web:9 not found: manifest unknown: manifest unknown"));
        Assert.That(error.Kind, Is.EqualTo(FailureKind.NotFound));
    }

    [Test]
    public async Task A_registry_that_wants_a_login_says_so()
    {
        _registry.Intercept = _ => FakeResponse.Error(401, "UNAUTHORIZED", "authentication required", ("WWW-Authenticate", "Basic realm=\"r\""));
        BundtException error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{_registry.Host}/shop/web:1")))!;
        Assert.That(error.Message, Is.EqualTo($"pull access denied for {_registry.Host}/shop/web, repository does not exist or may require 'docker login': unauthorized: authentication required"));
        Assert.That(error.Kind, Is.EqualTo(FailureKind.Unauthorized));
        error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{_registry.Host}/shop/web:1", credentials: new RegistryCredentials("me", "canary", null))))!;
        Assert.That(error.Message, Does.Contain("refused the login").And.Not.Contain("canary"));
    }

    [Test]
    public async Task A_login_from_dockers_config_file_lets_in()
    {
        new FakeImage().Push(_registry, "shop/web", "1");
        string expected = "Basic " + Convert.ToBase64String("me:secret"u8);
        _registry.Intercept = request => request["Authorization"] == expected ? null : FakeResponse.Error(401, "UNAUTHORIZED", "x", ("WWW-Authenticate", "Basic realm=\"r\""));
        string config = Path.Combine(_root, "config.json");
        File.WriteAllText(config, $$$"""{"auths":{"{{{_registry.Host}}}":{"auth":"{{{Convert.ToBase64String("me:secret"u8)}}}"} } }""");
        Open(new RegistryOptions { DockerConfigPath = config });
        Assert.That((await PullAsync($"{_registry.Host}/shop/web:1")).Names, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_registry_that_is_down_is_named_with_host_error_and_hint()
    {
        string host = _registry.Host;
        _registry.Dispose();
        BundtException error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{host}/shop/web:1")))!;
        Assert.That(error.Message, Is.EqualTo($"pull {host}/shop/web:1: connect to {host}: Connection refused (ECONNREFUSED). Is a registry running on {host}?"));
        Assert.That(error.Kind, Is.EqualTo(FailureKind.Unavailable));
    }

    [Test]
    public async Task A_wrong_blob_is_refused_and_leaves_no_image()
    {
        FakeImage image = new();
        image.Push(_registry, "shop/web", "1");
        string digest = ContentDigest.Sha256(image.Blobs[1]);
        byte[] changed = [.. image.Blobs[1]];
        changed[changed.Length / 2] ^= 1;
        _registry.Blobs[digest] = changed;
        BundtException error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{_registry.Host}/shop/web:1")))!;
        Assert.That(error.Message, Does.Contain(digest).And.Contain("has the digest"));
        Assert.That(_store.List(), Is.Empty);
        _registry.Blobs[digest] = image.Blobs[1];
        Assert.That((await PullAsync($"{_registry.Host}/shop/web:1")).Id, Is.EqualTo(image.Id), "the wrong bytes must not stay in the way");
    }

    [Test]
    public async Task A_wrong_diff_id_is_refused()
    {
        FakeImage image = new(layers: 1);
        image.ConfigBytes = FakeImage.ConfigFor("amd64", [ContentDigest.Sha256("other"u8)]);
        image.Push(_registry, "shop/web", "1");
        BundtException error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{_registry.Host}/shop/web:1")))!;
        Assert.That(error.Message, Does.Contain("has the content of"));
        Assert.That(_store.List(), Is.Empty);
    }

    [Test]
    public void A_config_with_another_number_of_layers_is_refused()
    {
        FakeImage image = new(layers: 2);
        image.ConfigBytes = FakeImage.ConfigFor("amd64", image.DiffIds.Take(1));
        image.Push(_registry, "shop/web", "1");
        Assert.That(async () => await PullAsync($"{_registry.Host}/shop/web:1"), Throws.TypeOf<BundtException>().With.Message.Contains("the manifest has 2 layers, its configuration 1"));
    }

    [Test]
    public void An_artifact_is_not_an_image()
    {
        Descriptor config = _registry.AddBlob("{}"u8.ToArray(), "application/vnd.cncf.helm.config.v1+json");
        _registry.AddManifest("chart", "1", new ImageManifest(MediaTypes.OciManifest, config, []).ToBytes(), MediaTypes.OciManifest);
        Assert.That(async () => await PullAsync($"{_registry.Host}/chart:1"), Throws.TypeOf<BundtException>().With.Message.Contains("not a container image but an artifact of type application/vnd.cncf.helm.config.v1+json"));
    }

    [Test]
    public async Task A_broken_pull_goes_on_where_it_was()
    {
        FakeImage image = new(layers: 1, fileBytes: 1_000_000);
        image.Push(_registry, "shop/web", "1");
        _registry.Distort = (request, response) => request.Path.Contains("/blobs/", StringComparison.Ordinal) && response.Body.Length > 100_000
            ? request["Range"] is null ? response with { CutAfter = 800_000 } : FakeResponse.Text(404, "") : response;
        Assert.That(async () => await PullAsync($"{_registry.Host}/shop/web:1"), Throws.TypeOf<BundtException>());
        Open(new RegistryOptions { DockerConfigPath = "/nonexistent" });
        _registry.Distort = (_, response) => response;
        _registry.BytesSent = 0;
        await PullAsync($"{_registry.Host}/shop/web:1");
        Assert.That(_registry.BytesSent, Is.LessThan(300_000));
    }

    [Test]
    public async Task A_part_from_before_that_does_not_fit_is_thrown_away()
    {
        FakeImage image = new(layers: 1, fileBytes: 1_000_000);
        image.Push(_registry, "shop/web", "1");
        string digest = ContentDigest.Sha256(image.Blobs[0]);
        File.WriteAllBytes(Path.Combine(_root, "partial", digest.Replace(':', '-')), RegistryTesting.RandomBytes(500_000, 99));
        Assert.That((await PullAsync($"{_registry.Host}/shop/web:1")).Id, Is.EqualTo(image.Id));
    }

    [Test]
    public async Task Concurrent_pulls_share_each_download()
    {
        FakeImage image = new(layers: 3, fileBytes: 300_000);
        image.Push(_registry, "shop/web", "1");
        StoredImage[] all = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => PullAsync($"{_registry.Host}/shop/web:1")));
        Assert.That(all.Select(stored => stored.Id), Is.All.EqualTo(image.Id));
        foreach (byte[] blob in image.Blobs)
        {
            Assert.That(_registry.Log.Count(request => request.Path.EndsWith(ContentDigest.Sha256(blob), StringComparison.Ordinal)), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task No_more_layers_at_once_than_allowed()
    {
        Open(new RegistryOptions { DockerConfigPath = "/nonexistent", MaxConcurrentDownloads = 2 });
        FakeImage image = new(layers: 8, fileBytes: 100_000);
        image.Push(_registry, "shop/web", "1");
        HashSet<string> layers = [.. image.Blobs.Select(Short)];
        ConcurrentDictionary<string, bool> running = new();
        int most = 0;
        Progress progress = new(step =>
        {
            if (step.Id is null || !layers.Contains(step.Id))
            {
                return;
            }

            if (step.Status == "Downloading")
            {
                running[step.Id] = true;
                most = Math.Max(most, running.Count);
            }
            else if (step.Status == "Pull complete")
            {
                running.TryRemove(step.Id, out _);
            }
        });
        await _store.PullAsync(ImageReference.Parse($"{_registry.Host}/shop/web:1"), new PullOptions(), progress, CancellationToken.None);
        Assert.That(most, Is.EqualTo(2));
    }

    private sealed class Progress(Action<PullProgress> report) : IProgress<PullProgress>
    {
        public void Report(PullProgress value)
        {
            lock (report)
            {
                report(value);
            }
        }
    }

    [Test]
    public async Task A_mirror_serves_docker_io_and_whoever_fails_is_passed_over()
    {
        using FakeRegistry broken = new();
        broken.Intercept = _ => FakeResponse.Text(500, "");
        FakeImage image = new();
        image.Push(_registry, "library/redis", "7");
        Open(new RegistryOptions { DockerConfigPath = "/nonexistent", Mirrors = [new Uri($"http://{broken.Host}"), new Uri($"http://{_registry.Host}")] });
        Steps steps = new();
        StoredImage stored = await PullAsync("redis:7", steps);
        Assert.That(stored.Names, Is.EqualTo(new[] { "redis:7" }));
        Assert.That(steps.All.Last().Status, Is.EqualTo("Status: Downloaded newer image for redis:7"));
        Assert.That(broken.Log, Is.Not.Empty);
    }

    [Test]
    public async Task A_mirror_that_changes_content_is_passed_over()
    {
        using FakeRegistry liar = new();
        FakeImage image = new(layers: 1);
        image.Push(_registry, "library/redis", "7");
        image.Push(liar, "library/redis", "7");
        byte[] changed = [.. image.Blobs[0]];
        changed[100] ^= 0xff;
        liar.Blobs[ContentDigest.Sha256(image.Blobs[0])] = changed;
        Open(new RegistryOptions { DockerConfigPath = "/nonexistent", Mirrors = [new Uri($"http://{liar.Host}"), new Uri($"http://{_registry.Host}")] });
        Assert.That((await PullAsync("redis:7")).Id, Is.EqualTo(image.Id));
    }

    [Test]
    public async Task The_login_for_docker_io_goes_to_no_mirror()
    {
        new FakeImage().Push(_registry, "library/redis", "7");
        int asked = 0;
        _registry.Intercept = request => Interlocked.Increment(ref asked) == 1 ? FakeResponse.Error(401, "UNAUTHORIZED", "x", ("WWW-Authenticate", "Basic realm=\"r\"")) : null;
        Open(new RegistryOptions { DockerConfigPath = "/nonexistent", Mirrors = [new Uri($"http://{_registry.Host}")] });
        try
        {
            await PullAsync("redis:7", credentials: new RegistryCredentials("me", "secret", null));
        }
        catch (BundtException)
        {
            // Refused by the mirror, and docker.io cannot be reached from here.
        }

        Assert.That(_registry.Log.Select(request => request["Authorization"]), Is.All.Null);
    }

    [Test]
    public async Task A_foreign_layers_address_is_never_asked()
    {
        using FakeRegistry foreign = new();
        FakeImage image = new(layers: 1);
        Descriptor config = _registry.AddBlob(image.ConfigBytes, MediaTypes.DockerConfig);
        Descriptor layer = foreign.AddBlob(image.Blobs[0], MediaTypes.DockerForeignLayer) with { Urls = [$"http://{foreign.Host}/v2/x/blobs/{ContentDigest.Sha256(image.Blobs[0])}"] };
        _registry.AddManifest("win", "1", new ImageManifest(MediaTypes.DockerManifest, config, [layer]).ToBytes(), MediaTypes.DockerManifest);
        BundtException error = (await Assert.ThrowsAsync<BundtException>(async () => await PullAsync($"{_registry.Host}/win:1", credentials: new RegistryCredentials("me", "secret", null))))!;
        Assert.That(error.Kind, Is.EqualTo(FailureKind.NotFound));
        Assert.That(foreign.Log, Is.Empty);
    }

    [Test]
    public async Task A_cancelled_pull_keeps_what_has_arrived()
    {
        FakeImage image = new(layers: 1, fileBytes: 1_000_000);
        image.Push(_registry, "shop/web", "1");
        _registry.Distort = (request, response) => response.Body.Length > 500_000 ? response with { StallAfter = 500_000 } : response;
        var partial = new FileInfo(Path.Combine(_root, "partial", ContentDigest.Sha256(image.Blobs[0]).Replace(':', '-')));
        using CancellationTokenSource cancel = new(TimeSpan.FromSeconds(60));
        Task pull = _store.PullAsync(ImageReference.Parse($"{_registry.Host}/shop/web:1"), new PullOptions(), null, cancel.Token);
        while (!pull.IsCompleted && (!partial.Exists || partial.Length <= 400_000))
        {
            await Task.Yield();
            partial.Refresh();
        }

        await cancel.CancelAsync();
        Assert.That(async () => await pull, Throws.InstanceOf<OperationCanceledException>());
        partial.Refresh();
        Assert.That(partial.Length, Is.GreaterThan(400_000).And.LessThanOrEqualTo(500_000));
    }

    [Test]
    public async Task The_catalogue_is_searched()
    {
        _registry.Intercept = request => request.Path == "/v2/_catalog" ? FakeResponse.Text(200, """{"repositories":["shop/web","shop/db","web","BAD name"]}""") : null;
        IReadOnlyList<SearchResult> found = await _store.SearchAsync($"{_registry.Host}/web", 25, CancellationToken.None);
        Assert.That(found.Select(result => result.Name), Is.EqualTo(new[] { $"{_registry.Host}/shop/web", $"{_registry.Host}/web" }));
        Assert.That(await _store.SearchAsync($"{_registry.Host}/", 1, CancellationToken.None), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_search_service_is_preferred()
    {
        _registry.Intercept = request => request.Path == "/v1/search"
            ? FakeResponse.Text(200, """{"num_results":1,"results":[{"name":"shop/web","description":"a\u001b[31m shop","star_count":5,"is_official":true},{"name":"../x"}]}""") : null;
        IReadOnlyList<SearchResult> found = await _store.SearchAsync($"{_registry.Host}/web", 25, CancellationToken.None);
        Assert.That(found, Is.EqualTo(new[] { new SearchResult($"{_registry.Host}/shop/web", "a [31m shop", 5, true) }));
        Assert.That(_registry.Log.Last().Query, Is.EqualTo("q=web&n=25"));
    }

    [Test]
    public async Task A_mirror_finds_names_as_docker_io_has_them()
    {
        _registry.Intercept = request => request.Path == "/v2/_catalog" ? FakeResponse.Text(200, """{"repositories":["library/redis","shop/redis"]}""") : null;
        Open(new RegistryOptions { DockerConfigPath = "/nonexistent", Mirrors = [new Uri($"http://{_registry.Host}")] });
        IReadOnlyList<SearchResult> found = await _store.SearchAsync("redis", 25, CancellationToken.None);
        Assert.That(found.Select(result => (result.Name, result.Official)), Is.EqualTo(new[] { ("redis", true), ("shop/redis", false) }));
    }

    [TestCase(0)]
    [TestCase(101)]
    public void A_limit_out_of_range_is_refused(int limit) =>
        Assert.That(async () => await _store.SearchAsync("x", limit, CancellationToken.None), Throws.TypeOf<BundtException>().With.Message.Contains("outside the range"));
}
