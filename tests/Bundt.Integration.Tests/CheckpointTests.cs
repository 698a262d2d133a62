using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>
/// Containers that are written down by CRIU and live again, in Debian's kernel under QEMU: its CRIU (3.17) does not work on kernels as new as this
/// machine's. tests/vm/checkpoint-checks does it.
/// </summary>
[Category("Vm")]
public sealed class CheckpointTests
{
    private Result _result = null!;

    [OneTimeSetUp]
    public void Boot() => _result = Qemu.Run("checkpoint-checks", "vm-checkpoint", ("/usr/sbin/criu", "criu"));

    [TestCase("pre_dump")]
    [TestCase("stops")]
    [TestCase("restores")]
    [TestCase("leaves_running")]
    [TestCase("pipes")]
    [TestCase("refuses")]
    public void Where_CRIU_works(string check) => Qemu.Passed(_result, check);
}
