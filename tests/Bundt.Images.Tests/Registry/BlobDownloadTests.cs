using Bundt.Images.Registry;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Registry;

public sealed class BlobDownloadTests
{
    private FakeRegistry _registry = null!;
    private RegistryTransport _transport = null!;
    private RegistryClient _client = null!;
    private byte[] _content = null!;
    private Descriptor _blob = null!;

    [SetUp]
    public void Start()
    {
        _registry = new FakeRegistry();
        _transport = new RegistryTransport(RegistryTesting.Quick, "/nowhere");
        _client = new RegistryClient(_transport, _registry.AsHost(), null);
        _content = RegistryTesting.RandomBytes(2_000_000);
        _blob = _registry.AddBlob(_content);
    }

    [TearDown]
    public void Stop()
    {
        _client.Dispose();
        _transport.Dispose();
        _registry.Dispose();
    }

    private Task<byte[]> ReadAsync(long offset = 0) => RegistryTesting.ReadAllAsync([_client], "shop/web", _blob, offset);

    private static FakeResponse OnBlobs(FakeRequest request, FakeResponse response, Func<FakeResponse, FakeResponse> change) =>
        request.Path.Contains("/blobs/", StringComparison.Ordinal) ? change(response) : response;

    [Test]
    public async Task A_blob_arrives_whole() => Assert.That(await ReadAsync(), Is.EqualTo(_content));

    [Test]
    public async Task A_blob_without_a_length_arrives_whole()
    {
        _registry.Distort = (request, response) => OnBlobs(request, response, r => r with { IsChunked = true });
        Assert.That(await ReadAsync(), Is.EqualTo(_content));
    }

    [Test]
    public async Task Broken_connections_are_resumed_and_no_byte_is_sent_twice()
    {
        _registry.Distort = (request, response) => OnBlobs(request, response, r => r with { CutAfter = 100_000 });
        Assert.That(await ReadAsync(), Is.EqualTo(_content));
        Assert.That(_registry.BytesSent, Is.LessThanOrEqualTo(_content.Length * 101L / 100));
        Assert.That(_registry.Log.Count(request => request["Range"] is not null), Is.EqualTo(19));
    }

    [Test]
    public async Task A_connection_that_broke_after_it_brought_something_is_replaced_at_once()
    {
        using RegistryTransport patient = new(RegistryTesting.Quick with { FirstPause = TimeSpan.FromHours(1), LongestPause = TimeSpan.FromHours(1) }, "/nowhere");
        using RegistryClient client = new(patient, _registry.AsHost(), null);
        _registry.Distort = (request, response) => OnBlobs(request, response, r => r with { CutAfter = 500_000 });
        Assert.That(await RegistryTesting.ReadAllAsync([client], "shop/web", _blob), Is.EqualTo(_content));
    }

    [Test]
    public async Task A_download_goes_on_behind_what_is_there()
    {
        Assert.That(await ReadAsync(1_500_000), Is.EqualTo(_content[1_500_000..]));
        Assert.That(_registry.BytesSent, Is.EqualTo(500_000));
    }

    [Test]
    public async Task A_registry_that_ignores_ranges_is_read_past_what_is_there()
    {
        _registry.Distort = (request, response) => OnBlobs(request, response, r => new FakeResponse(200, _content));
        Assert.That(await ReadAsync(1_500_000), Is.EqualTo(_content[1_500_000..]));
    }

    [TestCase("bytes 0-1999999/2000000")]
    [TestCase("bytes 1500001-1999999/2000000")]
    [TestCase("bytes 1500000-1999999/2000001")]
    [TestCase("bytes 1500000-1999998/2000000")]
    [TestCase("pages 1500000-1999999/2000000")]
    [TestCase("nonsense")]
    public async Task A_content_range_that_does_not_fit_is_not_believed(string range)
    {
        _registry.Distort = (request, response) => OnBlobs(request, response, r => r.Status == 206 ? r with { Headers = [("Content-Range", range)] } : r);
        Assert.That(await ReadAsync(1_500_000), Is.EqualTo(_content[1_500_000..]));
    }

    [Test]
    public void A_wrong_length_is_refused()
    {
        _registry.Distort = (request, response) => OnBlobs(request, response, r => r with { DeclaredLength = _content.Length + 1 });
        Assert.That(async () => await ReadAsync(), Throws.TypeOf<RegistryFailure>().With.Message.Contains("instead of 2000000"));
    }

    [Test]
    public void A_shorter_blob_is_refused()
    {
        _registry.Blobs[_blob.Digest] = _content[..1_000_000];
        Assert.That(async () => await ReadAsync(), Throws.TypeOf<RegistryFailure>().With.Message.Contains("1000000 bytes"));
        Assert.That(async () => await ReadAsync(1_500_000), Throws.TypeOf<RegistryFailure>().With.Message.Contains("fewer than"));
    }

    [Test]
    public void An_endless_body_ends_at_the_blobs_size()
    {
        _registry.Distort = (request, response) => OnBlobs(request, response, r => r with { IsEndless = true });
        Assert.That(async () => await ReadAsync(), Throws.TypeOf<RegistryFailure>().With.Message.Contains("more than the 2000000 bytes"));
        Assert.That(_registry.BytesSent, Is.LessThan(_content.Length + 8_000_000));
    }

    [Test]
    public async Task A_stalled_connection_is_given_up_and_resumed()
    {
        int stalls = 2;
        _registry.Distort = (request, response) => OnBlobs(request, response, r => Interlocked.Decrement(ref stalls) >= 0 ? r with { StallAfter = 500_000 } : r);
        Assert.That(await ReadAsync(), Is.EqualTo(_content));
    }

    [Test]
    public void A_registry_that_never_gets_on_is_given_up()
    {
        _registry.Distort = (request, response) => OnBlobs(request, response, r => r with { CutAfter = 10 });
        Assert.That(async () => await ReadAsync(), Throws.TypeOf<RegistryFailure>().With.Message.Contains(_registry.Host));
        Assert.That(_registry.Log, Has.Count.EqualTo(RegistryTesting.Quick.Attempts));
    }

    [Test]
    public async Task A_busy_registry_is_asked_again()
    {
        int busy = 3;
        _registry.Intercept = request => Interlocked.Decrement(ref busy) >= 0 ? FakeResponse.Text(busy == 1 ? 429 : 503, "", ("Retry-After", "1")) : null;
        Assert.That(await ReadAsync(), Is.EqualTo(_content));
    }

    [Test]
    public async Task The_next_source_takes_over_where_one_fails()
    {
        using FakeRegistry dead = new();
        dead.AddBlob(_content);
        dead.Distort = (request, response) => request["Range"] is null ? response with { CutAfter = 1_000_000 } : FakeResponse.Text(500, "");
        using RegistryClient mirror = new(_transport, dead.AsHost() with { IsMirror = true }, null);
        Assert.That(await RegistryTesting.ReadAllAsync([mirror, _client], "shop/web", _blob), Is.EqualTo(_content));
        Assert.That(_registry.BytesSent, Is.LessThanOrEqualTo(1_100_000));
    }

    [Test]
    public async Task A_blob_behind_a_redirect_is_fetched_without_credentials()
    {
        using FakeRegistry storage = new();
        storage.AddBlob(_content);
        using RegistryClient client = new(_transport, _registry.AsHost(), new RegistryCredentials("me", "secret", null));
        _registry.Intercept = request => request["Authorization"] is null
            ? FakeResponse.Error(401, "UNAUTHORIZED", "authentication required", ("WWW-Authenticate", "Basic realm=\"r\""))
            : FakeResponse.Text(307, "", ("Location", $"http://{storage.Host}{request.Path}"));
        Assert.That(await RegistryTesting.ReadAllAsync([client], "shop/web", _blob), Is.EqualTo(_content));
        Assert.That(storage.Log.Select(request => request["Authorization"]), Is.All.Null);
        Assert.That(_registry.Log.Last()["Authorization"], Does.StartWith("Basic "));
    }

    [Test]
    public async Task A_redirect_within_the_host_keeps_the_credentials()
    {
        using RegistryClient client = new(_transport, _registry.AsHost(), new RegistryCredentials("me", "secret", null));
        _registry.Intercept = request => request["Authorization"] is null
            ? FakeResponse.Error(401, "UNAUTHORIZED", "authentication required", ("WWW-Authenticate", "Basic realm=\"r\""))
            : request.Path.StartsWith("/v2/shop/web/", StringComparison.Ordinal) ? FakeResponse.Text(302, "", ("Location", request.Path.Replace("/shop/web/", "/else/where/", StringComparison.Ordinal))) : null;
        Assert.That(await RegistryTesting.ReadAllAsync([client], "shop/web", _blob), Is.EqualTo(_content));
    }

    [Test]
    public void Redirects_come_to_an_end()
    {
        _registry.Intercept = request => FakeResponse.Text(302, "", ("Location", request.Path + "x"));
        Assert.That(async () => await ReadAsync(), Throws.TypeOf<RegistryFailure>().With.Message.Contains("redirects more than"));
    }

    [Test]
    public void A_cancelled_download_ends_at_once()
    {
        _registry.Distort = (request, response) => response with { StallAfter = 1000 };
        using CancellationTokenSource cancel = new();
        using ResumingBlobStream stream = new([(_client, "shop/web")], _blob, 0, cancel.Token);
        byte[] buffer = new byte[1000];
        stream.ReadExactly(buffer);
        Task<int> next = stream.ReadAsync(buffer).AsTask();
        cancel.Cancel();
        Assert.That(async () => await next, Throws.InstanceOf<OperationCanceledException>());
    }
}
