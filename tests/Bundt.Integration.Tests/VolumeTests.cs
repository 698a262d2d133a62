using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Named volumes, binds and tmpfs.</summary>
public sealed class VolumeTests : DaemonTests
{
    private Result Shell(string script, params string[] options) => Bundt(["run", "--rm", "--network", "none", .. options, "busybox", "sh", "-c", script]);

    [Test]
    public void A_named_volume_outlives_its_containers()
    {
        Shell("echo kept > /data/x", "-v", "keep:/data").Ok();
        Assert.That(Shell("cat /data/x", "-v", "keep:/data").Ok().Text, Is.EqualTo("kept"));
        Assert.That(Bundt("volume", "ls", "-q").Ok().Lines, Does.Contain("keep"));
        Bundt("volume", "rm", "keep").Ok();
        Assert.That(Bundt("volume", "inspect", "keep").Exits(125).Stderr, Does.Contain("keep"));
    }

    [Test]
    public void An_empty_named_volume_is_filled_from_the_image_with_owners()
    {
        Assert.That(Shell("stat -c '%u:%g %a' /home/alice /home; ls /home", "-v", "filled:/home").Ok().Lines, Is.EqualTo(new[] { "1000:1000 755", "0:0 755", "alice" }));
        Assert.That(Shell("ls /home", "-v", "unfilled:/home:nocopy").Ok().Text, Is.Empty);
        Bundt("volume", "rm", "filled", "unfilled").Ok();
    }

    [Test]
    public void Containers_with_ids_of_their_own_share_a_volume_as_the_root_of_it()
    {
        Bundt("run", "--rm", "--network", "none", "--userns", "auto", "-v", "mapped:/home", "busybox", "sh", "-c", "touch /home/one && chown alice /home/one").Ok();
        Bundt("create", "--name", "other", "--network", "none", "--userns", "auto", "busybox", "true").Ok(); // takes the first range
        var result = Bundt("run", "--rm", "--network", "none", "--userns", "auto", "-v", "mapped:/home", "busybox", "sh", "-c", "touch /home/two && stat -c '%n %u' /home/*");
        Bundt("rm", "other").Ok();
        Assert.That(result.Ok().Lines, Is.SupersetOf(new[] { "/home/alice 1000", "/home/one 1000", "/home/two 0" }));
        Bundt("volume", "rm", "mapped").Ok();
    }

    [Test]
    public void A_volume_in_use_is_not_removed()
    {
        Bundt("create", "--name", "user", "-v", "used:/data", "busybox", "true").Ok();
        Assert.That(Bundt("volume", "rm", "used").Exits(125).Stderr, Does.Contain("use"));
        Bundt("rm", "user").Ok();
        Bundt("volume", "rm", "used").Ok();
    }

    [Test]
    public void A_bind_shows_the_hosts_directory()
    {
        var directory = Directory.CreateDirectory(Path.Combine(Paths.Work, "bind")).FullName;
        File.WriteAllText(Path.Combine(directory, "in"), "host\n");
        Assert.That(Shell("cat /mnt/in; echo container > /mnt/out", "-v", $"{directory}:/mnt").Ok().Stdout, Is.EqualTo("host\n"));
        Assert.That(File.ReadAllText(Path.Combine(directory, "out")), Is.EqualTo("container\n"));
        Assert.That(Shell("touch /mnt/x", "-v", $"{directory}:/mnt:ro").Exits(1).Stderr, Does.Contain("Read-only"));
        Assert.That(Shell("touch /mnt/x", "--mount", $"type=bind,src={directory},dst=/mnt,readonly").Exits(1).Stderr, Does.Contain("Read-only"));
    }

    [Test]
    public void A_bind_of_a_file_works() =>
        Assert.That(Shell("cat /hosts", "-v", "/etc/hostname:/hosts:ro").Ok().Stdout, Is.EqualTo(File.ReadAllText("/etc/hostname")));

    [Test]
    public void A_missing_source_is_refused_with_mount_and_made_with_v()
    {
        var missing = Path.Combine(Paths.Work, "missing");
        Assert.That(Shell("true", "--mount", $"type=bind,src={missing},dst=/mnt").Exits(125).Stderr, Does.Contain(missing));
        Shell("true", "-v", $"{missing}:/mnt").Ok();
        Assert.That(Directory.Exists(missing));
    }

    [Test]
    public void A_tmpfs_mount_has_its_size_and_mode() =>
        Assert.That(Shell("grep ' /t ' /proc/mounts; stat -c %a /t", "--mount", "type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1770").Ok().Stdout, Does.Contain("size=2048k").And.EndWith("1770\n"));

    [Test]
    public void An_images_anonymous_volume_goes_with_rm()
    {
        var before = Bundt("volume", "ls", "-q").Ok().Lines.Length;
        Shell("echo x > /anonymous/x", "-v", "/anonymous").Ok();
        Eventually.True(() => Bundt("volume", "ls", "-q").Ok().Lines.Length == before, "the anonymous volume is still there");
    }

    [Test]
    public void A_link_in_the_image_cannot_lead_a_mount_out()
    {
        var victim = Directory.CreateDirectory(Path.Combine(Paths.Work, "victim")).FullName;
        Bundt("run", "--name", "trap", "--network", "none", "busybox", "sh", "-c", $"ln -s /../../../..{victim} /way").Ok();
        Shell("true").Ok();
        Assert.That(Directory.GetFileSystemEntries(victim), Is.Empty);
        Bundt("rm", "trap").Ok();
    }
}
