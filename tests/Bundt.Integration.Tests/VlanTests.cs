using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>In Debian's kernel under QEMU, which has ipvlan, VLANs and dummy interfaces: networks of the drivers that use them. tests/vm/network-checks does it.</summary>
[Category("Vm")]
public sealed class VlanTests
{
    private Result _result = null!;

    [OneTimeSetUp]
    public void Boot() => _result = Qemu.Run("network-checks", "vm-network", ("/usr/sbin/ip", "iproute2"));

    [TestCase("tagged")]
    [TestCase("nowhere")]
    [TestCase("l2")]
    [TestCase("l3")]
    [TestCase("l3s")]
    public void Networks_on_a_parent_interface(string check) => Qemu.Passed(_result, check);
}
