using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Images pushed by skopeo into Debian's docker-registry, pulled through client and daemon.</summary>
public sealed class PullTests : DaemonTests
{
    protected override bool OwnNetwork => false;

    private const string OciManifest = "application/vnd.oci.image.manifest.v1+json";

    private Registry _registry = null!;

    [OneTimeSetUp]
    public void StartRegistry() => _registry = new Registry();

    [OneTimeTearDown]
    public void StopRegistry() => _registry?.Dispose();

    private string Push(string fixture, string name, params string[] options)
    {
        new Command("skopeo", ["--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", .. options,
            $"oci-archive:{Fixture.Archive(fixture)}:latest", $"docker://{_registry.Host}/{name}"]).Within(300).Run().Ok();
        return $"{_registry.Host}/{name}";
    }

    /// <summary>The manifest as the registry has it, to the byte.</summary>
    private static string Manifest(string reference) => new Command("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{reference}").Run().Ok().Stdout;

    private static (string Digest, string MediaType, long Size)[] Layers(string reference)
    {
        using var manifest = JsonDocument.Parse(Manifest(reference));
        return [.. manifest.RootElement.GetProperty("layers").EnumerateArray()
            .Select(l => (l.GetProperty("digest").GetString()!, l.GetProperty("mediaType").GetString()!, l.GetProperty("size").GetInt64()))];
    }

    private static string Digest(string text) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>What a command that had to fail said.</summary>
    private static string Refused(Result result)
    {
        Assert.That(result.ExitCode, Is.Not.Zero, $"{result}");
        return result.Stderr;
    }

    private JsonElement Inspect(string name) => JsonDocument.Parse(Bundt("inspect", name).Ok().Stdout).RootElement[0].Clone();

    [TestCase("busybox-one", "oci", "gzip", "application/vnd.oci.image.layer.v1.tar+gzip")]
    [TestCase("busybox", "oci", "zstd", "application/vnd.oci.image.layer.v1.tar+zstd")]
    [TestCase("busybox-one", "v2s2", "gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip")]
    public void What_skopeo_pushes_is_pulled_and_keeps_its_digests(string fixture, string format, string compression, string layerType)
    {
        var name = Push(fixture, $"kinds/{format}-{compression}:1", "--format", format, "--dest-compress-format", compression);
        Assert.That(Layers(name).Select(l => l.MediaType), Has.Some.EqualTo(layerType));
        var pulled = Bundt("pull", name).Ok();
        Assert.That(pulled.Stdout, Does.Match($@"1: Pulling from kinds/{format}-{compression}\n(.*\n)*Digest: {Digest(Manifest(name))}\nStatus: Downloaded newer image for {name}"));
        Assert.That(pulled.Lines[^1], Is.EqualTo(name));
        using var manifest = JsonDocument.Parse(Manifest(name));
        var image = Inspect(name);
        Assert.That(image.GetProperty("Id").GetString(), Is.EqualTo(manifest.RootElement.GetProperty("config").GetProperty("digest").GetString()));
        Assert.That(image.GetProperty("RepoDigests").EnumerateArray().Select(d => d.GetString()), Has.Some.EqualTo($"{_registry.Host}/kinds/{format}-{compression}@{Digest(Manifest(name))}"));
        Assert.That(Bundt("run", "--rm", "--network", "none", name, "echo", "from afar").Ok().Text, Is.EqualTo("from afar"));
        Assert.That(Bundt("pull", name).Ok().Stdout, Does.Contain($"Status: Image is up to date for {name}"));
        Bundt("rmi", name).Ok();
    }

    [Test]
    public void Run_pulls_what_is_missing()
    {
        var name = Push("busybox", "missing:1");
        Assert.That(Bundt("run", "--rm", "--network", "none", name, "echo", "pulled").Ok().Stdout, Is.EqualTo("pulled\n"));
        Bundt("rmi", name).Ok();
    }

    [Test]
    public void The_docker_client_pulls_with_progress()
    {
        var name = Push("busybox-one", "bydocker:1");
        using var empty = Daemon.OnTestsNetwork();
        var pulled = empty.Docker("pull", name).Run().Ok();
        Assert.That(pulled.Stdout, Does.Contain("Pull complete").And.Contain($"Status: Downloaded newer image for {name}"));
        Assert.That(empty.Docker("pull", "--quiet", name).Run().Ok().Text, Is.EqualTo(name));
    }

    [Test]
    public void An_index_gives_the_platforms_image()
    {
        var name = Push("busybox", "multi:one", "--format", "oci");
        var manifest = Manifest(name);
        var other = manifest + " ";
        using var http = new HttpClient { BaseAddress = new Uri($"http://{_registry.Host}/") };
        Put(http, Digest(other), other, OciManifest);
        var architecture = System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";
        string Entry(string document, string platform) =>
            $$$"""{"mediaType":"{{{OciManifest}}}","digest":"{{{Digest(document)}}}","size":{{{document.Length}}},"platform":{"os":"linux","architecture":"{{{platform}}}"} }""";
        var index = $$"""{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{{Entry(other, "s390x")}},{{Entry(manifest, architecture)}}]}""";
        Put(http, "all", index, "application/vnd.oci.image.index.v1+json");
        Bundt("pull", $"{_registry.Host}/multi:all").Ok();
        Assert.That(Inspect($"{_registry.Host}/multi:all").GetProperty("RepoDigests").EnumerateArray().Select(d => d.GetString()), Has.Some.EqualTo($"{_registry.Host}/multi@{Digest(index)}"));
        Assert.That(Refused(Bundt("pull", "--platform", "linux/riscv64", $"{_registry.Host}/multi:all")),
            Does.Contain("no matching manifest for linux/riscv64").And.Contain("linux/s390x"));
        Bundt("rmi", $"{_registry.Host}/multi:all").Ok();
    }

    private static void Put(HttpClient http, string reference, string document, string type)
    {
        using var content = new StringContent(document);
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var answer = http.PutAsync(new Uri($"v2/multi/manifests/{reference}", UriKind.Relative), content).GetAwaiter().GetResult();
        Assert.That(answer.IsSuccessStatusCode, Is.True, () => answer.Content.ReadAsStringAsync().GetAwaiter().GetResult());
    }

    [Test]
    public void An_unknown_tag_has_dockers_error() =>
        Assert.That(Refused(Bundt("pull", $"{_registry.Host}/nosuch:1")), Does.Contain($"manifest for {_registry.Host}/nosuch:1 not found: manifest unknown: manifest unknown"));

    [Test]
    public void Every_tag_is_pulled_and_the_catalogue_is_searched()
    {
        Push("busybox", "every/box:a");
        Push("busybox", "every/box:b");
        Bundt("pull", "--all-tags", $"{_registry.Host}/every/box").Ok();
        Bundt("rmi", $"{_registry.Host}/every/box:a", $"{_registry.Host}/every/box:b").Ok();
        Assert.That(Bundt("search", $"{_registry.Host}/every").Ok().Stdout, Does.Contain($"{_registry.Host}/every/box"));
    }

    [Test]
    public void A_registry_behind_a_password_lets_in_who_has_it()
    {
        var passwords = Path.Combine(Paths.Work, "htpasswd");
        // bundt:pan in bcrypt, the only scheme that docker-registry knows.
        File.WriteAllText(passwords, "bundt:$2y$05$abcdefghijklmnopqrstuu9cGQ4rmdhTZQv4tAacFddK8leKTAgy.\n");
        using var guarded = new Registry($"auth: {{ htpasswd: {{ realm: pans, path: {passwords} }} }}");
        var name = $"{guarded.Host}/box:1";
        new Command("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--dest-creds", "bundt:pan",
            $"oci-archive:{Fixture.Archive("busybox")}:latest", $"docker://{name}").Run().Ok();
        Assert.That(Refused(Bundt("pull", name)), Does.Contain($"pull access denied for {guarded.Host}/box, repository does not exist or may require 'docker login'"));

        Result PullWith(string login)
        {
            var home = Directory.CreateDirectory(Path.Combine(Paths.Work, "login")).FullName;
            File.WriteAllText(Path.Combine(home, "config.json"), $$$"""{"auths":{"{{{guarded.Host}}}":{"auth":"{{{Convert.ToBase64String(Encoding.UTF8.GetBytes(login))}}}"} } }""");
            return Daemon.Bundt("pull", name).With("DOCKER_CONFIG", home).Run();
        }

        Assert.That(Refused(PullWith("bundt:wrong-canary")), Does.Contain("refused the login").And.Not.Contain("wrong-canary"));
        PullWith("bundt:pan").Ok();
        Bundt("rmi", name).Ok();
    }

    [Test]
    public void Credential_helpers_of_the_users_config_file_are_asked_by_the_client()
    {
        var passwords = Path.Combine(Paths.Work, "htpasswd-helpers");
        File.WriteAllText(passwords, "bundt:$2y$05$abcdefghijklmnopqrstuu9cGQ4rmdhTZQv4tAacFddK8leKTAgy.\n");
        using var guarded = new Registry($"auth: {{ htpasswd: {{ realm: pans, path: {passwords} }} }}");
        var name = $"{guarded.Host}/box:1";
        new Command("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--dest-creds", "bundt:pan",
            $"oci-archive:{Fixture.Archive("busybox")}:latest", $"docker://{name}").Run().Ok();
        var home = Directory.CreateDirectory(Path.Combine(Paths.Work, "helpers")).FullName;

        void Helper(string suffix, string script)
        {
            var path = Path.Combine(home, "docker-credential-" + suffix);
            File.WriteAllText(path, $"#!/bin/sh\nread registry\n[ \"$1 $registry\" = 'get {guarded.Host}' ] || exit 9\n{script}\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        Result PullWith(string config)
        {
            File.WriteAllText(Path.Combine(home, "config.json"), config);
            var result = Daemon.Bundt("pull", name).With("DOCKER_CONFIG", home).With("PATH", home + ":" + Environment.GetEnvironmentVariable("PATH")).Run();
            Bundt("rmi", name);
            return result;
        }

        var right = Convert.ToBase64String(Encoding.UTF8.GetBytes("bundt:pan"));
        Helper("knows", $"echo '{{\"ServerURL\":\"{guarded.Host}\",\"Username\":\"bundt\",\"Secret\":\"pan\"}}'");
        Helper("empty", "echo 'credentials not found in native keychain'; exit 1");
        Helper("broken", "echo 'no key ring'; exit 3");
        PullWith($$"""{"credsStore":"knows"}""").Ok();
        PullWith($$"""{"credHelpers":{"{{guarded.Host}}":"knows"},"credsStore":"broken"}""").Ok();
        PullWith($$"""{"auths":{"{{guarded.Host}}":{"auth":"{{right}}"} },"credsStore":"empty"}""").Ok();
        Assert.That(Refused(PullWith($$"""{"credsStore":"empty"}""")), Does.Contain("pull access denied").And.Not.Contain("docker-credential"));
        Assert.That(Refused(PullWith($$"""{"credsStore":"broken"}""")), Does.Contain("docker-credential-broken failed (3): no key ring"));
        Assert.That(Refused(PullWith($$"""{"credsStore":"missing"}""")), Does.Contain("docker-credential-missing is not in PATH"));
    }

    [Test]
    public void A_registrys_directory_of_certificates_is_what_it_is_trusted_and_trusts_by()
    {
        var files = Directory.CreateDirectory(Path.Combine(Paths.Work, "tls", "client")).FullName;
        TestCertificates.Write(files, "registry.test");
        using var registry = new Registry($"  tls: {{ certificate: {files}/../server.pem, key: {files}/../server.key, clientcas: [{files}/ca.crt] }}");
        new Command("skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--dest-cert-dir", files,
            $"oci-archive:{Fixture.Archive("busybox")}:latest", $"docker://{registry.Host}/box:1").Run().Ok();

        // The daemon's own /etc: the name resolves, and the directory of certificates is one of the test's.
        const string Prepare = """
            mkdir -p "$ROOT/../etc/u" "$ROOT/../etc/w" "$ROOT/../certs"
            mount -t overlay overlay -o "lowerdir=/etc,upperdir=$ROOT/../etc/u,workdir=$ROOT/../etc/w" /etc
            echo "127.0.0.1 registry.test" >> /etc/hosts
            mkdir -p /etc/docker/certs.d
            mount --bind "$ROOT/../certs" /etc/docker/certs.d
            """;
        using var daemon = new Daemon(Prepare, [], ownNetwork: false);
        var name = $"registry.test:{registry.Port}/box:1";
        var certificates = Path.Combine(daemon.Root, "..", "certs", $"registry.test:{registry.Port}");
        string Pull() => Refused(daemon.Bundt("pull", name).Run());

        Assert.That(Pull(), Does.Contain("certificate is not trusted"));
        Directory.CreateDirectory(certificates);
        File.Copy(Path.Combine(files, "ca.crt"), Path.Combine(certificates, "ca.crt"));
        Assert.That(Pull(), Does.Contain("broke off"), "it wants to see the client's certificate, and says so in TLS 1.3 by hanging up");
        File.Copy(Path.Combine(files, "client.cert"), Path.Combine(certificates, "client.cert"));
        Assert.That(Pull(), Does.Contain("client.key"));
        File.Copy(Path.Combine(files, "client.key"), Path.Combine(certificates, "client.key"));
        daemon.Bundt("pull", name).Run().Ok();
        daemon.Bundt("rmi", name).Run().Ok();
        File.Copy(Path.Combine(files, "..", "other.crt"), Path.Combine(certificates, "ca.crt"), overwrite: true);
        Assert.That(Pull(), Does.Contain("certificate is not trusted"), "what has changed counts at once");
    }

    [Test]
    public void A_mirror_stands_in_for_docker_io()
    {
        Push("busybox", "library/pan:1");
        using var mirrored = Daemon.OnTestsNetwork("--registry-mirror", "http://127.0.0.1:9", "--registry-mirror", $"http://{_registry.Host}");
        Assert.That(mirrored.Bundt("pull", "pan:1").Within(120).Run().Ok().Stdout, Does.Contain("Status: Downloaded newer image for pan:1"));
        Assert.That(mirrored.Bundt("images", "--format", "{{.Repository}}:{{.Tag}}").Run().Ok().Text, Is.EqualTo("pan:1"));
        Assert.That(Refused(mirrored.Bundt("pull", "nosuchpan:1").Within(120).Run()), Does.Contain("pull access denied for nosuchpan, repository does not exist or may require 'docker login'"));
    }

    [Test]
    public void Connections_cut_after_one_mebibyte_cost_no_byte_twice()
    {
        var size = Layers(Push("redis", "cut/redis:1", "--format", "oci")).Sum(l => l.Size);
        using var proxy = new Proxy(_registry.Port) { CutAfter = 1 << 20 };
        using var empty = Daemon.OnTestsNetwork();
        empty.Bundt("pull", $"{proxy.Host}/cut/redis:1").Within(300).Run().Ok();
        TestContext.Out.WriteLine($"{proxy.Bytes} bytes on the wire for {size} bytes of layers");
        Assert.That(proxy.Bytes, Is.LessThanOrEqualTo(size * 1.01 + 100_000));
    }

    [Test]
    public void A_registry_that_dies_under_a_pull_costs_no_byte_twice()
    {
        var size = Layers(Push("redis", "dies/redis:1", "--format", "oci")).Sum(l => l.Size);
        using var mortal = new Registry();
        new Command("skopeo", "--insecure-policy", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false",
            $"docker://{_registry.Host}/dies/redis:1", $"docker://{mortal.Host}/redis:1").Within(120).Run().Ok();
        using var proxy = new Proxy(mortal.Port) { Rate = 8_000_000 };
        using var empty = Daemon.OnTestsNetwork();
        var pull = empty.Bundt("pull", $"{proxy.Host}/redis:1").Within(120).RunAsync();
        Eventually.True(() => proxy.Bytes > size / 3, "a third of the image has passed", 60);
        mortal.Stop();
        Assert.That(Refused(pull.GetAwaiter().GetResult()), Does.Contain(proxy.Host));
        mortal.Start();
        proxy.Rate = 0;
        empty.Bundt("pull", $"{proxy.Host}/redis:1").Within(120).Run().Ok();
        Assert.That(proxy.Bytes, Is.LessThanOrEqualTo(size * 1.01 + 1_000_000));
    }

    [Test]
    public void A_daemon_killed_ten_times_under_a_pull_downloads_no_byte_twice()
    {
        var size = Layers(Push("redis", "killed/redis:1", "--format", "oci")).Sum(l => l.Size);
        using var proxy = new Proxy(_registry.Port) { Rate = 8_000_000 };
        using var empty = Daemon.OnTestsNetwork();
        for (var kill = 1; kill <= 10; kill++)
        {
            var pull = empty.Bundt("pull", $"{proxy.Host}/killed/redis:1").Within(60).RunAsync();
            Eventually.True(() => proxy.Bytes > size * kill / 12 || pull.IsCompleted, "the pull goes on", 60);
            empty.Kill();
            pull.Wait();
            empty.Start();
        }

        proxy.Rate = 0;
        empty.Bundt("pull", $"{proxy.Host}/killed/redis:1").Within(120).Run().Ok();
        TestContext.Out.WriteLine($"{proxy.Bytes} bytes on the wire for {size} bytes of layers");
        // What lay in the kernel's buffers when the daemon died is sent again: some hundred KB a connection.
        Assert.That(proxy.Bytes, Is.LessThanOrEqualTo(size * 1.01 + 10 * 1_000_000));
    }
}
