using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>In Debian's kernel under QEMU, which has AppArmor: the default profile is loaded, told of, and holds. tests/vm/apparmor-checks does it.</summary>
[Category("Vm")]
public sealed class AppArmorTests
{
    private Result _result = null!;

    [OneTimeSetUp]
    public void Boot()
    {
        foreach (var (file, package) in (ReadOnlySpan<(string, string)>)[("/usr/bin/qemu-system-x86_64", "qemu-system-x86"), ("/sbin/apparmor_parser", "apparmor")])
        {
            if (!File.Exists(file))
            {
                Assert.Ignore($"needs {file} (package {package}): make vm-apparmor installs it");
            }
        }

        if (!Directory.EnumerateFiles("/boot", "vmlinuz-*cloud*").Any())
        {
            Assert.Ignore("needs a kernel with AppArmor in /boot (package linux-image-cloud-amd64): make vm-apparmor installs it");
        }

        Fixture.Archive("busybox");
        _result = new Command(Path.Combine(Paths.Repository, "tests/vm/vm-run"), "-b", "qemu", "-t", "300",
            "--", Path.Combine(Paths.Repository, "tests/vm/apparmor-checks"), Paths.Out, Paths.Fixtures).Within(330).Run();
        TestContext.Progress.WriteLine($"the virtual machine took {_result.Time.TotalSeconds:0} s");
    }

    [TestCase("default")]
    [TestCase("told")]
    [TestCase("unconfined")]
    [TestCase("mounting")]
    [TestCase("proc")]
    [TestCase("signals")]
    [TestCase("named")]
    [TestCase("no_new_privileges")]
    [TestCase("runtime")]
    public void Where_AppArmor_is_enabled(string check) =>
        Assert.That(_result.Lines.Where(l => l == $"ok {check}" || l.StartsWith($"not ok {check}:", StringComparison.Ordinal)), Is.EqualTo(new[] { $"ok {check}" }), () => $"{_result}");
}
