using System.Text;
using Bundt.Images.Registry;
using Bundt.Linux;

namespace Bundt.Images.Tests.Registry;

public sealed class RegistryFilesTests
{
    private static DockerConfigFile Config(string json) => DockerConfigFile.Parse(Encoding.UTF8.GetBytes(json), "config.json");

    private static DaemonJson Daemon(string json) => DaemonJson.Parse(Encoding.UTF8.GetBytes(json), "daemon.json");

    [Test]
    public void Logins_are_found_under_every_way_of_writing_the_registry()
    {
        DockerConfigFile config = Config("""
            {"auths":{"https://index.docker.io/v1/":{"auth":"aHViOnBhc3M6d29yZA=="},"127.0.0.1:5000":{"username":"u","password":"p"},
              "https://reg.example/v2/":{"identitytoken":"tok","auth":"PHRva2VuPjo="},"empty.example":{}},"HttpHeaders":{"x":"y"}}
            """);
        Assert.Multiple(() =>
        {
            Assert.That(config.For("docker.io"), Is.EqualTo(new RegistryCredentials("hub", "pass:word", null)));
            Assert.That(config.For("127.0.0.1:5000"), Is.EqualTo(new RegistryCredentials("u", "p", null)));
            Assert.That(config.For("reg.example")!.IdentityToken, Is.EqualTo("tok"));
            Assert.That(config.For("empty.example"), Is.Null);
            Assert.That(config.For("127.0.0.1:5001"), Is.Null);
            Assert.That(config.For("evil-reg.example"), Is.Null);
        });
    }

    [Test]
    public void A_credential_helper_is_named()
    {
        DockerConfigFile config = Config("""{"auths":{"a.example":{}},"credHelpers":{"b.example":"ecr-login"},"credsStore":"desktop"}""");
        Assert.That(config.HelperFor("a.example"), Is.EqualTo("desktop"));
        Assert.That(config.HelperFor("b.example"), Is.EqualTo("ecr-login"));
    }

    [TestCase("{")]
    [TestCase("""{"auths":{"a":{"auth":"!!"}}}""")]
    [TestCase("""{"auths":{"a":{"auth":"bm9jb2xvbg=="}}}""")]
    [TestCase("""{"auths":[]}""")]
    [TestCase("[]")]
    public void A_malformed_config_file_is_named_and_its_secrets_are_not(string json) =>
        Assert.That(() => Config(json), Throws.TypeOf<BundtException>().With.Message.Contains("config.json is malformed").And.Message.Not.Contain("bm9jb2xvbg"));

    [Test]
    public void A_login_that_is_printed_shows_no_secret() =>
        Assert.That($"{new PullOptions(Credentials: new RegistryCredentials("canary-user", "canary-password", "canary-token"))}", Does.Not.Contain("canary"));

    [Test]
    public void A_missing_file_has_no_logins() => Assert.That(DockerConfigFile.Read("/nonexistent/config.json").For("docker.io"), Is.Null);

    [Test]
    public void Daemon_json_is_read_and_other_keys_are_named()
    {
        DaemonJson daemon = Daemon("""{"registry-mirrors":["http://127.0.0.1:5001","https://m.example/"],"insecure-registries":["r:5000","10.0.0.0/8","[::1]:5000"],"max-concurrent-downloads":6,"log-level":"debug"}""");
        RegistryOptions options = daemon.ToOptions([DaemonJson.ParseMirror("https://n.example")], ["more:1"]);
        Assert.Multiple(() =>
        {
            Assert.That(options.Mirrors.Select(mirror => mirror.Host), Is.EqualTo(new[] { "127.0.0.1", "m.example", "n.example" }));
            Assert.That(options.Insecure, Is.EqualTo(new[] { "r:5000", "10.0.0.0/8", "[::1]:5000", "more:1" }));
            Assert.That(options.MaxConcurrentDownloads, Is.EqualTo(6));
            Assert.That(daemon.OtherKeys, Is.EqualTo(new[] { "log-level" }));
            Assert.That(Daemon("{}").ToOptions([], []).MaxConcurrentDownloads, Is.EqualTo(3));
            Assert.That(DaemonJson.Read("/nonexistent/daemon.json").Mirrors, Is.Empty);
        });
    }

    [TestCase("", "not valid JSON")]
    [TestCase("[]", "not a JSON object")]
    [TestCase("""{"registry-mirrors":"http://a"}""", "list of strings")]
    [TestCase("""{"registry-mirrors":["a.example"]}""", "invalid mirror")]
    [TestCase("""{"registry-mirrors":["ftp://a.example"]}""", "invalid mirror")]
    [TestCase("""{"registry-mirrors":["https://u:p@a.example"]}""", "invalid mirror")]
    [TestCase("""{"registry-mirrors":["https://a.example/?x"]}""", "invalid mirror")]
    [TestCase("""{"insecure-registries":["http://a"]}""", "://")]
    [TestCase("""{"insecure-registries":["a b"]}""", "neither")]
    [TestCase("""{"insecure-registries":[1]}""", "list of strings")]
    [TestCase("""{"max-concurrent-downloads":0}""", "at least 1")]
    [TestCase("""{"max-concurrent-downloads":"3"}""", "at least 1")]
    [TestCase("""{"max-concurrent-downloads":3,"max-concurrent-downloads":4}""", "not valid JSON")]
    public void A_malformed_daemon_json_is_refused_in_one_sentence(string json, string because)
    {
        BundtException error = Assert.Throws<BundtException>(() => Daemon(json))!;
        Assert.That(error.Message, Does.Contain(because));
        Assert.That(error.Kind, Is.EqualTo(FailureKind.InvalidArgument));
    }
}
