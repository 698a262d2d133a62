using System.Text;
using Bundt.Images.Registry;
using Bundt.Oci.Distribution;

namespace Bundt.Images.Tests.Registry;

public sealed class AuthenticationTests
{
    private const string Secret = "canary-password";

    private FakeRegistry _registry = null!;
    private RegistryTransport _transport = null!;

    [SetUp]
    public void Start()
    {
        _registry = new FakeRegistry();
        _transport = new RegistryTransport(RegistryTesting.Quick, "/nowhere");
        _registry.AddManifest("shop/web", "1", "{}"u8.ToArray(), MediaTypes.OciManifest);
    }

    [TearDown]
    public void Stop()
    {
        _transport.Dispose();
        _registry.Dispose();
    }

    private async Task<FetchedDocument> FetchAsync(RegistryCredentials? credentials)
    {
        using RegistryClient client = new(_transport, _registry.AsHost(), credentials);
        return await client.FetchManifestAsync("shop/web", "1", CancellationToken.None);
    }

    private static FakeResponse Challenge(string challenge) => FakeResponse.Error(401, "UNAUTHORIZED", "authentication required", ("WWW-Authenticate", challenge));

    private void RequireToken(string token, string challenge) =>
        _registry.Intercept = request => request.Path.StartsWith("/v2/", StringComparison.Ordinal) && request["Authorization"] != $"Bearer {token}" ? Challenge(challenge)
            : request.Path == "/token" ? FakeResponse.Text(200, $$"""{"token":"{{token}}","expires_in":300}""") : null;

    [Test]
    public async Task An_anonymous_token_is_fetched_with_service_and_scope()
    {
        RequireToken("abc", $"Bearer realm=\"http://{_registry.Host}/token\",service=\"reg is try\",scope=\"repository:shop/web:pull\"");
        await FetchAsync(null);
        FakeRequest token = _registry.Log.Single(request => request.Path == "/token");
        Assert.That(token.Query, Is.EqualTo("service=reg%20is%20try&scope=repository%3Ashop%2Fweb%3Apull"));
        Assert.That(token["Authorization"], Is.Null);
    }

    [Test]
    public async Task A_login_goes_to_the_token_service_and_only_the_token_to_the_registry()
    {
        RequireToken("abc", $"Bearer realm=\"http://{_registry.Host}/token\",service=\"s\"");
        await FetchAsync(new RegistryCredentials("me", Secret, null));
        FakeRequest token = _registry.Log.Single(request => request.Path == "/token");
        Assert.That(token["Authorization"], Is.EqualTo("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + Secret))));
        Assert.That(token.Query, Does.Contain("account=me"));
        Assert.That(_registry.Log.Where(request => request.Path != "/token").Select(request => request["Authorization"]), Is.All.Null.Or.EqualTo("Bearer abc"));
    }

    [Test]
    public async Task An_identity_token_is_exchanged_by_post()
    {
        RequireToken("abc", $"Bearer realm=\"http://{_registry.Host}/token\",service=\"s\"");
        await FetchAsync(new RegistryCredentials("<token>", "", "identity"));
        FakeRequest token = _registry.Log.Single(request => request.Path == "/token");
        Assert.That(token.Method, Is.EqualTo("POST"));
        Assert.That(Encoding.ASCII.GetString(token.Body), Does.Contain("grant_type=refresh_token").And.Contain("refresh_token=identity").And.Contain("scope=repository%3Ashop%2Fweb%3Apull"));
        Assert.That(token["Authorization"], Is.Null);
    }

    [Test]
    public async Task A_token_is_used_again_and_replaced_when_it_has_run_out()
    {
        int tokens = 0;
        string valid = "";
        _registry.Intercept = request => request.Path == "/token" ? FakeResponse.Text(200, $$"""{"access_token":"{{valid = "t" + ++tokens}}"}""")
            : request["Authorization"] != $"Bearer {valid}" || valid.Length == 0 ? Challenge($"Bearer realm=\"http://{_registry.Host}/token\"") : null;
        using RegistryClient client = new(_transport, _registry.AsHost(), null);
        await client.FetchManifestAsync("shop/web", "1", CancellationToken.None);
        await client.FetchManifestAsync("shop/web", "1", CancellationToken.None);
        Assert.That(tokens, Is.EqualTo(1));
        valid = "revoked";
        await client.FetchManifestAsync("shop/web", "1", CancellationToken.None);
        Assert.That(tokens, Is.EqualTo(2));
    }

    [Test]
    public async Task Basic_authentication_is_answered_when_asked_for_and_not_before()
    {
        string expected = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + Secret));
        _registry.Intercept = request => request["Authorization"] == expected ? null : Challenge("Basic realm=\"registry\"");
        await FetchAsync(new RegistryCredentials("me", Secret, null));
        Assert.That(_registry.Log.First()["Authorization"], Is.Null);
        Assert.That(_registry.Log, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_wrong_login_is_refused_once_and_never_repeated_in_the_message()
    {
        _registry.Intercept = request => Challenge("Basic realm=\"registry\"");
        RegistryFailure failure = (await Assert.ThrowsAsync<RegistryFailure>(async () => await FetchAsync(new RegistryCredentials("me", Secret, null))))!;
        Assert.That(failure.Kind, Is.EqualTo(RegistryFailureKind.Unauthorized));
        Assert.That(failure.ToString(), Does.Not.Contain(Secret));
        Assert.That(_registry.Log, Has.Count.EqualTo(2));
    }

    [Test]
    public void A_token_service_that_refuses_the_login_says_so()
    {
        _registry.Intercept = request => request.Path == "/token" ? FakeResponse.Text(401, """{"details":"incorrect username or password"}""") : Challenge($"Bearer realm=\"http://{_registry.Host}/token\"");
        Assert.That(async () => await FetchAsync(new RegistryCredentials("me", Secret, null)), Throws.TypeOf<RegistryFailure>().With.Message.Contains("refused the login").And.Message.Not.Contains(Secret));
    }

    [Test]
    public void A_token_that_is_not_accepted_ends_the_tries()
    {
        _registry.Intercept = request => request.Path == "/token" ? FakeResponse.Text(200, """{"token":"same"}""") : Challenge($"Bearer realm=\"http://{_registry.Host}/token\"");
        Assert.That(async () => await FetchAsync(null), Throws.TypeOf<RegistryFailure>());
        Assert.That(_registry.Log.Count(request => request.Path == "/token"), Is.LessThanOrEqualTo(2));
    }

    [Test]
    public void Insufficient_scope_means_denied()
    {
        _registry.Intercept = request => request.Path == "/token" ? FakeResponse.Text(200, """{"token":"t"}""")
            : Challenge($"Bearer realm=\"http://{_registry.Host}/token\",error=\"insufficient_scope\"");
        Assert.That(async () => await FetchAsync(null), Throws.TypeOf<RegistryFailure>().With.Property("Kind").EqualTo(RegistryFailureKind.Denied));
    }

    [TestCase("{}")]
    [TestCase("[]")]
    [TestCase("not json")]
    [TestCase("{\"token\":\"a\\r\\nX: y\"}")]
    [TestCase("{\"token\":5}")]
    public void A_token_answer_without_a_usable_token_is_refused(string body)
    {
        _registry.Intercept = request => request.Path == "/token" ? FakeResponse.Text(200, body) : Challenge($"Bearer realm=\"http://{_registry.Host}/token\"");
        Assert.That(async () => await FetchAsync(null), Throws.TypeOf<RegistryFailure>().With.Message.Contains("without a token"));
    }

    [Test]
    public void A_hostile_realm_gets_nothing()
    {
        using FakeRegistry thief = new();
        string port = thief.Host.Split(':')[1];
        foreach (string realm in new[] { $"http://localhost:{port}/token", $"http://127.0.0.2:{port}/token", "http://169.254.169.254/latest", "ftp://127.0.0.1/x", "/relative", "", $"http://u:p@{_registry.Host}/token" })
        {
            _registry.Intercept = request => Challenge($"Bearer realm=\"{realm}\",service=\"s\"");
            Assert.That(async () => await FetchAsync(new RegistryCredentials("me", Secret, null)), Throws.TypeOf<RegistryFailure>().With.Property("Kind").EqualTo(RegistryFailureKind.Protocol), realm);
        }

        Assert.That(thief.Log, Is.Empty);
    }

    [TestCase("https://auth.example/token", "https://reg.example", true, true, true)]
    [TestCase("https://auth.example/token", "https://reg.example", true, false, true)]
    [TestCase("http://reg.example/token", "https://reg.example", true, true, false)]
    [TestCase("http://auth.example/token", "https://reg.example", true, false, false)]
    [TestCase("https://auth.example/token", "http://reg.example", false, true, false)]
    [TestCase("https://auth.example/token", "http://reg.example", false, false, true)]
    [TestCase("https://reg.example/token", "http://reg.example:5000", false, true, true)]
    [TestCase("http://reg.example:5001/token", "http://reg.example:5000", false, true, true)]
    [TestCase("https://169.254.169.254/token", "https://reg.example", true, false, false)]
    [TestCase("https://[fe80::1]/token", "https://reg.example", true, false, false)]
    [TestCase("https://127.0.0.1/token", "https://reg.example", true, true, false)]
    [TestCase("https://localhost/token", "https://reg.example", true, true, false)]
    public void Realms_are_judged_by_where_they_are(string realm, string registry, bool verified, bool credentials, bool allowed)
    {
        if (allowed)
        {
            Assert.That(AddressPolicy.CheckRealm(realm, new Uri(registry), verified, credentials), Is.EqualTo(new Uri(realm)));
        }
        else
        {
            Assert.That(() => AddressPolicy.CheckRealm(realm, new Uri(registry), verified, credentials), Throws.TypeOf<RegistryFailure>());
        }
    }

    [TestCase("https://reg.example/a", "https://reg.example/b", true)]
    [TestCase("https://reg.example/a", "https://cdn.example/b", false)]
    [TestCase("https://reg.example/a", "https://reg.example:444/b", false)]
    [TestCase("http://reg.example/a", "https://reg.example/b", false)]
    [TestCase("https://reg.example/a", "http://reg.example/b", null)]
    [TestCase("https://reg.example/a", "file:///etc/passwd", null)]
    [TestCase("https://reg.example/a", "https://169.254.169.254/", null)]
    [TestCase("http://reg.example/a", "http://127.0.0.1/", null)]
    [TestCase("https://reg.example/a", "https://me:pw@cdn.example/", null)]
    public void Redirects_are_judged_by_where_they_lead(string from, string to, bool? keeps)
    {
        if (keeps is { } expected)
        {
            Assert.That(AddressPolicy.CheckRedirect(new Uri(from), new Uri(to)), Is.EqualTo(expected));
        }
        else
        {
            Assert.That(() => AddressPolicy.CheckRedirect(new Uri(from), new Uri(to)), Throws.TypeOf<RegistryFailure>());
        }
    }

    [Test]
    public void Challenges_are_parsed_as_the_rfc_has_them()
    {
        var challenges = AuthChallenge.Parse("Basic realm=\"a \\\"b\\\", c\", Bearer realm=\"https://x/t\" , service=s,scope=\"repository:a/b:pull,push\"");
        Assert.Multiple(() =>
        {
            Assert.That(challenges, Has.Count.EqualTo(2));
            Assert.That(challenges[0].Scheme, Is.EqualTo("basic"));
            Assert.That(challenges[0]["realm"], Is.EqualTo("a \"b\", c"));
            Assert.That(challenges[1]["service"], Is.EqualTo("s"));
            Assert.That(challenges[1]["scope"], Is.EqualTo("repository:a/b:pull,push"));
            Assert.That(AuthChallenge.Parse(""), Is.Empty);
            Assert.That(AuthChallenge.Parse("Bearer realm=\"unterminated"), Has.Count.LessThanOrEqualTo(1));
            Assert.That(AuthChallenge.Parse("Negotiate, Basic"), Has.Count.EqualTo(2));
        });
    }

    [Test]
    public void Arbitrary_challenges_never_hang_or_throw() =>
        CsCheck.Check.Sample(CsCheck.Gen.String[CsCheck.Gen.Char["Bb=\"\\, realm:"], 0, 30], text => AuthChallenge.Parse(text).Count >= 0, iter: 20_000);
}
