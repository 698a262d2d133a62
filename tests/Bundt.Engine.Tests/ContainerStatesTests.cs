using Bundt.Engine.Containers;
using Bundt.Linux;

namespace Bundt.Engine.Tests;

[TestFixture]
public sealed class ContainerStatesTests
{
    [Test]
    public void The_ways_between_states_are_these_and_no_others()
    {
        var ways = from a in Enum.GetValues<ContainerStatus>() from b in Enum.GetValues<ContainerStatus>() where ContainerStates.MayBecome(a, b) select $"{a}>{b}";

        Assert.That(ways, Is.EquivalentTo([
            "Created>Running", "Created>Removing", "Running>Paused", "Running>Exited", "Paused>Running", "Paused>Exited",
            "Exited>Running", "Exited>Removing", "Removing>Dead", "Dead>Removing",
        ]));
    }

    [TestCase("Start", "Created,Exited")]
    [TestCase("Stop", "Running,Paused")]
    [TestCase("Kill", "Running,Paused")]
    [TestCase("Pause", "Running")]
    [TestCase("Unpause", "Paused")]
    [TestCase("Resize", "Running,Paused")]
    [TestCase("Exec", "Running")]
    [TestCase("Rename", "Created,Running,Paused,Exited")]
    [TestCase("Remove", "Created,Exited,Dead")]
    [TestCase("RemoveByForce", "Created,Running,Paused,Exited,Dead")]
    public void Each_operation_is_allowed_in_these_states(string operation, string states)
    {
        var allowed = Enum.GetValues<ContainerStatus>().Where(s => ContainerStates.Refuse(s, Enum.Parse<Operation>(operation), "id", "name") is null);

        Assert.That(string.Join(',', allowed), Is.EqualTo(states));
    }

    [Test]
    public void What_has_nothing_to_do_is_not_modified_and_not_an_error()
    {
        Assert.That(ContainerStates.Refuse(ContainerStatus.Running, Operation.Start, "id", "name")!.Kind, Is.EqualTo(FailureKind.NotModified));
        Assert.That(ContainerStates.Refuse(ContainerStatus.Exited, Operation.Stop, "id", "name")!.Kind, Is.EqualTo(FailureKind.NotModified));
        Assert.That(ContainerStates.Refuse(ContainerStatus.Exited, Operation.Kill, "id", "name")!.Kind, Is.EqualTo(FailureKind.Conflict));
    }
}
