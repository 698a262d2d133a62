using System.Text.Json;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>load, save, tag, rmi, images, inspect.</summary>
public sealed class ImageTests : DaemonTests
{
    [Test]
    public void The_table_has_dockers_columns()
    {
        var lines = Bundt("images").Ok().Lines;
        Assert.That(lines[0], Does.Match(@"^REPOSITORY\s+TAG\s+IMAGE ID\s+CREATED\s+SIZE$"));
        Assert.That(lines[1..], Has.Some.Match(@"^busybox\s+latest\s+[0-9a-f]{12}\s+.* ago\s+\d+(\.\d+)?[kM]B$"));
    }

    [Test]
    public void An_image_gets_a_second_name_and_loses_the_first()
    {
        Bundt("tag", "busybox", "second:v1").Ok();
        var id = JsonDocument.Parse(Bundt("inspect", "second:v1").Ok().Stdout).RootElement[0].GetProperty("Id").GetString()!;
        Assert.That(Bundt("images", "-q", "--no-trunc", "second").Ok().Text, Is.EqualTo(id));
        Assert.That(Bundt("run", "--rm", "--network", "none", "second:v1", "echo", "same").Ok().Text, Is.EqualTo("same"));
        Assert.That(Bundt("rmi", "second:v1").Ok().Stdout, Does.Contain("Untagged").And.Not.Contain("Deleted"));
        Assert.That(Bundt("inspect", "second:v1").ExitCode, Is.Not.Zero);
        Bundt("inspect", id[7..19]).Ok();
    }

    [TestCase("docker-archive")]
    [TestCase("oci-archive")]
    public void What_skopeo_converts_is_loaded(string format)
    {
        var file = Path.Combine(Paths.Work, $"{format}.tar");
        File.Delete(file);
        new Command("skopeo", "--insecure-policy", "copy", "-q", $"oci-archive:{Fixture.Archive("busybox-one")}:latest", $"{format}:{file}:converted:{format}").Run().Ok();
        Assert.That(Bundt("load", "-i", file).Ok().Stdout, Does.Contain("Loaded image"));
        var name = Bundt("images", "--format", "{{.Repository}}:{{.Tag}}").Ok().Lines.Single(l => l.EndsWith($":{format}", StringComparison.Ordinal));
        Assert.That(Bundt("run", "--rm", "--network", "none", name, "echo", "converted").Ok().Text, Is.EqualTo("converted"));
        Bundt("rmi", name).Ok();
    }

    [TestCase("gzip")]
    [TestCase("xz")]
    [TestCase("zstd")]
    [TestCase("bzip2")]
    public void A_compressed_archive_is_loaded_from_stdin(string packer)
    {
        var packed = Path.Combine(Paths.Work, $"load.{packer}");
        new Command("/bin/sh", "-c", $"{packer} -c < '{Fixture.Archive("busybox")}' > '{packed}'").Run().Ok();
        Assert.That(Daemon.Bundt("load").Input(File.ReadAllBytes(packed)).Run().Ok().Stdout, Does.Contain("Loaded image"));
    }

    [Test]
    public void What_is_saved_can_be_loaded_by_others_and_by_us()
    {
        var file = Path.Combine(Paths.Work, "saved.tar");
        Bundt("save", "-o", file, "busybox").Ok();
        new Command("skopeo", "inspect", $"docker-archive:{file}").Run().Ok();
        using var other = new Daemon();
        other.Bundt("load", "-i", file).Run().Ok();
        Assert.That(other.Bundt("run", "--rm", "--network", "none", "busybox", "echo", "back").Run().Ok().Text, Is.EqualTo("back"));
    }

    [Test]
    public void The_store_is_an_image_layout_that_skopeo_reads()
    {
        var layout = Directory.EnumerateFiles(Daemon.Root, "oci-layout", SearchOption.AllDirectories).First();
        Assert.That(new Command("skopeo", "inspect", "--raw", $"oci:{Path.GetDirectoryName(layout)}").Run(), Has.Property("ExitCode").Zero.Or.Property("Stderr").Contains("more than one image"));
    }

    [Test]
    public void An_image_in_use_is_not_removed_without_force()
    {
        Bundt("create", "--name", "holder", "busybox", "true").Ok();
        Assert.That(Bundt("rmi", "busybox").ExitCode, Is.Not.Zero);
        Bundt("rm", "holder").Ok();
    }

    [Test]
    public void An_image_of_127_layers_runs()
    {
        Daemon.Load("layers127");
        Assert.That(Bundt("run", "--rm", "--network", "none", "layers127").Ok().Stdout, Is.EqualTo("125\n"));
        Assert.That(Bundt("run", "--rm", "--network", "none", "layers127", "sh", "-c", "ls /layers | wc -l").Ok().Text, Is.EqualTo("127"));
        Bundt("rmi", "layers127").Ok();
    }
}
