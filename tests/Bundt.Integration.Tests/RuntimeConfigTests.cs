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

    private static void Add(JsonNode config, string destination, string type, string source, params string[] options) =>
        config["mounts"]!.AsArray().Add(new JsonObject
        {
            ["destination"] = destination,
            ["type"] = type,
            ["source"] = source,
            ["options"] = new JsonArray([.. options.Select(option => JsonValue.Create(option))]),
        });

    private string Source(string name)
    {
        var source = Path.Combine(Directory, name);
        System.IO.Directory.CreateDirectory(source);
        return source;
    }

    [Test]
    public void A_mount_shows_ids_by_a_map_of_its_own([Values] bool userNamespace)
    {
        var source = Source("ids");
        File.WriteAllText(source + "/file", "");
        var result = RunScript("stat -c '%u %g' /mnt/file", config =>
        {
            Add(config, "/mnt", "bind", source, "bind");
            foreach (var mappings in (string[])["uidMappings", "gidMappings"])
            {
                config["mounts"]!.AsArray()[^1]![mappings] = new JsonArray(new JsonObject { ["containerID"] = 0, ["hostID"] = 100007, ["size"] = 10 });
            }

            if (userNamespace)
            {
                WithUserNamespace(config);
            }
        }).Ok();
        Assert.That(result.Text, Is.EqualTo(userNamespace ? "7 7" : "100007 100007"));
    }

    [Test]
    public void A_bind_shows_what_is_there_whatever_mode_and_size_are_asked_for()
    {
        var source = Source("shaped");
        File.SetUnixFileMode(source, (UnixFileMode)0x1c0);
        var result = RunScript("stat -c %a /mnt", config => Add(config, "/mnt", "bind", source, "bind", "mode=755", "size=1k")).Ok();
        Assert.That(result.Text, Is.EqualTo("700"));
        Assert.That(result.Stderr, Does.Contain("mode=755 is ignored").And.Contains("size=1k is ignored"));
    }

    [Test]
    public void A_bind_with_an_option_that_nobody_knows_is_refused() =>
        Assert.That(
            RunScript("true", config => Add(config, "/mnt", "bind", Source("misspelt"), "bind", "noexce")).Exits(1).Stderr,
            Does.Contain("bind mounts cannot have any filesystem-specific options applied: noexce"));

    [Test]
    public void A_tmpfs_begins_with_what_it_covers_and_leaves_that_alone()
    {
        System.IO.Directory.CreateDirectory(Rootfs + "/data");
        File.WriteAllText(Rootfs + "/data/file", "cake");
        Assert.That(RunScript("cat /data/file; echo bread >/data/file", config => Add(config, "/data", "tmpfs", "tmpfs", "tmpcopyup")).Ok().Text, Is.EqualTo("cake"));
        Assert.That(File.ReadAllText(Rootfs + "/data/file"), Is.EqualTo("cake"));
        Assert.That(RunScript("cat /data/file; echo >/data/file", config => Add(config, "/data", "tmpfs", "tmpfs", "tmpcopyup", "ro")).Exits(1).Stdout, Is.EqualTo("cake"));
    }

    [Test]
    public void A_later_bind_shows_what_an_earlier_one_mounted_in_the_root()
    {
        var source = Source("first");
        File.WriteAllText(source + "/file", "here");
        Assert.That(
            RunScript("cat /second/file", config =>
            {
                Add(config, "/first/below", "bind", source, "bind");
                Add(config, Rootfs + "/second", "bind", Rootfs + "/first/below", "rbind");
            }).Ok().Text,
            Is.EqualTo("here"));
    }

    [Test]
    public void A_link_is_copied_bound_or_followed_as_asked()
    {
        var source = Source("links");
        File.WriteAllText(source + "/file", "content");
        File.CreateSymbolicLink(source + "/link", "file");
        var result = RunScript("readlink /copied; readlink /bound; cat /followed", config =>
        {
            Add(config, "/copied", "bind", source + "/link", "bind", "copy-symlink");
            Add(config, "/bound", "bind", source + "/link", "bind", "src-nofollow", "dest-nofollow");
            Add(config, "/followed", "bind", source + "/link", "bind");
        }).Ok();
        Assert.That(result.Lines, Is.EqualTo(new[] { "file", "file", "content" }));
    }

    [Test]
    public void A_mount_that_is_there_gets_other_options() =>
        Assert.That(
            RunScript("grep ' /dev/shm ' /proc/self/mounts; touch /dev/shm/x", config => Add(config, "/dev/shm", "tmpfs", "shm", "remount", "ro", "size=128k")).Exits(1).Stdout,
            Does.Contain("ro,").And.Contains("size=128k"));

    [Test]
    public void A_proc_that_is_a_link_is_refused()
    {
        var rootfs = Source("linked");
        new Command("/bin/cp", "-a", Rootfs + "/bin", rootfs).Run().Ok();
        File.CreateSymbolicLink(rootfs + "/proc", "/elsewhere");
        Assert.That(RunScript("true", config => config["root"]!["path"] = rootfs).Exits(1).Stderr, Does.Contain("/proc").And.Contains("must be mounted on ordinary directory"));
    }

    [Test]
    public void A_device_of_a_user_namespace_has_its_owner_and_mode()
    {
        var result = RunScript("stat -c '%u %g %a %t %T' /dev/own; cat /dev/own | head -c 0 && grep ' /dev/own ' /proc/self/mounts", config =>
        {
            WithUserNamespace(config);
            config["linux"]!["devices"] = new JsonArray(new JsonObject
            {
                ["path"] = "/dev/own",
                ["type"] = "c",
                ["major"] = 1,
                ["minor"] = 3,
                ["uid"] = 7,
                ["gid"] = 8,
                ["fileMode"] = 0x1a4,
            });
        }).Ok();
        Assert.That(result.Lines[0], Is.EqualTo("7 8 644 1 3"));
        Assert.That(result.Lines[1], Does.Contain("nosuid").And.Contains("noexec"));
    }

    [TestCase("shared", "shared:")]
    [TestCase("slave", "master:|^$")]
    [TestCase("private", "^$")]
    [TestCase("unbindable", "unbindable")]
    public void The_roots_propagation_is_the_configs(string propagation, string expected)
    {
        var root = RunScript("grep ' / / ' /proc/self/mountinfo || grep ' / rw' /proc/self/mountinfo", config => config["linux"]!["rootfsPropagation"] = propagation).Ok().Lines[^1];
        var tags = string.Join(' ', root.Split(" - ")[0].Split(' ').Skip(6));
        Assert.That(tags, Does.Match(expected));
    }

    [Test]
    public void Two_thousand_mounts_come_into_their_places_each()
    {
        var sources = new[] { Path.Combine(Directory, "even"), Path.Combine(Directory, "odd") };
        Array.ForEach(sources, source => File.WriteAllText(source, Path.GetFileName(source) + "\n"));
        var script = "cat /many/0 /many/1 /many/998 /many/1999; cd /many; for i in *; do stat -c %s $i; done | grep -c .; grep -c ' /many' /proc/self/mountinfo; cat /last/file";
        var result = RunScript(script, config =>
        {
            var mounts = config["mounts"]!.AsArray();
            mounts.Add(new JsonObject { ["destination"] = "/many", ["type"] = "tmpfs", ["source"] = "tmpfs" });
            for (var i = 0; i < 2000; i++)
            {
                mounts.Add(i % 500 == 499
                    ? new JsonObject { ["destination"] = $"/many/t{i}", ["type"] = "tmpfs", ["source"] = "tmpfs" }
                    : new JsonObject { ["destination"] = $"/many/{i}", ["type"] = "bind", ["source"] = sources[i % 2], ["options"] = new JsonArray("bind", "ro") });
            }

            mounts.Add(new JsonObject { ["destination"] = "/many/1999", ["type"] = "bind", ["source"] = sources[1], ["options"] = new JsonArray("bind") });
            mounts.Add(new JsonObject { ["destination"] = "/last/file", ["type"] = "bind", ["source"] = sources[0], ["options"] = new JsonArray("bind") });
        }).Ok();
        Assert.That(result.Lines, Is.EqualTo(["even", "odd", "even", "odd", "2001", "2002", "even"]));
    }

    [Test]
    public void An_agent_decides_on_system_calls_of_the_container_and_of_its_execs()
    {
        const string Agent = """
            import fcntl, json, os, socket, struct, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen(1)
            print('listening', flush=True)
            for _ in range(2):
                connection = listener.accept()[0]
                data, fds, _, _ = socket.recv_fds(connection, 65536, 2)
                while not data.endswith(b'}}'): # no string in it ends so
                    data += connection.recv(65536)
                said = json.loads(data)
                call = bytearray(80) # struct seccomp_notif
                fcntl.ioctl(fds[0], 0xc0502100, call)
                number, pid = struct.unpack_from('QI', call)
                fcntl.ioctl(fds[0], 0xc0182101, struct.pack('QqiI', number, 0, -123, 0)) # ENOMEDIUM
                print(said['metadata'], said['fds'], os.path.exists(f"/proc/{said['pid']}"), said['state']['status'], said['state']['id'], said['state']['pid'] == said['pid'], flush=True)
            """;
        var socket = Path.Combine(Directory, "agent.sock");
        Configure(["sh", "-c", "mkdir /mnt/x; exec sleep 1000"], config =>
        {
            config["annotations"] = new JsonObject { ["long"] = new string('a', 300_000) };
            config["linux"]!["seccomp"] = new JsonObject
            {
                ["defaultAction"] = "SCMP_ACT_ALLOW",
                ["listenerPath"] = socket,
                ["listenerMetadata"] = "crumbs",
                ["syscalls"] = new JsonArray(new JsonObject { ["names"] = new JsonArray("mkdir", "mkdirat"), ["action"] = "SCMP_ACT_NOTIFY" }),
            };
        });
        Assert.That(Runtime("create", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain("failed to connect with seccomp agent").And.Contains(socket));
        var config = File.ReadAllText(Bundle + "/config.json");
        File.WriteAllText(Bundle + "/config.json", config.Replace("crumbs", new string('c', 1 << 20), StringComparison.Ordinal));
        Assert.That(Runtime("create", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain("an agent gets at most 1048576 bytes"));
        File.WriteAllText(Bundle + "/config.json", config);
        using var agent = new Command("python3", "-c", Agent, socket).Start();
        try
        {
            Assert.That(agent.StandardOutput.ReadLine(), Is.EqualTo("listening"));
            Detached("create", "-b", Bundle, Id);
            Runtime("start", Id).Ok();
            Assert.That(agent.StandardOutput.ReadLine(), Is.EqualTo($"crumbs ['seccompFd'] True creating {Id} True"));
            Assert.That(Runtime("exec", Id, "mkdir", "/mnt/y").Exits(1).Stderr, Does.Contain("No medium found"));
            Assert.That(agent.StandardOutput.ReadLine(), Does.StartWith("crumbs ['seccompFd'] True running " + Id));
        }
        finally
        {
            if (!agent.HasExited)
            {
                agent.Kill();
            }
        }
    }

    [TestCase("write", "SCMP_ACT_NOTIFY cannot be used for the write syscall")]
    [TestCase("mkdir", "linux.seccomp.listenerPath is missing")]
    public void A_filter_that_could_never_be_answered_is_refused(string call, string words) =>
        Assert.That(
            RunScript("true", config => config["linux"]!["seccomp"] = new JsonObject
            {
                ["defaultAction"] = "SCMP_ACT_ALLOW",
                ["syscalls"] = new JsonArray(new JsonObject { ["names"] = new JsonArray(call), ["action"] = "SCMP_ACT_NOTIFY" }),
            }).Exits(1).Stderr,
            Does.Contain(words));

    [Test]
    public void An_interface_moves_with_its_name_and_its_addresses()
    {
        // In a network namespace that stands for the host's.
        const string Script = """
            ip link add cake type veth peer name plate && ip link set cake mtu 1400 address 02:00:00:00:00:07
            ip address add 10.1.2.3/24 broadcast 10.1.2.254 dev cake && ip address add fd00::7/64 dev cake nodad && ip address add 127.0.0.9/32 scope host dev cake
            "$0" --root "$1" run -b "$2" "$3" </dev/null || exit
            ip link show cake 2>&1
            """;
        Configure(["sh", "-c", "ip address show dev bread; cat /sys/class/net/bread/mtu"], config =>
            config["linux"]!["netDevices"] = new JsonObject { ["cake"] = new JsonObject { ["name"] = "bread" } });
        var result = new Command(
            "/usr/bin/unshare", "-n", "sh", "-c", Script, Paths.Program("bundt-runtime"), Path.Combine(Directory, "state"), Bundle, Id).Run();
        Assert.That(result.Stdout, Does.Contain("10.1.2.3/24 brd 10.1.2.254").And.Contains("fd00::7/64").And.Contains("02:00:00:00:00:07").And.Contains(",UP"), $"{result}");
        Assert.That(result.Stdout, Does.Not.Contain("127.0.0.9").And.Contains("\n1400\n").And.Contains("\"cake\" does not exist"));
    }

    [Test]
    public void An_interface_that_is_not_there_ends_the_creation() =>
        Assert.That(
            RunScript("true", config => config["linux"]!["netDevices"] = new JsonObject { ["nobody0"] = new JsonObject() }).Exits(1).Stderr, Does.Contain("network device nobody0 does not exist"));

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
