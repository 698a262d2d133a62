using Bundt.Engine.Launch;
using Bundt.Engine.Settings;

namespace Bundt.Engine.Tests;

/// <summary>Which AppArmor profile a container gets; that profiles hold is tested where AppArmor is (Bundt.Integration.Tests).</summary>
public sealed class AppArmorTests
{
    [TestCase(null, false, true, "bundt-default")]
    [TestCase(null, true, true, "unconfined")]
    [TestCase("apparmor=unconfined", false, true, "unconfined")]
    [TestCase("apparmor=mine", false, true, "mine")]
    [TestCase("apparmor=mine", true, true, "mine")]
    [TestCase("apparmor=", false, true, "bundt-default")]
    [TestCase(null, false, false, "")]
    [TestCase("apparmor=mine", false, false, "mine")]
    public void What_is_asked_for_counts_then_privileges_then_the_default(string? option, bool privileged, bool supported, string expected) =>
        Assert.That(
            AppArmor.ProfileOf(new ContainerSettings { Image = "x", Privileged = privileged }, SecurityOptions.Parse(option is null ? [] : [option]), supported), Is.EqualTo(expected));

    [TestCase("", null)]
    [TestCase("unconfined", null)]
    [TestCase("bundt-default", "bundt-default")]
    public void Only_a_profile_stands_in_the_config(string profile, string? expected) => Assert.That(AppArmor.InConfig(profile), Is.EqualTo(expected));
}
