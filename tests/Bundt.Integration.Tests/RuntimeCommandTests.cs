using System.Globalization;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>The commands of bundt-runtime beside create, start, run and delete.</summary>
public sealed class RuntimeCommandTests : RuntimeFixture
{
    private void Start(Action<JsonNode>? change = null, string script = "echo up > /up; exec sleep 1000")
    {
        File.Delete(Rootfs + "/up");
        Configure(["sh", "-c", script], change);
        Detached("run", "-d", "-b", Bundle, Id);
        Eventually.True(() => File.Exists(Rootfs + "/up"), "the container does not come up");
    }

    [Test]
    public void Exec_gives_output_and_exit_code_in_the_containers_namespaces_and_environment()
    {
        Start(config => config["process"]!["env"]!.AsArray().Add("CAKE=plum"));
        var result = Runtime("exec", "-e", "MORE=1", "--cwd", "/etc", "--user", "7:8", Id, "sh", "-c", "echo $CAKE $MORE $HOME; pwd; id -u; id -g; echo $$ >&2; exit 5").Exits(5);
        Assert.That(result.Stdout, Is.EqualTo("plum 1 /kitchen\n/etc\n7\n8\n"));
        Assert.That(int.Parse(result.Stderr, CultureInfo.InvariantCulture), Is.LessThan(20), "it is in the container's pid namespace");
    }

    [Test]
    public void Whom_a_deletion_overtakes_is_told_so()
    {
        Start();
        var kept = Path.Combine(Directory, "state", Id, "config.json");
        File.Move(kept, kept + ".moved");
        Assert.That(Runtime("exec", Id, "true").Exits(255).Stderr, Is.EqualTo($"bundt-runtime: container does not exist: {Id}\n"));
        File.Move(kept + ".moved", kept);
    }

    [Test]
    public void An_argument_too_many_is_refused_before_anything_is_done()
    {
        Start();
        foreach (var command in (string[][])[["kill", Id, "KILL", "more"], ["delete", "-f", Id, "more"], ["pause", Id, "more"], ["state", Id, "more"], ["list", "more"], ["run", "-b", Bundle, Id + "x", "more"]])
        {
            Assert.That(Runtime(command).Exits(1).Stderr, Does.Contain("takes no further argument: \"more\""), command[0]);
        }

        Assert.That(Runtime("kill", "-9", Id).Exits(1).Stderr, Does.Contain("unknown option -9"));
        Assert.That(Runtime("kill", Id, "-KIL").Exits(1).Stderr, Does.Contain("unknown option -KIL"));
        Assert.That(Status(), Is.EqualTo("running"));
        Runtime("kill", Id, "-KILL", "--all").Ok();
        Eventually.True(() => Status() == "stopped", "killed, but not stopped");
    }

    [TestCase("4294967295")]
    [TestCase("1000:4294967295")]
    public void An_id_that_means_none_to_the_kernel_does_not_leave_the_process_root(string user)
    {
        Start();
        Assert.That(Runtime("exec", "--user", user, "-e", "HOME=/", Id, "id", "-u").Exits(255).Stderr, Does.Contain("--user"));
        var file = Path.Combine(Directory, "process.json");
        File.WriteAllText(file, """{"args":["id","-u"],"cwd":"/","env":["HOME=/"],"user":{"uid":1000,"gid":4294967295}}""");
        Assert.That(Runtime("exec", "--process", file, Id).Exits(255).Stderr, Does.Contain("user.gid"));
    }

    [Test]
    public void A_signal_while_a_hook_runs_reaches_the_container_and_leaves_nothing()
    {
        Configure(["sh", "-c", "trap 'exit 6' TERM; while :; do sleep 0.1; done"], config => config["hooks"] = new JsonObject { ["createRuntime"] = new JsonArray(Hook($"touch {Directory}/hooked; sleep 1")) });
        File.Delete(Directory + "/hooked");
        using var run = new Command(Paths.Program("bundt-runtime"), "--root", Path.Combine(Directory, "state"), "run", "-b", Bundle, Id).Start();
        Eventually.True(() => File.Exists(Directory + "/hooked"), "the hook does not run");
        new Command("/bin/kill", "-TERM", run.Id.ToString(CultureInfo.InvariantCulture)).Run().Ok();

        // The signal comes before the shell has set its trap, as a rule, and is lost on a first process: another one follows.
        Eventually.True(() => Runtime("state", Id).ExitCode == 0, "it does not come up");
        Eventually.True(() => Runtime("kill", Id).ExitCode != 0 || run.HasExited, "it does not end");
        Assert.That(run.WaitForExit(10_000));
        Assert.That(run.ExitCode, Is.EqualTo(6));
        Assert.That(Runtime("state", Id).Exits(1).Stderr, Does.Contain("does not exist"));
    }

    [Test]
    public void Exec_takes_a_whole_process_object()
    {
        Start();
        var file = Path.Combine(Directory, "process.json");
        File.WriteAllText(file, """{"args":["sh","-c","echo $ONLY; grep NoNewPrivs /proc/self/status"],"env":["PATH=/bin","ONLY=this"],"cwd":"/","noNewPrivileges":true}""");
        Assert.That(Runtime("exec", "--process", file, Id).Ok().Text, Is.EqualTo("this\nNoNewPrivs:\t1"));
    }

    [TestCase("nosuch", "executable file not found in $PATH")]
    [TestCase("/no/such", "no such file or directory")]
    public void What_exec_itself_cannot_do_is_255(string command, string text)
    {
        Start();
        Assert.That(Runtime("exec", Id, command).Exits(255).Stderr, Does.Contain(text));
        Assert.That(Runtime("exec", "none", "true").Exits(255).Stderr, Does.Contain("container does not exist"));
    }

    [Test]
    public void A_detached_exec_writes_its_pid_and_goes_on_alone()
    {
        Start();
        var pidFile = Path.Combine(Directory, "exec.pid");
        Detached("exec", "-d", "--pid-file", pidFile, Id, "sleep", "1000");
        var pid = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
        Assert.That(File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' '), Is.EqualTo("sleep 1000 "));
        Assert.That(Runtime("ps", "-f", "json", Id).Ok().Text, Does.Contain(pid.ToString(CultureInfo.InvariantCulture)));
    }

    [Test]
    public void A_paused_container_refuses_exec_and_goes_on_when_resumed()
    {
        Start();
        Runtime("pause", Id).Ok();
        Assert.That(Status(), Is.EqualTo("paused"));
        Assert.That(Runtime("pause", Id).Exits(1).Stderr, Does.Contain("container not running or created"));
        Assert.That(Runtime("exec", Id, "true").Exits(255).Stderr, Does.Contain("cannot exec in a paused container"));
        Runtime("resume", Id).Ok();
        Assert.That(Runtime("resume", Id).Exits(1).Stderr, Does.Contain("container not paused"));
        Runtime("exec", Id, "true").Ok();
    }

    [Test]
    public void List_shows_containers_as_a_table_as_json_and_by_their_ids()
    {
        Start();
        var lines = Runtime("list").Ok().Stdout.Split('\n');
        Assert.That(lines[0], Does.Match("ID +PID +STATUS +BUNDLE +CREATED +OWNER"));
        Assert.That(lines[1], Does.Match($"{Id} +[0-9]+ +running +{Bundle} +[0-9TZ:.-]+ root"));
        Assert.That(JsonNode.Parse(Runtime("list", "-f", "json").Ok().Stdout)!.AsArray().Single()!["status"]!.GetValue<string>(), Is.EqualTo("running"));
        Assert.That(Runtime("list", "-q").Ok().Text, Is.EqualTo(Id));
        Assert.That(Runtime("--root", Directory + "/none", "list").Exits(1).Stderr, Does.Contain("does not exist"));
    }

    [Test]
    public void Ps_shows_the_lines_of_the_containers_processes()
    {
        Start();
        Detached("exec", "-d", Id, "sleep", "999");
        var lines = Runtime("ps", Id).Ok().Text.Split('\n');
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[0], Does.Match("UID +PID +PPID +C +STIME +TTY +TIME +CMD"));
        Assert.That(lines[1..], Has.One.EndsWith("sleep 1000").And.One.EndsWith("sleep 999"));
        Assert.That(Runtime("ps", Id, "-e", "-o", "pid,args").Ok().Text.Split('\n'), Has.Length.EqualTo(3));
    }

    [Test]
    public void Ps_shows_what_it_can_where_the_host_has_no_ps_that_works([Values] bool missing)
    {
        Start();
        var programs = Path.Combine(Directory, "programs" + missing);
        System.IO.Directory.CreateDirectory(programs);
        if (!missing)
        {
            File.WriteAllText(programs + "/ps", "#!/bin/sh\nexit 1\n");
            File.SetUnixFileMode(programs + "/ps", (UnixFileMode)0x1ed);
        }

        Result Ps(params string[] own) =>
            new Command(Paths.Program("bundt-runtime"), ["--root", Directory + "/state", "ps", Id, .. own]).With("PATH", programs).Run();
        var lines = Ps().Ok().Lines;
        var pid = JsonNode.Parse(Runtime("state", Id).Ok().Stdout)!["pid"]!.GetValue<int>();
        Assert.That(lines, Has.Length.EqualTo(2));
        Assert.That(lines[0], Does.Match("^PID +PPID +CMD$"));
        Assert.That(lines[1], Does.Match($"^{pid} +[0-9]+ +sleep 1000$"));
        Assert.That(Ps("-o", "pid").Exits(1).Stderr, Does.Contain(missing ? "the host has no ps" : "ps -o pid ends with exit code 1"));
    }

    [Test]
    public void A_regular_expression_kills_and_deletes_all_containers_whose_id_it_matches()
    {
        Configure(["sleep", "1000"]);
        string[] ids = [Id + "-a1", Id + "-a2", Id + "-b"];
        string Of(string id) => JsonNode.Parse(Runtime("state", id).Ok().Stdout)!["status"]!.GetValue<string>();
        try
        {
            foreach (var id in ids)
            {
                Detached("run", "-d", "-b", Bundle, id);
            }

            Runtime("kill", "--regex", $"^{Id}-a[12]$", "KILL").Ok();
            Eventually.True(() => ids[..2].All(id => Of(id) == "stopped"), "they go on");
            Assert.That(Of(ids[2]), Is.EqualTo("running"));
            Assert.That(Runtime("delete", "-r", $"^{Id}-").Exits(1).Stderr, Does.Contain($"cannot delete container {ids[2]} that is not stopped"));
            Assert.That(Runtime("delete", "--force", "--regex", "").Exits(1).Stderr, Does.Contain("every container"));
            Assert.That(Runtime("list", "-q").Ok().Lines, Is.EqualTo(new[] { ids[2] }), "the one that cannot be deleted keeps no other from it");
            Runtime("delete", "--force", "--regex", "(a|b)$").Ok();
            Assert.That(Runtime("list", "-q").Ok().Text, Is.Empty);
            Runtime("delete", "--regex", ".").Ok();
            Assert.That(Runtime("delete", "--regex", "(").Exits(1).Stderr, Does.Contain("no POSIX extended regular expression"));
        }
        finally
        {
            foreach (var id in ids)
            {
                Runtime("delete", "-f", id);
            }
        }
    }

    [Test]
    public void Kill_of_all_reaches_every_process_of_a_container_in_the_hosts_pid_namespace()
    {
        Start(
            config => config["linux"]!["namespaces"] = new JsonArray([.. config["linux"]!["namespaces"]!.AsArray().Where(ns => ns!["type"]!.GetValue<string>() != "pid").Select(ns => ns!.DeepClone())]),
            "trap '' TERM; sleep 1000 & sleep 1001 & echo up > /up; wait; wait");
        var pids = JsonNode.Parse(Runtime("ps", "-f", "json", Id).Ok().Stdout)!.AsArray();
        Assert.That(pids, Has.Count.EqualTo(3));
        Runtime("kill", "--all", Id, "KILL").Ok();
        Eventually.True(() => Status() == "stopped", "it goes on");
        Eventually.True(() => pids.All(pid => !System.IO.Directory.Exists($"/proc/{pid}") || File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal)), "some live on");
        Assert.That(Runtime("kill", Id).Exits(1).Stderr, Does.Contain("container not running"));
    }

    [Test]
    public void Events_print_statistics_in_one_line()
    {
        Start();
        var line = JsonNode.Parse(Runtime("events", "--stats", Id).Ok().Stdout)!;
        Assert.That((line["type"]!.GetValue<string>(), line["id"]!.GetValue<string>()), Is.EqualTo(("stats", Id)));
        Assert.That(line["data"]!["cpu"]!["usage"]!["total"]!.GetValue<long>(), Is.Positive);
    }

    [Test]
    public void Update_with_nothing_changes_nothing_and_names_a_missing_controller()
    {
        Start();
        Runtime("update", Id).Ok();
        if (!File.ReadAllText(CgroupTree.Mount + "/cgroup.controllers").Contains("memory", StringComparison.Ordinal))
        {
            Assert.That(Runtime("update", Id, "--memory", "10000000").Exits(1).Stderr, Does.Contain("memory controller"));
        }

        Assert.That(Runtime("update", Id, "--memory", "lots").Exits(1).Stderr, Does.Contain("--memory must be a number"));
    }

    [Test]
    public void A_limit_that_cannot_be_written_ends_the_creation_before_the_command()
    {
        File.Delete(Rootfs + "/ran");
        var result = RunScript("echo yes > /ran", config => config["linux"]!["resources"] = new JsonObject { ["unified"] = new JsonObject { ["cgroup.max.depth"] = "no number" } }).Exits(1);
        Assert.That(result.Stderr, Does.Contain("cgroup.max.depth"));
        Assert.That(File.Exists(Rootfs + "/ran"), Is.False);
        Assert.That(System.IO.Directory.Exists(CgroupTree.Mount + "/bundt/" + Id), Is.False);
    }

    [Test]
    public void Hooks_run_at_their_times_with_the_state_on_stdin()
    {
        var log = Path.Combine(Directory, "hooks");
        File.Delete(log);
        Configure(["sh", "-c", "echo command >> /order"], config =>
        {
            var hooks = new JsonObject();
            foreach (var kind in (string[])["prestart", "createRuntime", "createContainer", "poststart", "poststop"])
            {
                hooks[kind] = new JsonArray(Hook($"echo {kind} $(cat | tr -d ' \\n') >> {log}"));
            }

            hooks["startContainer"] = new JsonArray(new JsonObject
            {
                ["path"] = "/bin/sh",
                ["args"] = new JsonArray("sh", "-c", "echo startContainer > /order; cat >> /order"),
                ["env"] = new JsonArray("PATH=/bin"),
            });
            config["hooks"] = hooks;
        });
        Detached("create", "-b", Bundle, Id);
        var pid = JsonNode.Parse(Runtime("state", Id).Ok().Stdout)!["pid"]!.GetValue<int>();
        var created = File.ReadAllLines(log);
        Assert.That(created.Select(line => line.Split(' ')[0]), Is.EqualTo((string[])["prestart", "createRuntime", "createContainer"]));
        var states = created.Select(line => JsonNode.Parse(line[line.IndexOf(' ', StringComparison.Ordinal)..])!).ToArray();
        Assert.That(states.Select(state => state["pid"]!.GetValue<int>()), Is.EqualTo((int[])[pid, pid, 1]), "inside, it is the pid that the container sees");
        Assert.That(states.Select(state => state["status"]!.GetValue<string>()), Is.EqualTo((string[])["created", "creating", "creating"]));

        Runtime("start", Id).Ok();
        Eventually.True(() => Status() == "stopped", "it does not end");
        Assert.That(File.ReadAllText(Rootfs + "/order"), Does.Match("(?s)^startContainer.*\"status\": \"created\".*command\n$"));
        Runtime("delete", Id).Ok();
        Assert.That(File.ReadAllLines(log).Select(line => line.Split(' ')[0]).Skip(3), Is.EqualTo((string[])["poststart", "poststop"]));
    }

    [TestCase("prestart", "create")]
    [TestCase("createRuntime", "create")]
    [TestCase("createContainer", "create")]
    [TestCase("startContainer", "start")]
    public void A_hook_that_fails_says_what_it_said_and_stops_the_container(string kind, string command)
    {
        Configure(["sleep", "1000"], config => config["hooks"] = new JsonObject { [kind] = new JsonArray(Hook("true"), Hook("echo burnt >&2; exit 3")) });
        if (command == "start")
        {
            Detached("create", "-b", Bundle, Id);
        }

        string[] arguments = command == "start" ? ["start", Id] : ["create", "-b", Bundle, Id];
        Assert.That(Runtime(arguments).Exits(1).Stderr, Does.Contain($"error running {kind} hook #1: exit status 3: burnt"));
        if (command == "start")
        {
            Eventually.True(() => Status() == "stopped", "it goes on");
        }
        else
        {
            Assert.That(Runtime("state", Id).Exits(1).Stderr, Does.Contain("does not exist"));
        }
    }

    [TestCase("createRuntime")]
    [TestCase("createContainer")]
    public void A_hook_that_hangs_is_killed_at_its_timeout(string kind)
    {
        Configure(["true"], config =>
        {
            var hook = Hook("exec sleep 1000");
            hook["timeout"] = 1;
            config["hooks"] = new JsonObject { [kind] = new JsonArray(hook) };
        });
        Assert.That(Runtime("run", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain($"error running {kind} hook #0: it was killed at its timeout"));
    }

    [Test]
    public void Of_many_starts_at_once_one_starts_the_container()
    {
        Configure(["sleep", "1000"], config => config["hooks"] = new JsonObject
        {
            ["startContainer"] = new JsonArray(new JsonObject { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", "echo >> /starts; sleep 0.3"), ["env"] = new JsonArray("PATH=/bin") }),
        });
        File.Delete(Rootfs + "/starts");
        Detached("create", "-b", Bundle, Id);
        var results = Enumerable.Range(0, 6).AsParallel().WithDegreeOfParallelism(6).Select(_ => Runtime("start", Id)).ToArray();
        Assert.That(results.Count(result => result.ExitCode == 0), Is.EqualTo(1));
        Assert.That(results.Where(result => result.ExitCode != 0).Select(result => result.Stderr), Is.All.Contains("start"));
        Assert.That(File.ReadAllLines(Rootfs + "/starts"), Has.Length.EqualTo(1));
    }

    [Test]
    public void Who_may_trace_a_created_container_neither_hangs_its_start_nor_says_how_it_went()
    {
        Configure(["sleep", "1000"]);
        Detached("create", "-b", Bundle, Id);
        const string Meddle = """
            for f in /proc/1/fd/*; do [ -p $f ] && exec 9<>$f; done
            printf '\001' | busybox dd of=/proc/1/fd/200 bs=1 seek=8 conv=notrunc
            touch /meddled
            sleep 1000
            """;
        Detached("exec", "-d", "--cap", "CAP_SYS_PTRACE", Id, "sh", "-c", Meddle.Replace("'", "'\\''", StringComparison.Ordinal));
        Eventually.True(() => File.Exists(Rootfs + "/meddled"), "nothing was meddled with");
        Runtime("start", Id).Ok();
        Assert.That(Status(), Is.EqualTo("running"));
    }

    [Test]
    public void A_created_container_ends_when_it_is_asked_to([Values("TERM", "HUP", "INT", "QUIT")] string signal)
    {
        Configure(["sleep", "1000"]);
        Detached("create", "-b", Bundle, Id);
        Runtime("kill", Id, signal).Ok();
        Eventually.True(() => Status() == "stopped", "it still waits");
        Assert.That(Runtime("start", Id).Exits(1).Stderr, Does.Contain("cannot start a container that has stopped"));
    }

    [Test]
    public void A_failed_execution_is_told_by_start()
    {
        File.WriteAllBytes(Rootfs + "/bin/notext", [1, 2, 3, 4]);
        File.SetUnixFileMode(Rootfs + "/bin/notext", (UnixFileMode)0x1ed);
        Configure(["notext"]);
        Detached("create", "-b", Bundle, Id);
        Assert.That(Runtime("start", Id).Exits(1).Stderr, Does.Contain("exec notext: exec format error"));
    }

    [Test]
    public void A_terminal_in_the_foreground_carries_what_is_typed_and_what_is_said()
    {
        Configure(["sh", "-c", "stty size; read x; echo got $x; exit 4"], config =>
        {
            config["process"]!["terminal"] = true;
            config["process"]!["consoleSize"] = new JsonObject { ["height"] = 20, ["width"] = 70 };
        });
        var result = new Command("/bin/sh", "-c", $"echo dough | '{Paths.Program("bundt-runtime")}' --root '{Directory}/state' run -b '{Bundle}' {Id}").Run().Exits(4);
        Assert.That(result.Stdout, Is.EqualTo("20 70\ndough\ngot dough\n").Or.EqualTo("dough\n20 70\ngot dough\n"), "line feeds stay line feeds");
    }

    [Test]
    public void A_terminal_in_the_foreground_takes_more_input_than_it_holds_while_it_says_as_much()
    {
        // Whoever waited with one direction for the other would stand still here. Without echo, which a full terminal drops.
        Configure(["sh", "-c", "stty -echo; echo ready; exec cat"], config => config["process"]!["terminal"] = true);
        var lines = string.Concat(Enumerable.Range(0, 20_000).Select(i => string.Create(CultureInfo.InvariantCulture, $"line {i}\n")));
        var (input, output) = (Path.Combine(Directory, "input"), Path.Combine(Directory, "output"));
        File.WriteAllText(input, lines);
        File.WriteAllText(output, "");
        var run = $"'{Paths.Program("bundt-runtime")}' --root '{Directory}/state' run -b '{Bundle}' {Id}";
        new Command("/bin/sh", "-c", $"(until grep -q ready '{output}'; do sleep 0.02; done; cat '{input}') | {run} > '{output}'").Run().Ok();
        Assert.That(File.ReadAllText(output), Is.EqualTo("ready\n" + lines));
    }

    [Test]
    public void Descriptors_and_activated_sockets_are_passed_on()
    {
        Configure(["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4; ls /proc/self/fd"]);
        var result = new Command("/bin/sh", "-c",
            $"echo three > {Directory}/3; echo four > {Directory}/4; LISTEN_FDS=1 exec '{Paths.Program("bundt-runtime")}' --root '{Directory}/state' run --preserve-fds 1 -b '{Bundle}' {Id} 3<{Directory}/3 4<{Directory}/4 5</dev/null").Run().Ok();
        Assert.That(result.Stdout, Is.EqualTo("1 1\nthree\nfour\n0\n1\n2\n3\n4\n5\n"), "5 is ls's own");
    }

    [Test]
    public void A_container_says_that_it_is_ready_to_the_callers_notify_socket()
    {
        const string Listener = """
            import os, socket, subprocess, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.bind(sys.argv[1])
            env = dict(os.environ, NOTIFY_SOCKET=sys.argv[1])
            null = subprocess.DEVNULL
            for command in ['create', '-b', sys.argv[4], sys.argv[5]], ['start', sys.argv[5]]:
                subprocess.run([sys.argv[2], '--root', sys.argv[3], *command], env=env, check=True, stdin=null, stdout=null, stderr=null)
            s.settimeout(10)
            print(s.recv(4096).decode())
            """;
        const string Service = """
            import os, socket, time
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.sendto(b'STATUS=baking', os.environ['NOTIFY_SOCKET'])
            s.sendto(b'READY=1\nSTATUS=up', os.environ['NOTIFY_SOCKET'])
            time.sleep(1000)
            """;
        Configure(["/usr/bin/python3", "-c", Service], config =>
        {
            foreach (var path in (string[])["/usr", "/lib", "/lib64"])
            {
                config["mounts"]!.AsArray().Add(new JsonObject { ["destination"] = path, ["type"] = "bind", ["source"] = path, ["options"] = new JsonArray("rbind", "ro") });
            }
        });
        var socket = Path.Combine(Directory, "notify.sock");
        var said = new Command("python3", "-c", Listener, socket, Paths.Program("bundt-runtime"), Directory + "/state", Bundle, Id).Run().Ok().Text.Split('\n');
        Assert.That(said[0], Is.EqualTo("READY=1"));
        Assert.That(said[1], Is.EqualTo("MAINPID=" + JsonNode.Parse(Runtime("state", Id).Ok().Stdout)!["pid"]));
    }

    [TestCase("/tmp/kitchen/bell", "/tmp/kitchen/bell/notify")]
    [TestCase("/run/systemd/notify", "/run/notify/notify.sock", TestName = "A_systemd_in_the_container_keeps_the_place_of_its_own_socket")]
    [TestCase("@bell", "/run/notify/notify.sock", TestName = "An_abstract_socket_of_the_caller_has_no_place")]
    [TestCase("/shared/kitchen/bell", "/run/notify/notify.sock", TestName = "What_the_host_shares_is_not_mounted_over")]
    [TestCase("/proc/bell", "/run/notify/notify.sock", TestName = "Nothing_is_put_into_proc")]
    public void The_socket_to_say_ready_on_is_where_the_caller_has_it_unless_it_would_be_in_the_way(string caller, string inside)
    {
        Configure(["sh", "-c", "echo $NOTIFY_SOCKET; [ -S $NOTIFY_SOCKET ] && grep -c \" ${NOTIFY_SOCKET%/*} ro,\" /proc/self/mountinfo"], config =>
            config["mounts"]!.AsArray().Add(new JsonObject { ["destination"] = "/shared", ["type"] = "bind", ["source"] = Directory, ["options"] = new JsonArray("bind") }));
        var result = new Command(Paths.Program("bundt-runtime"), "--root", Directory + "/state", "run", "-b", Bundle, Id).With("NOTIFY_SOCKET", caller).Run().Ok();
        Assert.That(result.Lines, Is.EqualTo((string[])[inside, "1"]));
    }

    [Test]
    public void Features_and_version_tell_of_themselves()
    {
        var features = JsonNode.Parse(Runtime("features").Ok().Stdout)!;
        Assert.That(features["hooks"]!.AsArray(), Has.Count.EqualTo(6));
        Assert.That(features["linux"]!["cgroup"]!["v1"]!.GetValue<bool>(), Is.False);
        Assert.That(Runtime("--version").Ok().Stdout, Does.Match("^bundt-runtime version [0-9.]+.*\ncommit: .*\nspec: 1\\.[0-9]+\\.[0-9]+\n\\+SYSTEMD .*\\+SECCOMP.*\n$"));
    }

    private static JsonObject Hook(string script) => new() { ["path"] = "/bin/sh", ["args"] = new JsonArray("sh", "-c", script) };
}
