using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Namespaces of bundt-runtime's containers: made, joined, and who owns them.</summary>
public sealed class RuntimeNamespaceTests : RuntimeFixture
{
    private static void Set(JsonNode config, string kind, string? path)
    {
        var namespaces = config["linux"]!["namespaces"]!.AsArray();
        if (namespaces.FirstOrDefault(entry => entry!["type"]!.GetValue<string>() == kind) is { } old)
        {
            namespaces.Remove(old);
        }

        var entry = new JsonObject { ["type"] = kind };
        if (path is not null)
        {
            entry["path"] = path;
        }

        namespaces.Add(entry);
    }

    private static void NewUser(JsonNode config)
    {
        Set(config, "user", null);
        config["linux"]!["uidMappings"] = new JsonArray(new JsonObject { ["containerID"] = 0, ["hostID"] = 0, ["size"] = 1000 });
        config["linux"]!.AsObject().Remove("sysctl"); // the default's names groups that are not mapped
        config["linux"]!["gidMappings"] = new JsonArray(new JsonObject { ["containerID"] = 0, ["hostID"] = 0, ["size"] = 1000 });
    }

    private static void NewClocks(JsonNode config)
    {
        Set(config, "time", null);
        config["linux"]!["timeOffsets"] = new JsonObject { ["boottime"] = new JsonObject { ["secs"] = 7881, ["nanosecs"] = 2718281 } };
    }

    [Test]
    public void Clocks_are_set_with_and_without_a_user_namespace([Values] bool userNamespace)
    {
        var result = RunScript("cat /proc/self/timens_offsets; for ns in time time_for_children; do readlink /proc/self/ns/$ns; done", config =>
        {
            NewClocks(config);
            if (userNamespace)
            {
                NewUser(config);
            }
        }).Ok();
        Assert.That(result.Lines[1].Split(' ', StringSplitOptions.RemoveEmptyEntries), Is.EqualTo(new[] { "boottime", "7881", "2718281" }));
        Assert.That(result.Lines[3], Is.EqualTo(result.Lines[2]));
    }

    [Test]
    public void Every_namespace_of_a_container_but_the_mounts_can_be_joined_by_the_next()
    {
        string[] kinds = ["user", "pid", "ipc", "uts", "network", "cgroup", "time"];
        Configure(["sleep", "1000"], config =>
        {
            NewUser(config);
            NewClocks(config);
        });
        Detached("run", "-d", "-b", Bundle, Id);
        var target = $"/proc/{Pid()}/ns/";
        var first = Id;
        NewId();
        try
        {
            var result = RunScript("for kind in user pid ipc uts net cgroup time; do readlink /proc/self/ns/$kind; done", config =>
            {
                foreach (var kind in kinds)
                {
                    Set(config, kind, target + (kind == "network" ? "net" : kind));
                }

                config["linux"]!.AsObject().Remove("sysctl");
            }).Ok();
            Assert.That(result.Lines, Is.EqualTo(kinds.Select(kind => new FileInfo(target + (kind == "network" ? "net" : kind)).LinkTarget)));
        }
        finally
        {
            Runtime("delete", "-f", first);
        }
    }

    [Test]
    public void A_container_that_joins_the_pid_namespace_of_one_that_may_trace_shows_it_nothing_of_the_host()
    {
        var canary = Path.Combine(Directory, "canary");
        File.WriteAllText(canary, "the host's");
        File.WriteAllText(Rootfs + "/found", "");
        string[] script = ["sh", "-c", $"while :; do for p in /proc/[0-9]*; do [ -e $p/root{canary} ] && echo $p reaches the host >> /found; done; done"];
        Configure(script, config =>
        {
            foreach (var (_, set) in config["process"]!["capabilities"]!.AsObject())
            {
                set!.AsArray().Add("CAP_SYS_PTRACE");
            }
        });
        Detached("run", "-d", "-b", Bundle, Id);
        var (tracer, pid) = (Id, Pid());
        try
        {
            for (var round = 0; round < 60; round++)
            {
                NewId();
                var result = RunScript("readlink /proc/self/ns/pid; ls /proc/self/fd; cat /proc/1/cmdline", config => Set(config, "pid", $"/proc/{pid}/ns/pid")).Ok();
                Assert.That(result.Lines[..^1], Is.EqualTo(new[] { new FileInfo($"/proc/{pid}/ns/pid").LinkTarget, "0", "1", "2", "3" }));
                Assert.That(result.Stdout, Does.Contain("reaches the host"), "its /proc is not that of the namespace");
            }

            Assert.That(File.ReadAllText(Rootfs + "/found"), Is.Empty);
        }
        finally
        {
            Runtime("delete", "-f", tracer);
        }
    }

    [Test]
    public void A_container_in_the_pid_namespace_of_another_waits_for_start_behind_a_filter_older_than_close_range()
    {
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, Id);
        var target = $"/proc/{Pid()}/ns/pid";
        var first = Id;
        NewId();
        try
        {
            Configure(["sleep", "1000"], config =>
            {
                Set(config, "pid", target);
                config["linux"]!["seccomp"] = new JsonObject
                {
                    ["defaultAction"] = "SCMP_ACT_ALLOW",
                    ["syscalls"] = new JsonArray(new JsonObject { ["names"] = new JsonArray("close_range"), ["action"] = "SCMP_ACT_ERRNO" }),
                };
            });
            Detached("create", "-b", Bundle, Id);
            var descriptors = System.IO.Directory.GetFiles($"/proc/{Pid()}/fd").Select(Path.GetFileName);
            Assert.That(descriptors.Count(), Is.EqualTo(5), "stdio, the plan and the fifo");
            Runtime("start", Id).Ok();
            Runtime("exec", Id, "true").Ok();
        }
        finally
        {
            Runtime("delete", "-f", Id);
            Runtime("delete", "-f", first);
        }
    }

    [Test]
    public void A_user_namespace_goes_together_with_the_hosts_network()
    {
        var result = RunScript("readlink /proc/self/ns/net", config =>
        {
            NewUser(config);
            Set(config, "network", "/proc/self/ns/net");
            config["linux"]!.AsObject().Remove("sysctl");
        }).Ok();
        Assert.That(result.Text, Is.EqualTo(new FileInfo("/proc/self/ns/net").LinkTarget));
    }
}
