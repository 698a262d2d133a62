using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What bundt-runtime mounts in a running container, and takes away again.</summary>
public sealed class RuntimeMountTests : RuntimeFixture
{
    private static JsonObject Bind(string source, string destination, params string[] options) =>
        new() { ["destination"] = destination, ["type"] = "bind", ["source"] = source, ["options"] = new JsonArray(["bind", .. options.Select(option => JsonValue.Create(option))]) };

    private static JsonObject Tmpfs(string destination) => new() { ["destination"] = destination, ["type"] = "tmpfs", ["source"] = "tmpfs" };

    private static void InUserNamespace(JsonNode config)
    {
        config["linux"]!["namespaces"]!.AsArray().Add(new JsonObject { ["type"] = "user" });
        config["linux"]!["sysctl"] = new JsonObject();
        foreach (var mappings in (string[])["uidMappings", "gidMappings"])
        {
            config["linux"]![mappings] = new JsonArray(new JsonObject { ["containerID"] = 0, ["hostID"] = 100000, ["size"] = 65536 });
        }
    }

    private string Source()
    {
        var source = Path.Combine(Directory, "larder");
        System.IO.Directory.CreateDirectory(source);
        File.WriteAllText(source + "/jar", "jam");
        return source;
    }

    private Result Mounts(string action, params JsonNode[] mounts)
    {
        var file = Path.Combine(Directory, "mounts.json");
        File.WriteAllText(file, new JsonArray([.. mounts.Select(mount => mount.DeepClone())]).ToJsonString());
        return Runtime("mounts", action, Id, file);
    }

    private string Table() => Runtime("exec", Id, "cat", "/proc/self/mountinfo").Ok().Stdout;

    private void Run(string script, Action<JsonNode>? change = null)
    {
        Configure(["sh", "-c", script], change);
        Detached("run", "-d", "-b", Bundle, Id);
    }

    [Test]
    public void A_running_container_gets_mounts_and_loses_them([Values] bool userNamespace)
    {
        // A tmpfs of its own, where a user namespace may make directories.
        Run("sleep 1000", config =>
        {
            config["mounts"]!.AsArray().Add(Tmpfs("/mnt"));
            if (userNamespace)
            {
                InUserNamespace(config);
            }
        });
        JsonNode[] mounts = [Bind(Source(), "/mnt/a/b", "ro", "nosuid"), Tmpfs("/mnt/t"), Bind(Source() + "/jar", "/mnt/jar")];
        Mounts("add", mounts).Ok();
        Assert.That(Runtime("exec", Id, "sh", "-c", "cat /mnt/a/b/jar /mnt/jar; stat -c '%u %a' /mnt/t; touch /mnt/t/new").Ok().Stdout, Is.EqualTo("jamjam0 1777\n"));
        Assert.That(Runtime("exec", Id, "touch", "/mnt/a/b/new").Exits(1).Stderr, Does.Contain("Read-only"));
        Assert.That(Table(), Does.Match(" /mnt/a/b ro,nosuid"));
        Assert.That(File.ReadAllText("/proc/self/mountinfo"), Does.Not.Contain("/mnt/a/b"), "the host has none of it");

        Mounts("remove", mounts).Ok();
        Assert.That(Table(), Does.Not.Contain("/mnt/a/b").And.Not.Contain("/mnt/t").And.Not.Contain("/mnt/jar"));
        Assert.That(Mounts("remove", mounts[1]).Exits(1).Stderr, Does.Contain("unmount /mnt/t: Invalid argument"));
    }

    [TestCase("/proc/sys", "keeps what is mounted on /proc/sys")]
    [TestCase("/proc/", "keeps what is mounted on /proc/")]
    [TestCase("/sys", "keeps what is mounted on /sys")]
    [TestCase("/mnt/../", "keeps what is mounted on /")]
    public void What_protects_the_host_is_not_taken_away(string destination, string text)
    {
        Run("sleep 1000");
        Assert.That(Mounts("remove", Tmpfs(destination)).Exits(1).Stderr, Does.Contain(text));
    }

    [Test]
    public void A_link_that_the_container_puts_in_the_way_does_not_uncover_its_masks()
    {
        Run("ln -s /proc /mnt/proc 2>/dev/null || busybox ln -s /proc /mnt/proc; sleep 1000");
        try
        {
            Eventually.True(() => new FileInfo(Rootfs + "/mnt/proc").LinkTarget == "/proc", "no link");
            Assert.That(Table(), Does.Contain(" /proc/keys "));
            Assert.That(Mounts("remove", Tmpfs("/mnt/proc/keys")).Exits(1).Stderr, Does.Contain("unmount /mnt/proc/keys: Too many levels of symbolic links"));
            Assert.That(Table(), Does.Contain(" /proc/keys "));
            Assert.That(Mounts("add", Tmpfs("/mnt/proc/fs")).Exits(1).Stderr, Does.Contain("leads it into /proc"));
        }
        finally
        {
            File.Delete(Rootfs + "/mnt/proc");
        }
    }

    [Test]
    public void A_destination_that_is_a_link_out_of_the_root_stays_inside()
    {
        var outside = Path.Combine(Directory, "outside");
        System.IO.Directory.CreateDirectory(outside);
        Run("sleep 1000");
        File.CreateSymbolicLink(Rootfs + "/mnt/out", outside);
        try
        {
            Mounts("add", Tmpfs("/mnt/out/deep")).Ok();
            Assert.That(System.IO.Directory.GetFileSystemEntries(outside), Is.Empty);
            Assert.That(Table(), Does.Contain($" {outside}/deep "));
        }
        finally
        {
            File.Delete(Rootfs + "/mnt/out");
            System.IO.Directory.Delete(Path.Combine(Rootfs, outside.Split('/')[1]), recursive: true);
        }
    }

    [Test]
    public void What_depends_on_how_the_container_was_created_is_refused()
    {
        Run("sleep 1000");
        Assert.That(Mounts("add", new JsonObject { ["destination"] = "/mnt", ["type"] = "proc", ["source"] = "proc" }).Exits(1).Stderr, Does.Contain("proc can be mounted when a container is created"));
        Assert.That(Mounts("add", Bind("/", "/mnt", "remount")).Exits(1).Stderr, Does.Contain("cannot be mounted anew"));
        Assert.That(Mounts("add", Bind(Directory + "/none", "/mnt")).Exits(1).Stderr, Does.Contain("bind source path does not exist"));
        Assert.That(Mounts("add", new JsonObject()).Exits(1).Stderr, Does.Contain("[0]").And.Contains("destination is missing"));
        Assert.That(Runtime("mounts", "swap", Id, "x").Exits(1).Stderr, Does.Contain("mounts takes add or remove"));
    }

    [Test]
    public void A_container_that_has_stopped_gets_no_mounts()
    {
        Run("true");
        Eventually.True(() => Status() == "stopped", "it goes on");
        Assert.That(Mounts("add", Tmpfs("/mnt")).Exits(1).Stderr, Does.Contain("container not running"));
    }
}
