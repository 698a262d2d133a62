using System.Text;
using Bundt.Images.Registry;
using Bundt.Linux;

namespace Bundt.Images.Tests.Registry;

public sealed class RegistryFilesTests
{
    private static DockerConfigFile Config(string json) => DockerConfigFile.Parse(Encoding.UTF8.GetBytes(json), "config.json");

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

    [TestCase("reg.example")]
    [TestCase("reg.example:5000")]
    [TestCase("10.0.0.0/8")]
    [TestCase("[::1]:5000")]
    [TestCase("fd00::/8")]
    public void An_insecure_registry_is_a_host_or_a_block(string text) => Assert.That(InsecureRegistry.Parse(text), Is.EqualTo(text));

    [TestCase("")]
    [TestCase("http://reg.example")]
    [TestCase("a b")]
    [TestCase("reg.example/path")]
    [TestCase("me@reg.example")]
    [TestCase("10.0.0.0/99")]
    public void What_is_no_insecure_registry_is_refused(string text) =>
        Assert.That(() => InsecureRegistry.Parse(text), Throws.TypeOf<BundtException>().With.Property("Kind").EqualTo(FailureKind.InvalidArgument).And.Message.Contains("insecure registry"));
}
