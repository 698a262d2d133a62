using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using NUnit.Framework;

namespace Bundt.Runtime.Tests.Launch;

/// <summary>Where an OCI container's cgroup is, and that nothing but what was made is removed. The latter on the real hierarchy.</summary>
public sealed class CgroupPlaceTests
{
    private static readonly Dictionary<string, string> s_noAnnotations = [];

    private static string Unique => "/bundt-test-" + Guid.NewGuid().ToString("N")[..8];

    [TestCase(null, "/bundt/id1")]
    [TestCase("", "/bundt/id1")]
    [TestCase("/docker/abc", "/docker/abc")]
    [TestCase("kube/pod", "/bundt/kube/pod")]
    [TestCase("../../etc", "/bundt/etc")]
    [TestCase("/../x/./y", "/x/y")]
    [TestCase("user.slice:libpod:abc", "/user.slice/libpod-abc.scope")]
    [TestCase("::abc", "/system.slice/abc.scope")]
    public void Cgroupfs_puts_it_there(string? path, string expected) =>
        Assert.That(CgroupPlace.From(CgroupDriver.Cgroupfs, path, "id1").Path, Is.EqualTo(expected));

    [TestCase(null, "/system.slice/bundt-id1.scope", "system.slice")]
    [TestCase(":libpod:abc", "/system.slice/libpod-abc.scope", "system.slice")]
    [TestCase("user.slice::abc", "/user.slice/abc.scope", "user.slice")]
    [TestCase("a-b-c.slice:docker:1", "/a.slice/a-b.slice/a-b-c.slice/docker-1.scope", "a-b-c.slice")]
    [TestCase("-.slice:docker:1", "/docker-1.scope", "-.slice")]
    public void Systemd_is_asked_for_a_scope_there(string? path, string expected, string slice)
    {
        var place = CgroupPlace.From(CgroupDriver.Systemd, path, "id1");
        Assert.That(place.Path, Is.EqualTo(expected));
        Assert.That(place.Slice, Is.EqualTo(slice));
        Assert.That(place.Scope, Is.EqualTo(Path.GetFileName(expected)));
    }

    [TestCase("/absolute")]
    [TestCase("a:b")]
    [TestCase("a.slice:b:")]
    [TestCase("a.slice:b:c:d")]
    [TestCase("a:b:c")]
    [TestCase(".slice:b:c")]
    [TestCase("a--b.slice:b:c")]
    [TestCase("-a.slice:b:c")]
    [TestCase("../a.slice:b:c")]
    public void What_is_no_scope_is_refused(string path) =>
        Assert.That(() => CgroupPlace.From(CgroupDriver.Systemd, path, "id1"), Throws.TypeOf<BundtException>());

    [Test]
    public void Without_systemd_its_driver_is_refused()
    {
        if (Directory.Exists("/run/systemd/system"))
        {
            Assert.Ignore("systemd runs here");
        }

        Assert.That(
            () => CgroupPlace.From(CgroupDriver.Systemd, null, "id1").Claim(),
            Throws.TypeOf<BundtException>().With.Message.StartsWith("systemd not running on this host, cannot use systemd cgroups manager"));
    }

    [Test]
    public void A_recorded_place_reads_back()
    {
        CgroupPlace[] places =
        [
            new() { Driver = CgroupDriver.Cgroupfs, Path = "/a:b/c" },
            new() { Driver = CgroupDriver.Cgroupfs, Path = "/x", Given = true },
            new() { Driver = CgroupDriver.Systemd, Path = "/system.slice/a-b.scope", Scope = "a-b.scope" },
            new() { Driver = CgroupDriver.Disabled, Path = "" },
        ];
        foreach (var place in places)
        {
            Assert.That(CgroupPlace.Parse(place.ToString()), Is.EqualTo(place));
        }

        Assert.That(CgroupPlace.Parse("cgroup"), Is.Null);
    }

    [Test]
    public void What_was_made_is_removed_with_what_is_below_it()
    {
        var place = CgroupPlace.From(CgroupDriver.Cgroupfs, Unique + "/inner", "id").Claim();
        var directory = CgroupHierarchy.Host.MountPoint + place.Path;
        try
        {
            (var cgroup, place) = place.Create(null, s_noAnnotations);
            cgroup!.Dispose();
            Directory.CreateDirectory(directory + "/a/b");
            place.Delete();
            Assert.That(Directory.Exists(directory), Is.False);
            Assert.That(Directory.Exists(Path.GetDirectoryName(directory)), Is.True, "others may share the parent");
            Assert.That(() => place.Delete(), Throws.Nothing, "missing is fine");
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(directory)!);
        }
    }

    [Test]
    public void What_was_there_stays()
    {
        var path = Unique;
        var directory = CgroupHierarchy.Host.MountPoint + path;
        Directory.CreateDirectory(directory);
        try
        {
            var place = CgroupPlace.From(CgroupDriver.Cgroupfs, path, "id").Claim();
            (var cgroup, place) = place.Create(null, s_noAnnotations);
            cgroup!.Dispose();
            Directory.CreateDirectory(directory + "/below");
            place.Delete();
            Assert.That(Directory.Exists(directory), Is.True);
            Assert.That(Directory.GetDirectories(directory), Is.Empty);
        }
        finally
        {
            Directory.Delete(directory);
        }
    }

    [Test]
    public void A_frozen_cgroup_is_refused()
    {
        var path = Unique;
        var directory = CgroupHierarchy.Host.MountPoint + path;
        Directory.CreateDirectory(directory);
        try
        {
            File.WriteAllText(directory + "/cgroup.freeze", "1");
            Assert.That(
                () => CgroupPlace.From(CgroupDriver.Cgroupfs, path, "id").Claim(),
                Throws.TypeOf<BundtException>().With.Message.StartsWith("container's cgroup unexpectedly frozen"));
        }
        finally
        {
            Directory.Delete(directory);
        }
    }

    [Test]
    public void A_cgroup_with_processes_is_refused()
    {
        // Ours, or the hierarchy's root, which holds the kernel's threads.
        var path = CgroupHierarchy.OfProcess(Environment.ProcessId)!;
        Assert.That(
            () => CgroupPlace.From(CgroupDriver.Cgroupfs, path, "id").Claim(),
            Throws.TypeOf<BundtException>().With.Message.Match(@"^container's cgroup is not empty: \d+ process\(es\) found"));
    }

    [Test]
    public void An_exec_goes_below_the_containers_cgroup_and_not_beside_it()
    {
        var place = CgroupPlace.From(CgroupDriver.Cgroupfs, Unique, "id").Claim();
        (var cgroup, place) = place.Create(null, s_noAnnotations);
        try
        {
            Directory.CreateDirectory(CgroupHierarchy.Host.MountPoint + place.Path + "/a");
            using (var own = place.OpenForExec(Environment.ProcessId))
            {
                Assert.That(own!.Path, Is.EqualTo(place.Path));
            }

            using (var below = place.OpenForExec(Environment.ProcessId, "a"))
            {
                Assert.That(below!.Path, Is.EqualTo(place.Path + "/a"));
            }

            foreach (var bad in (string[])["../x", "a/../../x", "a/./b", ".."])
            {
                Assert.That(
                    () => place.OpenForExec(Environment.ProcessId, bad), Throws.TypeOf<BundtException>().With.Message.StartsWith("bad sub cgroup path: " + bad));
            }

            Assert.That(() => place.OpenForExec(Environment.ProcessId, "none"), Throws.TypeOf<BundtException>().With.Property("Errno").EqualTo(Errno.ENOENT));
        }
        finally
        {
            cgroup!.Dispose();
            place.Delete();
        }
    }
}
