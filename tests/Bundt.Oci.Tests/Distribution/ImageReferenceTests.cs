using Bundt.Oci.Distribution;
using CsCheck;

namespace Bundt.Oci.Tests.Distribution;

public sealed class ImageReferenceTests
{
    private const string Hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private const string Sha = "sha256:" + Hex;

    [TestCase("redis", "docker.io", "library/redis", "latest", null, "redis:latest")]
    [TestCase("redis:7", "docker.io", "library/redis", "7", null, "redis:7")]
    [TestCase("library/redis", "docker.io", "library/redis", "latest", null, "redis:latest")]
    [TestCase("docker.io/redis", "docker.io", "library/redis", "latest", null, "redis:latest")]
    [TestCase("docker.io/library/redis", "docker.io", "library/redis", "latest", null, "redis:latest")]
    [TestCase("index.docker.io/redis", "docker.io", "library/redis", "latest", null, "redis:latest")]
    [TestCase("index.docker.io/library/redis:7", "docker.io", "library/redis", "7", null, "redis:7")]
    [TestCase("library/a/b", "docker.io", "library/a/b", "latest", null, "library/a/b:latest")]
    [TestCase("shop/web:1", "docker.io", "shop/web", "1", null, "shop/web:1")]
    [TestCase("127.0.0.1:5000/web", "127.0.0.1:5000", "web", "latest", null, "127.0.0.1:5000/web:latest")]
    [TestCase("localhost/web", "localhost", "web", "latest", null, "localhost/web:latest")]
    [TestCase("localhost:5000/a/b/c:v1", "localhost:5000", "a/b/c", "v1", null, "localhost:5000/a/b/c:v1")]
    [TestCase("LOCALHOST/web", "LOCALHOST", "web", "latest", null, "LOCALHOST/web:latest")]
    [TestCase("HOST.Example/web", "HOST.Example", "web", "latest", null, "HOST.Example/web:latest")]
    [TestCase("test.com:8080/foo", "test.com:8080", "foo", "latest", null, "test.com:8080/foo:latest")]
    [TestCase("[::1]:5000/web:1", "[::1]:5000", "web", "1", null, "[::1]:5000/web:1")]
    [TestCase("[2001:db8::1]/web", "[2001:db8::1]", "web", "latest", null, "[2001:db8::1]/web:latest")]
    [TestCase("xn--n3h.com/myimage:xn--n3h.com", "xn--n3h.com", "myimage", "xn--n3h.com", null, "xn--n3h.com/myimage:xn--n3h.com")]
    [TestCase("redis@" + Sha, "docker.io", "library/redis", null, Sha, "redis@" + Sha)]
    [TestCase("redis:7@" + Sha, "docker.io", "library/redis", "7", Sha, "redis:7@" + Sha)]
    [TestCase("foo_bar.com:8080", "docker.io", "library/foo_bar.com", "8080", null, "foo_bar.com:8080")]
    [TestCase("foo/foo_bar.com:8080", "docker.io", "foo/foo_bar.com", "8080", null, "foo/foo_bar.com:8080")]
    [TestCase("docker.io/a.b/c", "docker.io", "a.b/c", "latest", null, "docker.io/a.b/c:latest")]
    [TestCase("a--b/c__d/e.f-g:_T.1-x", "docker.io", "a--b/c__d/e.f-g", "_T.1-x", null, "a--b/c__d/e.f-g:_T.1-x")]
    public void A_reference_is_read_as_docker_reads_it(string text, string registry, string repository, string? tag, string? digest, string familiar)
    {
        ImageReference reference = ImageReference.Parse(text);
        Assert.Multiple(() =>
        {
            Assert.That(reference.Registry, Is.EqualTo(registry));
            Assert.That(reference.Repository, Is.EqualTo(repository));
            Assert.That(reference.Tag, Is.EqualTo(tag));
            Assert.That(reference.Digest, Is.EqualTo(digest));
            Assert.That(reference.Familiar, Is.EqualTo(familiar));
            Assert.That(ImageReference.Parse(reference.Full), Is.EqualTo(reference));
            Assert.That(ImageReference.Parse(reference.Familiar), Is.EqualTo(reference));
        });
    }

    [TestCase("")]
    [TestCase(" ")]
    [TestCase("redis ")]
    [TestCase(":justtag")]
    [TestCase("@" + Sha)]
    [TestCase("repo:")]
    [TestCase("repo@")]
    [TestCase("repo:a:b")]
    [TestCase("/redis")]
    [TestCase("redis/")]
    [TestCase("a//b")]
    [TestCase("-foo")]
    [TestCase("foo-")]
    [TestCase("foo..bar")]
    [TestCase("foo___bar")]
    [TestCase("foo._bar")]
    [TestCase("foo/-bar")]
    [TestCase("https://github.com/docker/docker")]
    [TestCase("docker/../passwd")]
    [TestCase("..")]
    [TestCase("example.com:http/web")]
    [TestCase("example.com:99999/web")]
    [TestCase("example.com:/web")]
    [TestCase("-example.com/web")]
    [TestCase("a..b/web")]
    [TestCase("[fe80::1%25eth0]/web")]
    [TestCase("[::1/web")]
    [TestCase("[]/web")]
    [TestCase("redis:\n")]
    [TestCase("redis:.dot")]
    [TestCase("réd/is")]
    [TestCase("redis@" + Sha + "@" + Sha)]
    public void A_malformed_reference_is_refused_in_dockers_words(string text) =>
        Assert.That(() => ImageReference.Parse(text), Throws.TypeOf<FormatException>().With.Message.StartsWith("invalid reference format"));

    [TestCase("Foo", "invalid reference format: repository name (library/Foo) must be lowercase")]
    [TestCase("docker.io/Foo", "invalid reference format: repository name (library/Foo) must be lowercase")]
    [TestCase("aa/asdf$$^/aa", "invalid reference format")]
    [TestCase("redis@sha256:abc", "invalid reference format: invalid digest \"sha256:abc\": sha256 has 64 lower-case hexadecimal digits")]
    [TestCase("redis@md5:abc", "invalid reference format: invalid digest \"md5:abc\": unsupported digest algorithm (sha256 and sha512 are known)")]
    [TestCase(Hex, "invalid repository name (" + Hex + "), cannot specify 64-byte hexadecimal strings")]
    public void The_sentence_says_what_is_wrong(string text, string message) =>
        Assert.That(() => ImageReference.Parse(text), Throws.TypeOf<FormatException>().With.Message.EqualTo(message));

    [Test]
    public void Lengths_are_limited()
    {
        Assert.Multiple(() =>
        {
            Assert.That(ImageReference.Parse("a/" + new string('a', 253)).Repository, Has.Length.EqualTo(255));
            Assert.That(() => ImageReference.Parse("a/" + new string('a', 254)), Throws.TypeOf<FormatException>().With.Message.Contains("255 characters"));
            Assert.That(ImageReference.Parse("a:" + new string('t', 128)).Tag, Has.Length.EqualTo(128));
            Assert.That(() => ImageReference.Parse("a:" + new string('t', 129)), Throws.TypeOf<FormatException>());
        });
    }

    [Test]
    public void A_name_alone_gets_no_tag()
    {
        Assert.That(ImageReference.ParseName("redis").Tag, Is.Null);
        Assert.That(ImageReference.ParseName("redis").Familiar, Is.EqualTo("redis"));
    }

    private static Gen<string> OneOf(params string[] texts) => Gen.Int[0, texts.Length - 1].Select(i => texts[i]);

    [Test]
    public void Whatever_is_accepted_survives_a_round_trip_and_holds_nothing_dangerous()
    {
        Gen<string> text = Gen.OneOf(
            Gen.String[Gen.Char["ab0.:/@-_[]LX %\u00e9\n"], 0, 24],
            Gen.Select(OneOf("", "docker.io/", "localhost/", "h.io:1/", "[::1]:2/", "library/"), Gen.String[Gen.Char["ab./-_"], 1, 8], OneOf("", ":1", ":v.1", "@" + Sha),
                (host, path, suffix) => host + path + suffix));
        text.Sample(candidate =>
        {
            if (!ImageReference.TryParse(candidate, out ImageReference? reference))
            {
                return;
            }

            Assert.That(ImageReference.Parse(reference.Full), Is.EqualTo(reference), candidate);
            Assert.That(ImageReference.Parse(reference.Familiar), Is.EqualTo(reference), candidate);
            Assert.That(("/" + reference.Repository + "/").Contains("/../", StringComparison.Ordinal), Is.False, candidate);
            Assert.That(reference.Full.Any(c => c <= ' ' || c > '~'), Is.False, candidate);
        }, iter: 20_000);
    }
}
