using Bundt.Daemon.Configuration;
using Bundt.Linux;
using Microsoft.Extensions.Logging;

namespace Bundt.Daemon.Tests.Configuration;

internal sealed class ConfigurationTests
{
    private static DaemonConfiguration Join(string json, params string[] arguments) =>
        DaemonConfiguration.Join(DaemonArguments.Parse(arguments), "daemon.json", System.Text.Encoding.UTF8.GetBytes(json));

    [Test]
    public void Nothing_said_gives_the_defaults()
    {
        DaemonConfiguration configuration = Join("{}");
        Assert.That((configuration.Root, configuration.Run, configuration.Socket), Is.EqualTo(("/var/lib/bundt", "/run/bundt", "/run/bundt/bundt.sock")));
        Assert.That(configuration.LogLevel, Is.EqualTo(LogLevel.Information));
    }

    [Test]
    public void The_command_line_goes_before_the_file_and_lists_are_joined()
    {
        DaemonConfiguration configuration = Join(
            """{"data-root":"/a","registry-mirrors":["https://m1"],"insecure-registries":["r1:5000"],"max-concurrent-downloads":7,"storage-driver":"x"}""",
            "--root", "/b", "--run=/c", "--registry-mirror", "http://m2", "--insecure-registry", "r2", "--insecure-registry=r3", "--log-level=debug");
        Assert.That((configuration.Root, configuration.Socket), Is.EqualTo(("/b", "/c/bundt.sock")));
        Assert.That(configuration.Registries.Mirrors, Is.EqualTo(new[] { new Uri("http://m2"), new Uri("https://m1") }));
        Assert.That(configuration.Registries.Insecure, Is.EqualTo(new[] { "r2", "r3", "r1:5000" }));
        Assert.That(configuration.Registries.MaxConcurrentDownloads, Is.EqualTo(7));
        Assert.That(configuration.Unknown, Is.EqualTo(new[] { "storage-driver" }));
        Assert.That(configuration.LogLevel, Is.EqualTo(LogLevel.Debug));
    }

    [TestCase("[]", "configuration file daemon.json: it is not a JSON object")]
    [TestCase("{", "configuration file daemon.json: it is not a JSON object")]
    [TestCase("""{"registry-mirrors":"x"}""", "configuration file daemon.json: registry-mirrors must be a list of strings")]
    [TestCase("""{"registry-mirrors":["m"]}""", "invalid registry mirror \"m\": it is a URL like https://mirror.example.org, without user, query or fragment")]
    [TestCase("""{"log-level":"loud"}""", "invalid log level \"loud\": it is debug, info, warn, error or fatal")]
    public void A_wrong_member_is_named(string json, string message) =>
        Assert.That(() => Join(json), Throws.TypeOf<BundtException>().With.Message.EqualTo(message));

    [TestCase("unknown option: nonsense", "--nonsense")]
    [TestCase("--root needs a value", "--root")]
    public void A_wrong_option_is_named(string message, params string[] arguments) =>
        Assert.That(() => DaemonArguments.Parse(arguments), Throws.TypeOf<FormatException>().With.Message.EqualTo(message));
}
