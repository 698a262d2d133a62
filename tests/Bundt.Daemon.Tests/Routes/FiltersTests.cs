using Bundt.Daemon.Routes;
using Bundt.Linux;

namespace Bundt.Daemon.Tests.Routes;

internal sealed class FiltersTests
{
    [TestCase("""{"name":["a","b"]}""")]
    [TestCase("""{"name":{"a":true,"b":true,"c":false}}""")]
    public void Both_shapes_are_read(string text)
    {
        Filters filters = Filters.Parse(text, "name");
        Assert.That(filters["name"], Is.EqualTo(new[] { "a", "b" }));
    }

    [Test]
    public void Nothing_matches_everything()
    {
        Filters filters = Filters.Parse("", "name");
        Assert.That(filters.IsEmpty && filters.Any("name", _ => false) && filters.Flag("x") is null);
    }

    [TestCase("""{"nonsense":["a"]}""", "invalid filter 'nonsense'")]
    [TestCase("""["a"]""", """invalid filters: ["a"] is not a JSON object of lists""")]
    [TestCase("""{"name":"a"}""", """invalid filters: {"name":"a"} is not a JSON object of lists""")]
    [TestCase("""{"name":["a"]""", """invalid filters: {"name":["a"] is not a JSON object of lists""")]
    public void What_is_unknown_or_malformed_is_refused(string text, string message) =>
        Assert.That(() => Filters.Parse(text, "name"), Throws.TypeOf<BundtException>().With.Message.EqualTo(message));

    [TestCase("a", true)]
    [TestCase("a=1", true)]
    [TestCase("a=2", false)]
    [TestCase("c", false)]
    public void Labels_match_by_key_or_by_value(string wanted, bool matches)
    {
        var labels = new Dictionary<string, string> { ["a"] = "1", ["b"] = "" };
        Assert.That(Filters.Parse($$"""{"label":["{{wanted}}"]}""", "label", "label!").MatchLabels(labels), Is.EqualTo(matches));
        Assert.That(Filters.Parse($$"""{"label!":["{{wanted}}"]}""", "label", "label!").MatchLabels(labels), Is.EqualTo(!matches));
    }

    [Test]
    public void A_flag_that_is_none_is_refused() =>
        Assert.That(() => Filters.Parse("""{"dangling":["maybe"]}""", "dangling").Flag("dangling"), Throws.TypeOf<BundtException>());

    [TestCase("redis*", "redis:7", true)]
    [TestCase("redis", "redis:7", true)]
    [TestCase("*/web", "shop/web:1", true)]
    [TestCase("*web", "shop/web:1", false)]
    [TestCase("127.0.0.1:5000/*/web:*", "127.0.0.1:5000/shop/web:1", true)]
    public void References_are_globs_that_stop_at_slashes(string pattern, string name, bool matches) =>
        Assert.That(ImageFilter.Glob(pattern).IsMatch(name) || ImageFilter.Glob(pattern).IsMatch(ImageFilter.Repository(name)), Is.EqualTo(matches));
}
