using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>In Debian's kernel under QEMU, which has AppArmor: the default profile is loaded, told of, and holds. tests/vm/apparmor-checks does it.</summary>
[Category("Vm")]
public sealed class AppArmorTests
{
    private Result _result = null!;

    [OneTimeSetUp]
    public void Boot() => _result = Qemu.Run("apparmor-checks", "vm-apparmor", ("/sbin/apparmor_parser", "apparmor"));

    [TestCase("default")]
    [TestCase("told")]
    [TestCase("unconfined")]
    [TestCase("mounting")]
    [TestCase("proc")]
    [TestCase("signals")]
    [TestCase("named")]
    [TestCase("no_new_privileges")]
    [TestCase("runtime")]
    [TestCase("redirected")]
    public void Where_AppArmor_is_enabled(string check) => Qemu.Passed(_result, check);
}
