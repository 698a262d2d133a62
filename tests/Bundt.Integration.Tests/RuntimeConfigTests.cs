using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What config.json asks for, as the container finds it.</summary>
public sealed class RuntimeConfigTests : RuntimeFixture
{
    private static void Without(JsonNode config, string kind)
    {
        var namespaces = config["linux"]!["namespaces"]!.AsArray();
        namespaces.Remove(namespaces.Single(entry => entry!["type"]!.GetValue<string>() == kind));
    }

    [Test]
    public void A_container_in_the_callers_mount_namespace_lives_on_its_own_directory()
    {
        const string Script = """
            "$0" --root "$1" run -b "$2" "$3" </dev/null && grep -c " $2/rootfs" /proc/self/mountinfo
            umount -R "$2/rootfs" && ! grep " $2/rootfs" /proc/self/mountinfo
            """;
        Configure(["sh", "-c", "echo $(ls /bin/busybox /proc/self/exe)"], config =>
        {
            Without(config, "mount");
            config["linux"]!["maskedPaths"] = new JsonArray();
            config["linux"]!["readonlyPaths"] = new JsonArray();
        });
        var result = new Command(
            "/usr/bin/unshare", "-m", "sh", "-c", Script, Paths.Program("bundt-runtime"), Path.Combine(Directory, "state"), Bundle, Id).Run().Ok();
        Assert.That(result.Lines[0], Is.EqualTo("/bin/busybox /proc/self/exe"));
        Assert.That(int.Parse(result.Lines[1], System.Globalization.CultureInfo.InvariantCulture), Is.GreaterThan(1));
    }

    [Test]
    public void Scheduling_limits_and_memory_nodes_are_the_configs_own([Values] bool userNamespace)
    {
        var result = RunScript("cut -d' ' -f 19,41 /proc/self/stat; ulimit -n; grep -m 1 -o 'prefer=static:0' /proc/self/numa_maps; cat /proc/self/oom_score_adj", config =>
        {
            config["process"]!["scheduler"] = new JsonObject { ["policy"] = "SCHED_BATCH", ["nice"] = -7 };
            config["process"]!["rlimits"] = new JsonArray(new JsonObject { ["type"] = "RLIMIT_NOFILE", ["soft"] = 33, ["hard"] = 44 });
            config["process"]!["oomScoreAdj"] = 77;
            config["linux"]!["memoryPolicy"] = new JsonObject { ["mode"] = "MPOL_PREFERRED", ["nodes"] = "0", ["flags"] = new JsonArray("MPOL_F_STATIC_NODES") };
            if (userNamespace)
            {
                WithUserNamespace(config);
            }
        }).Ok();
        Assert.That(result.Lines, Is.EqualTo(new[] { "-7 3", "33", "prefer=static:0", "77" }));
    }

    [Test]
    public void Stdio_belongs_to_the_processs_user() =>
        Assert.That(
            RunScript("stat -L -c '%u %g' /proc/self/fd/1", config => config["process"]!["user"] = new JsonObject { ["uid"] = 7, ["gid"] = 8 }).Ok().Text, Is.EqualTo("7 8"));

    [Test]
    public void A_container_is_not_bound_to_its_callers_cpus()
    {
        Configure(["grep", "Cpus_allowed_list", "/proc/self/status"]);
        string[] run = [Paths.Program("bundt-runtime"), "--root", Path.Combine(Directory, "state"), "run", "-b", Bundle, Id];
        var alone = Runtime("run", "-b", Bundle, Id).Ok().Text;
        Assert.That(new Command("/usr/bin/taskset", ["-c", "0", .. run]).Run().Ok().Text, Is.EqualTo(alone));
    }

    private static void WithUserNamespace(JsonNode config)
    {
        config["linux"]!["namespaces"]!.AsArray().Add(new JsonObject { ["type"] = "user" });
        config["linux"]!["sysctl"] = new JsonObject(); // the default's names groups that are not mapped
        foreach (var mappings in (string[])["uidMappings", "gidMappings"])
        {
            config["linux"]![mappings] = new JsonArray(new JsonObject { ["containerID"] = 0, ["hostID"] = 100000, ["size"] = 65536 });
        }
    }
}
