using System.Globalization;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What hooks of bundt-runtime find: the container's root, its variables; and what becomes of a container whose hook fails.</summary>
public sealed class RuntimeHookTests : RuntimeFixture
{
    private static Action<JsonNode> Hook(string kind, string script) => config =>
        config["hooks"] = new JsonObject { [kind] = new JsonArray(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-ec", script) }) };

    [Test]
    public void A_hook_that_enters_the_mount_namespace_finds_the_root_where_the_host_has_it([Values("prestart", "createRuntime")] string kind)
    {
        var script = $"pid=$(grep -o '\"pid\": *[0-9]*' | grep -o '[0-9]*$'); nsenter -m -t $pid test -e {Rootfs}/proc/version; nsenter -m -t $pid touch {Rootfs}/dev/from-hook";
        RunScript("ls /dev/from-hook", Hook(kind, script)).Ok();
        Assert.That(File.Exists(Rootfs + "/dev/from-hook"), Is.False, "it was made on the container's own /dev");
    }

    [Test]
    public void A_create_container_hook_works_in_the_mounted_root() =>
        RunScript("ls /dev/from-hook", Hook("createContainer", $"test -e proc/self; touch dev/from-hook; test -e {Rootfs}/dev/from-hook")).Ok();

    [Test]
    public void A_start_container_hook_runs_under_the_containers_filter_and_with_its_capabilities()
    {
        var result = RunScript("grep -E '^(CapEff|Seccomp):' /hook /proc/self/status", config =>
        {
            config["linux"]!["seccomp"] = new JsonObject { ["defaultAction"] = "SCMP_ACT_ALLOW", ["syscalls"] = new JsonArray(new JsonObject { ["names"] = new JsonArray("acct"), ["action"] = "SCMP_ACT_ERRNO" }) };
            config["process"]!["noNewPrivileges"] = false;
            Hook("startContainer", "cat /proc/self/status > /hook")(config);
        }).Ok();
        Assert.That(result.Lines.Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..]).Distinct().Count(), Is.EqualTo(2), $"{result}");
        Assert.That(result.Stdout, Does.Contain("/hook:Seccomp:\t2\n"));
    }

    [Test]
    public void A_start_container_hook_reads_its_state_whatever_descriptors_the_process_may_have()
    {
        var result = RunScript("ulimit -n", config =>
        {
            config["process"]!["rlimits"] = new JsonArray(new JsonObject { ["type"] = "RLIMIT_NOFILE", ["soft"] = 16, ["hard"] = 16 });
            Hook("startContainer", "grep -q '\"created\"'")(config);
        }).Ok();
        Assert.That(result.Text, Is.EqualTo("16"));
    }

    // In a pid namespace of others their root may trace the launcher, which has the report in its memory.
    [Test]
    public void A_pid_that_somebody_writes_into_the_launchers_memory_is_not_believed()
    {
        var told = Path.Combine(Directory, "pid");
        Configure(["sleep", "1000"], Hook("prestart", $"""
            pid=$(grep -o '"pid": *[0-9]*' | grep -o '[0-9]*$')
            start=$(grep 'rw-s.*bundt-plan' /proc/$pid/maps | cut -d- -f1)
            at=$((0x$start + 28))
            test $(dd if=/proc/$pid/mem bs=1 count=4 skip=$at | od -An -tu4) = $pid
            printf '\1\0\0\0' | dd of=/proc/$pid/mem bs=1 seek=$at conv=notrunc
            echo $pid > '{told}'
            """));
        Detached("create", "-b", Bundle, Id);
        Assert.That(Pid(), Is.EqualTo(int.Parse(File.ReadAllText(told), CultureInfo.InvariantCulture)));
    }

    [Test]
    public void A_start_container_hook_that_the_filter_kills_says_so() =>
        Assert.That(
            RunScript("true", config =>
            {
                config["linux"]!["seccomp"] = new JsonObject { ["defaultAction"] = "SCMP_ACT_ALLOW", ["syscalls"] = new JsonArray(new JsonObject { ["names"] = new JsonArray("mkdir", "mkdirat"), ["action"] = "SCMP_ACT_KILL" }) };
                config["process"]!["rlimits"] = new JsonArray(new JsonObject { ["type"] = "RLIMIT_CORE", ["soft"] = 0, ["hard"] = 0 });
                Hook("startContainer", "exec mkdir /etc/cake")(config);
            }).Exits(1).Stderr,
            Does.Contain("error running startContainer hook #0: it was killed by signal 31 (bad system call)"));

    [Test]
    public void Hooks_of_a_container_that_joins_a_pid_namespace_find_its_other_namespaces_and_its_root()
    {
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, Id);
        var first = Id;
        var pid = JsonNode.Parse(Runtime("state", Id).Ok().Stdout)!["pid"]!.GetValue<int>();
        NewId();
        try
        {
            var result = RunScript("ls /dev/outside /dev/inside; cat /proc/1/cmdline", config =>
            {
                config["linux"]!["namespaces"]!.AsArray().First(ns => ns!["type"]!.GetValue<string>() == "pid")!["path"] = $"/proc/{pid}/ns/pid";
                JsonArray Script(string script) => [new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-ec", script) }];
                config["hooks"] = new JsonObject
                {
                    ["createRuntime"] = Script($"pid=$(grep -o '\"pid\": *[0-9]*' | grep -o '[0-9]*$'); nsenter -m -t $pid touch {Rootfs}/dev/outside"),
                    ["createContainer"] = Script("touch dev/inside"),
                    ["startContainer"] = Script("test -e /dev/inside"),
                };
            }).Ok();
            Assert.That(result.Stdout, Is.EqualTo("/dev/inside\n/dev/outside\nsleep\0" + "1000\0"));
        }
        finally
        {
            Runtime("delete", "-f", first);
        }
    }

    [Test]
    public void A_start_container_hook_without_variables_has_the_processs_own() =>
        RunScript("true", config =>
        {
            config["process"]!["env"]!.AsArray().Add("SAUCE=hot");
            Hook("startContainer", "test $SAUCE = hot; test $HOME = /root")(config);
        }).Ok();

    [Test]
    public void A_poststart_hook_that_fails_ends_and_removes_the_container()
    {
        Configure(["sleep", "1000"], Hook("poststart", "echo burnt; exit 7"));
        Detached("create", "-b", Bundle, Id);
        Assert.That(Runtime("start", Id).Exits(1).Stderr, Does.Contain("error running poststart hook #0: exit status 7: burnt"));
        Assert.That(Runtime("state", Id).Exits(1).Stderr, Does.Contain("does not exist"));
    }

    [Test]
    public void A_poststop_hook_that_fails_is_a_warning_and_keeps_no_other_from_running()
    {
        var trace = Path.Combine(Directory, "poststop");
        var result = RunScript("true", config =>
        {
            Hook("poststop", "echo burnt; exit 7")(config);
            config["hooks"]!["poststop"]!.AsArray().Add(new JsonObject { ["path"] = "/bin/touch", ["args"] = new JsonArray("touch", trace) });
        }).Ok();
        Assert.That(result.Stderr, Does.Contain("warning: error running poststop hook #0: the poststop hook failed with exit code 7: burnt"));
        Assert.That(File.Exists(trace));
    }
}
