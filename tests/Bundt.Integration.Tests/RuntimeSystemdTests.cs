using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>bundt-runtime --systemd-cgroup beside a real systemd in private namespaces. tests/systemd/checks does it; VmTests does it again with limits.</summary>
public sealed class RuntimeSystemdTests
{
    private Result _result = null!;

    [OneTimeSetUp]
    public void Run()
    {
        if (!File.Exists("/lib/systemd/systemd"))
        {
            Assert.Ignore("needs systemd (package systemd)");
        }

        var directory = Path.Combine(Paths.Repository, "tests/systemd");
        _result = new Command(Path.Combine(directory, "with-systemd"), Path.Combine(directory, "checks"), Paths.Out).Within(120).Run();
    }

    [TestCase("lives")]
    [TestCase("default_name")]
    [TestCase("properties")]
    [TestCase("foreground")]
    [TestCase("twice")]
    [TestCase("refused")]
    [TestCase("killed")]
    [TestCase("nested")]
    [TestCase("devices")]
    [TestCase("leaves_nothing")]
    public void In_a_scope(string check) =>
        Assert.That(_result.Lines.Where(l => l == $"ok {check}" || l.StartsWith($"not ok {check}:", StringComparison.Ordinal)), Is.EqualTo(new[] { $"ok {check}" }), () => $"{_result}");
}
