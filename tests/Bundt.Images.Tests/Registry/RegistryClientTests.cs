using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bundt.Images.Registry;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Registry;

public sealed class RegistryClientTests
{
    private FakeRegistry _registry = null!;
    private RegistryTransport _transport = null!;
    private RegistryClient _client = null!;

    [SetUp]
    public void Start()
    {
        _registry = new FakeRegistry();
        _transport = new RegistryTransport(RegistryTesting.Quick, "/nowhere");
        _client = new RegistryClient(_transport, _registry.AsHost(), null);
    }

    [TearDown]
    public void Stop()
    {
        _client.Dispose();
        _transport.Dispose();
        _registry.Dispose();
    }

    [Test]
    public async Task A_manifest_comes_with_its_digest_and_type()
    {
        Descriptor expected = _registry.AddManifest("a", "1", "{}"u8.ToArray(), MediaTypes.DockerManifest);
        FetchedDocument document = await _client.FetchManifestAsync("a", "1", CancellationToken.None);
        Assert.That(document.Digest, Is.EqualTo(expected.Digest));
        Assert.That(document.MediaType, Is.EqualTo(MediaTypes.DockerManifest));
        Assert.That(_registry.Log.Single()["Accept"], Is.EqualTo(MediaTypes.AcceptManifests));
        Assert.That(await _client.ResolveDigestAsync("a", "1", CancellationToken.None), Is.EqualTo(expected.Digest));
    }

    [Test]
    public void A_manifest_with_another_digest_than_announced_is_refused()
    {
        _registry.AddManifest("a", "1", "{}"u8.ToArray(), MediaTypes.OciManifest);
        _registry.Distort = (_, response) => response with { Body = "{ }"u8.ToArray() };
        Assert.That(async () => await _client.FetchManifestAsync("a", "1", CancellationToken.None), Throws.TypeOf<RegistryFailure>().With.Message.Contains("manifest verification failed"));
    }

    [Test]
    public void A_manifest_asked_by_digest_must_have_it()
    {
        string digest = ContentDigest.Sha256("x"u8);
        _registry.Manifests[$"a@{digest}"] = ("{}"u8.ToArray(), MediaTypes.OciManifest);
        Assert.That(async () => await _client.FetchManifestAsync("a", digest, CancellationToken.None), Throws.TypeOf<RegistryFailure>().With.Message.Contains("verification failed"));
    }

    [TestCase("sha256:../../../etc/passwd")]
    [TestCase("sha256:x y")]
    [TestCase("md5:d41d8cd98f00b204e9800998ecf8427e")]
    public void A_digest_header_that_is_none_is_refused(string header)
    {
        _registry.Intercept = _ => new FakeResponse(200, "{}"u8.ToArray(), ("Docker-Content-Digest", header));
        Assert.That(async () => await _client.ResolveDigestAsync("a", "1", CancellationToken.None), Throws.TypeOf<RegistryFailure>().With.Message.Contains("is not a digest"));
    }

    [Test]
    public void A_manifest_without_end_is_cut_off_at_the_limit()
    {
        _registry.Intercept = _ => new FakeResponse(200, [], ("Content-Type", MediaTypes.OciManifest)) { IsEndless = true };
        Assert.That(async () => await _client.FetchManifestAsync("a", "1", CancellationToken.None), Throws.TypeOf<RegistryFailure>().With.Message.Contains("limit"));
        Assert.That(_registry.BytesSent, Is.LessThan(16_000_000));
    }

    [Test]
    public void A_document_that_drips_is_given_up()
    {
        _registry.Intercept = _ => new FakeResponse(200, new byte[100]) { StallAfter = 10 };
        using RegistryTransport transport = new(RegistryTesting.Quick with { Document = TimeSpan.FromMilliseconds(100) }, "/nowhere");
        using RegistryClient client = new(transport, _registry.AsHost(), null);
        Assert.That(async () => await client.FetchManifestAsync("a", "1", CancellationToken.None), Throws.TypeOf<RegistryFailure>().With.Message.Contains("too slowly"));
    }

    [Test]
    public void A_silent_registry_is_given_up()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        string host = $"127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}";
        using RegistryTransport transport = new(RegistryTesting.Quick with { Connect = TimeSpan.FromMilliseconds(100), Headers = TimeSpan.FromMilliseconds(100) }, "/nowhere");
        using RegistryClient client = new(transport, new RegistryHost(host, [new Uri($"https://{host}/"), new Uri($"http://{host}/")], false, false), null);
        Assert.That(async () => await client.FetchManifestAsync("a", "1", CancellationToken.None), Throws.TypeOf<RegistryFailure>().With.Message.Contains(host).And.Message.Contains("ETIMEDOUT"));
    }

    [Test]
    public async Task A_registry_that_is_down_is_named_with_the_kernels_error()
    {
        string host = _registry.Host;
        _registry.Dispose();
        RegistryFailure failure = (await Assert.ThrowsAsync<RegistryFailure>(async () => await _client.FetchManifestAsync("a", "1", CancellationToken.None)))!;
        Assert.That(failure.Message, Is.EqualTo($"connect to {host}: Connection refused (ECONNREFUSED)"));
        Assert.That(failure.Hint, Does.Contain("Is a registry running"));
    }

    [Test]
    public async Task An_insecure_registry_is_asked_by_https_first_and_then_by_http()
    {
        _registry.AddManifest("a", "1", "{}"u8.ToArray(), MediaTypes.OciManifest);
        RegistryHost host = RegistryHost.For(_registry.Host, new RegistryOptions()).Single();
        Assert.That(host.Bases.Select(address => address.Scheme), Is.EqualTo(new[] { "https", "http" }));
        using RegistryClient client = new(_transport, host, null);
        Assert.That((await client.FetchManifestAsync("a", "1", CancellationToken.None)).Bytes, Is.EqualTo("{}"u8.ToArray()));
    }

    [Test]
    public async Task A_plain_registry_that_is_not_insecure_says_what_to_do()
    {
        RegistryHost host = new(_registry.Host, [new Uri($"https://{_registry.Host}/")], IsMirror: false, VerifiesCertificate: true);
        using RegistryClient client = new(_transport, host, null);
        RegistryFailure failure = (await Assert.ThrowsAsync<RegistryFailure>(async () => await client.FetchManifestAsync("a", "1", CancellationToken.None)))!;
        Assert.That(failure.Hint, Does.Contain("insecure-registries"));
    }

    private static X509Certificate2 SelfSigned()
    {
        using RSA key = RSA.Create(2048);
        CertificateRequest request = new("CN=nobody", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    [Test]
    public async Task An_insecure_registry_with_tls_is_spoken_to_over_tls()
    {
        using X509Certificate2 certificate = SelfSigned();
        using FakeRegistry secure = new(certificate);
        secure.AddManifest("a", "1", "{}"u8.ToArray(), MediaTypes.OciManifest);
        using RegistryClient client = new(_transport, RegistryHost.For(secure.Host, new RegistryOptions()).Single(), null);
        Assert.That((await client.FetchManifestAsync("a", "1", CancellationToken.None)).Bytes, Is.EqualTo("{}"u8.ToArray()));
    }

    [Test]
    public async Task A_certificate_that_nobody_vouches_for_is_refused_before_anything_is_said()
    {
        using X509Certificate2 certificate = SelfSigned();
        using FakeRegistry impostor = new(certificate);
        using HttpRequestMessage request = new(HttpMethod.Get, $"https://{impostor.Host}/v2/");
        RegistryFailure failure = (await Assert.ThrowsAsync<RegistryFailure>(async () =>
            await RegistryWire.SendAsync(_transport.For(new Uri("https://reg.example"), verify: true), request, RegistryTesting.Quick, CancellationToken.None)))!;
        Assert.That(failure.IsTls, Is.True);
        Assert.That(failure.Message, Does.Contain("certificate is not trusted"));
        Assert.That(impostor.Log, Is.Empty);
    }

    [TestCase(404, RegistryFailureKind.NotFound, 1)]
    [TestCase(403, RegistryFailureKind.Denied, 1)]
    [TestCase(400, RegistryFailureKind.Protocol, 1)]
    [TestCase(500, RegistryFailureKind.Busy, 3)]
    [TestCase(429, RegistryFailureKind.Busy, 3)]
    public async Task Statuses_mean_what_they_say(int status, object kind, int tries)
    {
        _registry.Intercept = _ => FakeResponse.Error(status, "SOME_CODE", "some\u001b[31m message");
        RegistryFailure failure = (await Assert.ThrowsAsync<RegistryFailure>(async () => await _client.FetchManifestAsync("a", "1", CancellationToken.None)))!;
        Assert.Multiple(() =>
        {
            Assert.That(failure.Kind, Is.EqualTo(kind));
            Assert.That(failure.Message, Does.Not.Contain("\u001b"));
            Assert.That(_registry.Log, Has.Count.EqualTo(tries));
        });
    }

    [Test]
    public async Task Tags_are_listed_over_all_pages()
    {
        _registry.Intercept = request => request.Query.Contains("last=", StringComparison.Ordinal)
            ? FakeResponse.Text(200, """{"name":"a","tags":["c"]}""")
            : FakeResponse.Text(200, """{"name":"a","tags":["a","b"]}""", ("Link", "</v2/a/tags/list?last=b&n=2>; rel=\"next\""));
        Assert.That(await _client.ListTagsAsync("a", CancellationToken.None), Is.EqualTo(new[] { "a", "b", "c" }));
    }

    [Test]
    public async Task A_list_that_points_to_itself_or_elsewhere_ends()
    {
        _registry.Intercept = request => FakeResponse.Text(200, """{"tags":["a"]}""", ("Link", "</v2/a/tags/list?n=1000>; rel=\"next\""));
        Assert.That(await _client.ListTagsAsync("a", CancellationToken.None), Is.EqualTo(new[] { "a" }));
        _registry.Intercept = request => FakeResponse.Text(200, """{"tags":["a"]}""", ("Link", "<http://127.0.0.2:1/v2/x>; rel=\"next\""));
        Assert.That(await _client.ListTagsAsync("a", CancellationToken.None), Is.EqualTo(new[] { "a" }));
    }

    [TestCase("reg.example", false)]
    [TestCase("reg.example:5000", true)]
    [TestCase("10.1.2.3:5000", true)]
    [TestCase("10.2.2.3:5000", false)]
    [TestCase("127.0.0.1:5000", true)]
    [TestCase("127.9.9.9", true)]
    [TestCase("localhost:5000", true)]
    [TestCase("[::1]:5000", true)]
    [TestCase("127.0.0.1.example", false)]
    public void Which_registries_are_insecure(string registry, bool insecure) =>
        Assert.That(RegistryHost.IsInsecure(registry, new RegistryOptions { Insecure = ["reg.example:5000", "10.1.0.0/16"] }), Is.EqualTo(insecure));

    [Test]
    public void Mirrors_are_asked_before_docker_io_and_for_docker_io_alone()
    {
        RegistryOptions options = new() { Mirrors = [new Uri("http://127.0.0.1:5001"), new Uri("https://m.example/prefix")] };
        Assert.That(RegistryHost.For("docker.io", options).Select(host => host.Bases[0].ToString()),
            Is.EqualTo(new[] { "http://127.0.0.1:5001/", "https://m.example/prefix/", "https://registry-1.docker.io/" }));
        Assert.That(RegistryHost.For("quay.io", options).Select(host => host.Bases[0].ToString()), Is.EqualTo(new[] { "https://quay.io/" }));
    }
}
