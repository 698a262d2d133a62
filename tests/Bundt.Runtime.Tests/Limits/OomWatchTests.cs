using Bundt.Linux.Cgroups;
using Bundt.Linux.Files;

namespace Bundt.Runtime.Tests.Limits;

/// <summary>What the OOM watch makes of a cgroup's files. That the kernel wakes it is tested where there is a memory controller (the VM).</summary>
public sealed class OomWatchTests
{
    [Test]
    public void Each_kill_is_told_once_and_those_before_not_at_all()
    {
        var directory = Directory.CreateTempSubdirectory("cgroup").FullName;
        try
        {
            File.WriteAllText(directory + "/cgroup.events", "populated 1\nfrozen 0\n");
            File.WriteAllText(directory + "/memory.events", "low 0\noom 1\noom_kill 1\n");
            using var cgroup = new Cgroup("/test", directory, DirectoryFd.OpenHost(directory));
            using var watch = cgroup.WatchOom();
            Assert.That(watch.Wait(TimeSpan.Zero), Is.EqualTo(OomChange.None));
            File.WriteAllText(directory + "/memory.events", "low 0\noom 2\noom_kill 2\n");
            File.WriteAllText(directory + "/cgroup.events", "populated 0\nfrozen 0\n");
            Assert.That(watch.Wait(TimeSpan.Zero), Is.EqualTo(OomChange.Killed), "before the end that it caused");
            Assert.That(watch.Wait(TimeSpan.Zero), Is.EqualTo(OomChange.Empty));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Test]
    public void The_end_is_seen_without_a_memory_controller()
    {
        using var cgroup = CgroupHierarchy.Host.CreateOrOpen("/bundt-test-" + Guid.NewGuid().ToString("N")[..8], []);
        try
        {
            using var watch = cgroup.WatchOom();
            Assert.That(watch.Wait(TimeSpan.FromMinutes(1)), Is.EqualTo(OomChange.Empty));
        }
        finally
        {
            cgroup.Remove(TimeSpan.FromSeconds(5));
        }
    }
}
