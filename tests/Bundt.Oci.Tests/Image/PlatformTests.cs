using Bundt.Oci.Image;

namespace Bundt.Oci.Tests.Image;

public sealed class PlatformTests
{
    [TestCase("linux/amd64", "linux/amd64")]
    [TestCase("linux/x86_64", "linux/amd64")]
    [TestCase("Linux/AMD64", "linux/amd64")]
    [TestCase("linux/aarch64", "linux/arm64")]
    [TestCase("linux/arm64/v8", "linux/arm64")]
    [TestCase("linux/arm", "linux/arm/v7")]
    [TestCase("linux/armhf", "linux/arm/v7")]
    [TestCase("linux/armel", "linux/arm/v6")]
    [TestCase("linux/arm/v6", "linux/arm/v6")]
    [TestCase("linux/i386", "linux/386")]
    [TestCase("arm64", "linux/arm64")]
    [TestCase("linux/amd64/v1", "linux/amd64")]
    [TestCase("windows/amd64", "windows/amd64")]
    [TestCase("linux/riscv64", "linux/riscv64")]
    public void A_platform_is_read_with_its_aliases(string text, string expected) =>
        Assert.That(Platform.Parse(text).ToString(), Is.EqualTo(expected));

    [TestCase("")]
    [TestCase("/")]
    [TestCase("linux/")]
    [TestCase("linux/arm/v7/extra")]
    [TestCase("linux/am d64")]
    [TestCase("nonsense")]
    public void A_malformed_platform_is_refused(string text) =>
        Assert.That(() => Platform.Parse(text), Throws.TypeOf<FormatException>().With.Message.Contains("is not a platform"));

    [TestCase("linux/amd64", "linux/amd64", 0)]
    [TestCase("linux/amd64", "linux/386", 1)]
    [TestCase("linux/amd64", "linux/amd64/v3", null)]
    [TestCase("linux/amd64/v3", "linux/amd64/v2", 1)]
    [TestCase("linux/amd64/v3", "linux/amd64", 2)]
    [TestCase("linux/amd64", "linux/arm64", null)]
    [TestCase("linux/amd64", "windows/amd64", null)]
    [TestCase("linux/arm64", "linux/arm64/v8", 0)]
    [TestCase("linux/arm64", "linux/arm/v7", 2)]
    [TestCase("linux/arm/v7", "linux/arm", 0)]
    [TestCase("linux/arm/v7", "linux/arm/v6", 1)]
    [TestCase("linux/arm/v6", "linux/arm/v7", null)]
    [TestCase("linux/386", "linux/amd64", null)]
    [TestCase("linux/s390x", "linux/s390x", 0)]
    public void The_distance_tells_what_runs_and_how_well(string host, string candidate, int? expected) =>
        Assert.That(Platform.Parse(host).Distance(Platform.Parse(candidate)), Is.EqualTo(expected));

    [Test]
    public void This_machine_runs_its_own_platform() => Assert.That(Platform.Current.Distance(Platform.Parse("linux")), Is.Zero);
}
