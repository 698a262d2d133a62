using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What every test here needs of the machine.</summary>
[SetUpFixture]
public sealed class Machine
{
    /// <summary>Looks once, before the first test.</summary>
    [OneTimeSetUp]
    public void Check()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root");
        }
        if (!File.Exists(Paths.Program("bundtd")))
        {
            Assert.Fail($"{Paths.Program("bundtd")} is not there: run make");
        }
        if (CgroupTree.Mount.Length == 0)
        {
            Assert.Ignore("needs a cgroup2 mount");
        }
        Directory.CreateDirectory(Paths.Work);
    }

    /// <summary>Removes this run's directory, after the last test.</summary>
    [OneTimeTearDown]
    public void Remove() => new Command("/bin/rm", "-rf", "--one-file-system", Paths.Work).Run();
}
