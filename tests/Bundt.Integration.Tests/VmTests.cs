using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>In user-mode-linux 6.1: limits hold, and launching, 127 layers and volumes work on that kernel. tests/vm/checks does it.</summary>
[Category("Vm")]
public sealed class VmTests
{
    private Result _result = null!;

    [OneTimeSetUp]
    public void Boot()
    {
        Fixture.Archive("busybox");
        Fixture.Archive("layers127");
        _result = new Command(Path.Combine(Paths.Repository, "tests/vm/vm-run"), "-t", "420",
            "--", Path.Combine(Paths.Repository, "tests/vm/checks"), Paths.Out, Paths.Fixtures).Within(450).Run();
        TestContext.Progress.WriteLine($"the virtual machine took {_result.Time.TotalSeconds:0} s");
    }

    [TestCase("load")]
    [TestCase("launch")]
    [TestCase("exit_code")]
    [TestCase("layers")]
    [TestCase("volumes")]
    [TestCase("again")]
    [TestCase("memory_set")]
    [TestCase("memory_oom")]
    [TestCase("pids_limit")]
    [TestCase("pids_default")]
    [TestCase("cpus")]
    [TestCase("cpu_holds")]
    [TestCase("own_view")]
    [TestCase("pause")]
    [TestCase("devices")]
    [TestCase("killed")]
    [TestCase("leaves_nothing")]
    [TestCase("limits_memory")]
    [TestCase("limits_cpu")]
    [TestCase("limits_idle")]
    [TestCase("limits_pids")]
    [TestCase("limits_unified")]
    [TestCase("limits_words")]
    [TestCase("limits_throttle")]
    [TestCase("limits_oom")]
    [TestCase("limits_statistics")]
    [TestCase("limits_elsewhere")]
    [TestCase("limits_devices")]
    [TestCase("systemd_lives")]
    [TestCase("systemd_limits")]
    [TestCase("systemd_devices")]
    [TestCase("systemd_leaves_nothing")]
    public void In_the_virtual_machine(string check) =>
        Assert.That(_result.Lines.Select(l => l.TrimEnd('\r')).Where(l => l == $"ok {check}" || l.StartsWith($"not ok {check}:", StringComparison.Ordinal)), Is.EqualTo(new[] { $"ok {check}" }), () => $"{_result}");
}
