using Bundt.Linux;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Tests.Plans;

public sealed class MountOptionsTests
{
    [Test]
    public void Attributes_and_data_are_told_apart()
    {
        var options = MountOptions.Parse(["nosuid", "ro", "size=64k", "mode=755", "noatime"], "/x");
        Assert.That((options.Set, options.Clear), Is.EqualTo((0x1UL | 0x2 | 0x10, 0x70UL)));
        Assert.That(options.Data, Is.EqualTo(new[] { "size=64k", "mode=755" }));
    }

    [Test]
    public void The_last_of_opposites_wins()
    {
        var options = MountOptions.Parse(["ro", "rw"], "/x");
        Assert.That((options.Set, options.Clear), Is.EqualTo((0UL, 1UL)));
    }

    [TestCase("rshared", 1UL << 20, true)]
    [TestCase("shared", 1UL << 20, false)]
    [TestCase("rprivate", 1UL << 18, true)]
    [TestCase("slave", 1UL << 19, false)]
    [TestCase("runbindable", 1UL << 17, true)]
    [TestCase("unbindable", 1UL << 17, false)]
    [TestCase("private", 1UL << 18, false)]
    [TestCase("rslave", 1UL << 19, true)]
    public void Propagation(string option, ulong flag, bool recursive)
    {
        var options = MountOptions.Parse([option], "/x");
        Assert.That((options.Propagation, options.PropagationRecursive), Is.EqualTo((flag, recursive)));
    }

    [Test]
    public void Recursive_attributes_are_for_the_whole_tree() => Assert.That(MountOptions.Parse(["rro"], "/x").RecursiveSet, Is.EqualTo(1));

    [Test]
    public void What_is_not_supported_is_refused_by_name() =>
        Assert.That(Assert.Throws<BundtException>(() => MountOptions.Parse(["tmpcopyup"], "/x"))!.Message, Does.Contain("tmpcopyup").And.Contain("/x"));
}
