using System.Globalization;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Processes of bundt-runtime's containers: what they may enter and raise, and who is left when the first has gone.</summary>
public sealed class RuntimeProcessTests : RuntimeFixture
{
    [Test]
    public void A_process_starts_in_a_working_directory_that_its_user_could_not_enter()
    {
        MakeClosedDirectory("closed");
        Assert.That(
            RunScript("echo started; pwd -P", config =>
            {
                config["process"]!["cwd"] = "/closed";
                config["process"]!["user"] = new JsonObject { ["uid"] = 7, ["gid"] = 8 };
            }).Ok().Lines[0],
            Is.EqualTo("started"));
    }

    [Test]
    public void A_working_directory_that_nobody_has_is_still_an_error() =>
        Assert.That(RunScript("true", config => config["process"]!["cwd"] = "/etc/passwd").Exits(1).Stderr, Does.Contain("chdir").And.Contain("Not a directory"));

    [Test]
    public void An_empty_home_that_comes_last_is_the_users() =>
        Assert.That(
            RunScript("echo $HOME", config => config["process"]!["env"] = new JsonArray("PATH=/bin", "HOME=/first", "HOME=")).Ok().Text, Is.EqualTo("/root"));

    [Test]
    public void Home_comes_from_the_passwd_that_is_seen_inside()
    {
        File.WriteAllText(Path.Combine(Directory, "passwd"), "root:x:0:0::/bound:/bin/sh\n");
        Configure(["sh", "-c", "echo $HOME; sleep 1000"], config => config["mounts"]!.AsArray().Add(
            new JsonObject { ["destination"] = "/etc/passwd", ["type"] = "bind", ["source"] = Path.Combine(Directory, "passwd"), ["options"] = new JsonArray("rbind", "ro") }));
        var output = Path.Combine(Directory, "home");
        new Command("/bin/sh", "-c", $"'{Paths.Program("bundt-runtime")}' --root '{Path.Combine(Directory, "state")}' run -d -b '{Bundle}' {Id} </dev/null >'{output}' 2>&1").Run().Ok();
        Eventually.True(() => File.ReadAllText(output) == "/bound\n", "not the bound file's home");
        Assert.That(Runtime("exec", Id, "sh", "-c", "echo $HOME").Ok().Text, Is.EqualTo("/bound"));
        File.WriteAllText(Path.Combine(Directory, "passwd"), "root:x:0:0::/later:/bin/sh\n");
        Assert.That(Runtime("exec", Id, "sh", "-c", "echo $HOME").Ok().Text, Is.EqualTo("/later"));
    }

    [Test]
    public void A_passwd_that_never_ends_keeps_nothing_waiting() =>
        Assert.That(
            RunScript("echo $HOME", config => config["mounts"]!.AsArray().Add(
                new JsonObject { ["destination"] = "/etc/passwd", ["type"] = "bind", ["source"] = "/proc/kmsg", ["options"] = new JsonArray("rbind", "ro") })).Ok().Text,
            Is.EqualTo("/"));

    [TestCase("0", 0)]
    [TestCase("1", 1)]
    public void A_profile_with_a_call_that_nobody_knows_is_refused_when_that_is_asked_for(string annotation, int code)
    {
        var result = RunScript("true", config =>
        {
            config["annotations"] = new JsonObject { ["run.oci.seccomp_fail_unknown_syscall"] = annotation };
            config["linux"]!["seccomp"] = JsonNode.Parse(
                """{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","cook_soup"],"action":"SCMP_ACT_ERRNO"}]}""");
        }).Exits(code);
        Assert.That(result.Stderr, code == 0 ? Is.Empty : Does.Contain("cook_soup").And.Not.Contain("mkdir"));
    }

    [Test]
    public void Exec_raises_a_capability_that_is_inheritable_to_ambient()
    {
        Configure(["sleep", "1000"], config => config["process"]!["capabilities"] = new JsonObject
        {
            ["bounding"] = new JsonArray("CAP_KILL", "CAP_CHOWN"),
            ["effective"] = new JsonArray("CAP_KILL"),
            ["permitted"] = new JsonArray("CAP_KILL"),
            ["inheritable"] = new JsonArray("CAP_CHOWN"),
            ["ambient"] = new JsonArray(),
        });
        Detached("run", "-d", "-b", Bundle, Id);
        var result = Runtime("exec", "--cap", "CAP_CHOWN", "--cap", "CAP_SYSLOG", Id, "grep", "CapAmb", "/proc/self/status").Ok();
        Assert.That((result.Text, result.Stderr), Is.EqualTo(("CapAmb:\t0000000000000001", "")));
    }

    [TestCase("3", "1024")]
    [TestCase("20", "4096")]
    [TestCase("256", "256")]
    public void However_few_files_its_caller_may_open_a_container_starts_and_may_open_as_many(string soft, string hard)
    {
        Configure(["sh", "-c", "ulimit -Sn; ulimit -Hn"], config => config["process"]!.AsObject().Remove("rlimits"));
        var runtime = $"'{Paths.Program("bundt-runtime")}' --root '{Path.Combine(Directory, "state")}'";
        var limits = $"ulimit -Sn {soft}; ulimit -Hn {hard};";
        Assert.That(new Command("/bin/sh", "-c", $"{limits} exec {runtime} run -b '{Bundle}' {Id}").Run().Ok().Lines, Is.EqualTo([soft, hard]));
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, Id);
        var process = Path.Combine(Directory, "limits.json");
        File.WriteAllText(process, """{"args":["sh","-c","ulimit -Sn; ulimit -Hn"],"cwd":"/","env":["PATH=/bin"]}""");
        Assert.That(new Command("/bin/sh", "-c", $"{limits} exec {runtime} exec -p '{process}' {Id}").Run().Ok().Lines, Is.EqualTo([soft, hard]));
    }

    [Test]
    public void Hooks_with_more_arguments_than_a_stack_holds_are_refused_by_the_kernel_alone()
    {
        Configure(["true"], config => config["hooks"] = new JsonObject
        {
            ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/bin/true", ["env"] = new JsonArray([.. Enumerable.Repeat("A", 1_200_000).Select(text => JsonValue.Create(text))]) }),
        });
        Assert.That(Runtime("run", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain("error running createRuntime hook #0").And.Contain("Argument list too long"));
    }

    [Test]
    public void Signal_0_asks_whether_it_runs()
    {
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, Id);
        Runtime("kill", Id, "0").Ok();
        Runtime("kill", Id, "-9").Ok();
        Eventually.True(() => Status() == "stopped", "killed, but not stopped");
        Assert.That(Runtime("kill", Id, "0").Exits(1).Stderr, Does.Contain("container not running"));
    }

    [Test]
    public void Without_a_pid_namespace_the_rest_is_killed_when_the_first_process_has_gone()
    {
        Configure(["sleep", "1000"], config =>
        {
            var namespaces = config["linux"]!["namespaces"]!.AsArray();
            namespaces.Remove(namespaces.Single(entry => entry!["type"]!.GetValue<string>() == "pid"));
        });
        Detached("run", "-d", "-b", Bundle, Id);
        var pidFile = Path.Combine(Directory, "exec-pid");
        Detached("exec", "-d", "--pid-file", pidFile, Id, "sleep", "1000");
        var rest = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
        var first = Pid();
        new Command("/bin/kill", "-KILL", first.ToString(CultureInfo.InvariantCulture)).Run().Ok();
        Eventually.True(() => Status() == "stopped", "its first process was killed");
        Assert.That(File.ReadAllText($"/proc/{rest}/comm"), Is.EqualTo("sleep\n"));
        Runtime("kill", Id, "KILL").Ok();
        Eventually.True(() => !File.Exists($"/proc/{rest}/comm") || File.ReadAllText($"/proc/{rest}/stat").Contains(") Z ", StringComparison.Ordinal), "the rest goes on");
        Assert.That(Runtime("kill", Id, "KILL").Exits(1).Stderr, Does.Contain("container not running"));
    }

    private void MakeClosedDirectory(string name)
    {
        System.IO.Directory.CreateDirectory(Path.Combine(Rootfs, name));
        new Command("/bin/chown", "42", Path.Combine(Rootfs, name)).Run().Ok();
        new Command("/bin/chmod", "700", Path.Combine(Rootfs, name)).Run().Ok();
    }
}
