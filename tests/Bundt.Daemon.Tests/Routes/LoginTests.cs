using System.Text;
using Bundt.Daemon.Routes;
using Bundt.Images;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Routes;

internal sealed class LoginTests
{
    private static string Header(string json) => Convert.ToBase64String(Encoding.UTF8.GetBytes(json));

    [Test]
    public void A_login_is_read_in_every_base64_that_clients_write()
    {
        const string json = """{"username":"ann","password":"ÿ>?ÿ>?","serveraddress":"https://r"}""";
        var expected = new RegistryCredentials("ann", "ÿ>?ÿ>?", null);
        string standard = Header(json);
        Assert.That(RegistryLogin.Parse(standard), Is.EqualTo(expected));
        Assert.That(RegistryLogin.Parse(standard.Replace('+', '-').Replace('/', '_')), Is.EqualTo(expected));
        Assert.That(RegistryLogin.Parse(standard.TrimEnd('=')), Is.EqualTo(expected));
    }

    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("""{"username":"","password":""}""")]
    public void No_login_is_none(string json) => Assert.That(RegistryLogin.Parse(Header(json)), Is.Null);

    [Test]
    public void The_combined_form_is_split() =>
        Assert.That(RegistryLogin.Parse(Header("""{"auth":"YW5uOmE6Yg=="}""")), Is.EqualTo(new RegistryCredentials("ann", "a:b", null)));

    [TestCase("!!!")]
    [TestCase("e30x")]
    public void What_is_not_readable_is_refused_without_showing_it(string header) =>
        Assert.That(() => RegistryLogin.Parse(header), Throws.TypeOf<BundtException>().With.Message.Not.Contains(header));
}
