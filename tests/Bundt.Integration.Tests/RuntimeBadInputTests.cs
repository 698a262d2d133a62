using System.Diagnostics;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>Configs, bundles and ids that are broken or hostile: a clear error at once, exit code 1, and nothing left.</summary>
public sealed class RuntimeBadInputTests : RuntimeFixture
{
    /// <summary>One change of a good config, and what is said of it.</summary>
    public sealed record Broken(string Name, Action<JsonNode> Change, string Text)
    {
        public override string ToString() => Name;
    }

    private static readonly Broken[] s_broken =
    [
        Set("process", 5, "process: must be an object, not 5"),
        Set("process", null, "process is missing from the config"),
        Set("process.args", "true", "process.args: must be an array, not a string"),
        Set("process.args", new JsonArray(), "no command specified"),
        Set("process.args", new JsonArray("true", 5), "process.args[1]: must be a string, not 5"),
        Set("process.args", new JsonArray("tr\0ue"), "process.args[0]: contains a NUL character"),
        Set("process.args", new JsonArray("true", new string('x', 200_000)), "Argument list too long"),
        Set("process.cwd", "tmp", "process.cwd: must be an absolute path"),
        Set("process.cwd", "/etc/passwd", "cwd (\"/etc/passwd\") failed: Not a directory"),
        Set("process.user.uid", -1, "process.user.uid: must be a whole number from 0 to 2147483647, not -1"),
        Set("process.user.uid", 1.5, "process.user.uid: must be a whole number"),
        Set("process.user.uid", "root", "process.user.uid: must be a number, not a string"),
        Set("process.user.uid", JsonNode.Parse(new string('9', 100_000)), "process.user.uid: must be a whole number"),
        Set("process.user.uid", JsonNode.Parse("1e999"), "process.user.uid: must be a whole number"),
        Set("process.rlimits", new JsonArray(new JsonObject { ["type"] = "RLIMIT_CAKE", ["hard"] = 1, ["soft"] = 1 }), "RLIMIT_CAKE is no resource limit"),
        Set("process.rlimits", new JsonArray(Limit(10, 100)), "RLIMIT_NOFILE: the soft limit 100 is above the hard limit 10"),
        Set("process.rlimits", new JsonArray(Limit(100, 10), Limit(100, 10)), "process.rlimits[1]: RLIMIT_NOFILE is given twice"),
        Set("process.env", new JsonArray("A=1", "B=\0x"), "process.env[1]: contains a NUL character"),
        Set("hooks", Hook("path", "/bin/true\0x"), "hooks.prestart[0].path: contains a NUL character"),
        Set("hooks", Hook("args", new JsonArray("true", "\0")), "hooks.prestart[0].args[1]: contains a NUL character"),
        Set("hooks", Hook("env", new JsonArray("A=\0")), "hooks.prestart[0].env[0]: contains a NUL character"),
        Set("root", null, "root is missing from the config"),
        Set("root.path", "nowhere", "/nowhere: No such file or directory"),
        Set("root.path", "/etc/passwd", "/etc/passwd: Not a directory"),
        Set("root.path", "root\0fs", "root.path: contains a NUL character"),
        Set("hostname", new string('h', 300), "sethostname"),
        Set("mounts", "none", "mounts: must be an array"),
        Mount(new JsonObject { ["source"] = "x" }, "destination is missing"),
        Mount(new JsonObject { ["destination"] = "/cake", ["type"] = "cakefs", ["source"] = "x" }, "mount cakefs /cake: No such device"),
        Mount(new JsonObject { ["destination"] = "/cake", ["type"] = "tmpfs", ["source"] = "x", ["options"] = new JsonArray("size=cake") }, "size"),
        Mount(new JsonObject { ["destination"] = "/cake", ["type"] = "bind", ["source"] = "/no/such", ["options"] = new JsonArray("bind") }, "bind source path does not exist: /no/such"),
        Set("linux.namespaces", new JsonArray(new JsonObject { ["type"] = "warp" }), "linux.namespaces[0].type: \"warp\" is no kind of namespace"),
        Set("linux.namespaces", new JsonArray(new JsonObject { ["type"] = "uts", ["path"] = "/proc/self/ns/pid" }, new JsonObject { ["type"] = "mount" }), "setns /proc/self/ns/pid"),
        Set("linux.uidMappings", new JsonArray(new JsonObject { ["containerID"] = 0, ["hostID"] = 0, ["size"] = 1 }), "id mappings need a user namespace"),
        Set("linux.seccomp", new JsonObject { ["defaultAction"] = "SCMP_ACT_BAKE" }, "SCMP_ACT_BAKE is no action"),
        Set("linux.sysctl", new JsonObject { ["kernel.panic"] = "1" }, "sysctl kernel.panic is not in a separate kernel namespace"),
        Set("linux.sysctl", new JsonObject { ["net/../kernel/panic"] = "1" }, "is no name of a kernel parameter"),
        Set("linux.devices", new JsonArray(new JsonObject { ["path"] = "/dev/cake", ["type"] = "z" }), "linux.devices[0].type: must be c, u, b or p, not \"z\""),
        Set("hooks", new JsonObject { ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "bin/true" }) }, "hooks.createRuntime[0]: path must be absolute"),
        Set("hooks", new JsonObject { ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/no/such" }) }, "error running createRuntime hook #0"),
        Set("hooks", new JsonObject { ["createRuntime"] = new JsonArray(new JsonObject { ["path"] = "/bin/true", ["timeout"] = 0 }) }, "hooks.createRuntime[0].timeout: must be a whole number from 1"),
        Set("ociVersion", "2.0.0", "version \"2.0.0\" is not supported"),
    ];

    [TestCaseSource(nameof(s_broken))]
    public void A_broken_config_is_refused(Broken broken)
    {
        Configure(["true"], broken.Change);
        Refused(broken.Text);
    }

    [Test]
    public void A_config_that_ends_anywhere_is_refused()
    {
        Configure(["true"]);
        var whole = File.ReadAllBytes(Bundle + "/config.json");
        for (var i = 0; i < 16; i++)
        {
            File.WriteAllBytes(Bundle + "/config.json", whole[..(whole.Length * i / 16)]);
            Refused("malformed JSON in line 1, column ");
        }
    }

    [Test]
    public void Nesting_without_end_is_not_followed()
    {
        foreach (var (open, text) in new[] { ("[", "must be an object, not an array"), ("{\"cake\":", "nested deeper than 64 levels"), ("{\"cake\":[[[[", "nested deeper than 64 levels") })
        {
            File.WriteAllText(Bundle + "/config.json", string.Concat(Enumerable.Repeat(open, 100_000)));
            Refused(text);
        }
    }

    [TestCase("\"root\":{\"path\":\"nowhere\"}", "root: stands twice")]
    [TestCase("\"r\\u006fot\":{}", "ot: stands twice")]
    [TestCase("\"Root\":null", "Root: stands twice")]
    [TestCase("\"annotations\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"1\"}", "annotations.a: stands twice")]
    [TestCase("\"annotations\":{\"a\\u0000\":\"1\"}", "its name contains a NUL character")]
    [TestCase("\"annotations\":{\"\\ud800\":\"1\"}", "its name is not valid Unicode")]
    public void A_field_that_stands_twice_or_has_no_name_is_refused(string field, string text)
    {
        Configure(["true"], config => config.AsObject().Remove("annotations"));
        var good = File.ReadAllText(Bundle + "/config.json");
        File.WriteAllText(Bundle + "/config.json", good[..^1] + "," + field + "}");
        Refused(text);
    }

    [Test]
    public void Names_that_are_data_differ_in_upper_and_lower_case() =>
        RunScript("true", config => config["annotations"] = new JsonObject { ["a"] = "1", ["A"] = "2" }).Ok();

    [Test]
    public void Files_without_end_are_not_read_to_it()
    {
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, Id);
        using (var huge = File.Create(Path.Combine(Directory, "huge")))
        {
            huge.SetLength(1L << 40);
        }

        foreach (var path in (string[])["/dev/zero", Path.Combine(Directory, "huge")])
        {
            var text = Does.Contain(path + " is longer than 16777216 bytes");
            Assert.That(Runtime("exec", "--process", path, Id).Exits(255).Stderr, text);
            Assert.That(Runtime("update", "--resources", path, Id).Exits(1).Stderr, text);
            Assert.That(Runtime("run", "-b", Bundle, "-f", path, Id + "x").Exits(1).Stderr, text);
        }

        Assert.That(Runtime("exec", "--process", Directory, Id).Exits(255).Stderr, Does.Contain($"cannot read {Directory}: Is a directory"));
        var line = $"'{Paths.Program("bundt-runtime")}' --root '{Path.Combine(Directory, "state")}' update -r - {Id} </dev/zero";
        Assert.That(new Command("/bin/sh", "-c", line).Run().Exits(1).Stderr, Does.Contain("stdin is longer than"));
        line = $"echo '{{\"args\":[\"true\"],\"cwd\":\"/\"}}' | '{Paths.Program("bundt-runtime")}' --root '{Path.Combine(Directory, "state")}' exec -p /dev/stdin {Id}";
        new Command("/bin/sh", "-c", line).Run().Ok();
    }

    [Test]
    public void A_config_of_any_size_does_not_eat_the_memory()
    {
        File.WriteAllText(Bundle + "/config.json", "{\"ociVersion\":\"1.2.0\",\"cake\":\"" + new string('x', 20 << 20) + "\"}");
        Refused("is longer than");
    }

    [Test]
    public void A_bundle_that_is_not_there_is_named()
    {
        Assert.That(Runtime("run", "-b", Path.Combine(Directory, "nowhere"), Id).Exits(1).Stderr, Does.Contain("nowhere/config.json: No such file or directory"));
        Assert.That(Runtime("run", "-b", "/etc/passwd", Id).Exits(1).Stderr, Does.Contain("/etc/passwd/config.json"));
        Assert.That(Runtime("run", "-b", Directory, "--config", Bundle, Id).Exits(1).Stderr, Does.Contain($"cannot read {Bundle}: Is a directory"));
    }

    [TestCase("cannot make the root directory /etc/passwd: File exists", "--root", "/etc/passwd", "create", "-b", "{bundle}", "x")]
    [TestCase("state.json: File name too long", "--root", "{long}", "state", "x")]
    [TestCase("--root needs a directory", "--root", "", "list")]
    [TestCase("cannot read {long}: File name too long", "update", "-r", "{long}", "{id}")]
    [TestCase("--interval must be a duration from 1ms to 2400h", "events", "--interval", "99999999999h", "{id}")]
    [TestCase("--interval must be a duration from 1ms to 2400h", "events", "--interval", "0.0000001ms", "{id}")]
    [TestCase("cannot write /proc/config.json: No such file or directory", "spec", "-b", "/proc")]
    [TestCase("cannot write /proc/pid: No such file or directory", "create", "-b", "{bundle}", "--pid-file", "/proc/pid", "x")]
    [TestCase("cannot write /tmp: Is a directory", "create", "-b", "{bundle}", "--pid-file", "/tmp", "x")]
    [TestCase("cannot make the directory /proc/images: No such file or directory", "--criu", "/bin/true", "checkpoint", "--image-path", "/proc/images", "{id}")]
    [TestCase("cannot start /no/such: No such file or directory", "--criu", "/no/such", "checkpoint", "--image-path", "{bundle}", "{id}")]
    public void What_is_wrong_with_a_command_is_said_in_words(string text, params string[] command)
    {
        var longName = "/tmp/" + new string('l', 300);
        string Fill(string word) => word.Replace("{bundle}", Bundle, StringComparison.Ordinal).Replace("{long}", longName, StringComparison.Ordinal).Replace("{id}", Id, StringComparison.Ordinal);
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, Id);
        Assert.That(Runtime([.. command.Select(Fill)]).Exits(1).Stderr, Does.StartWith("bundt-runtime: ").And.Contain(Fill(text)));
    }

    [Test]
    public void An_empty_option_is_none()
    {
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, "--pid-file", "", "--console-socket", "", "--config", "", Id);
        Runtime("--log", "", "exec", "--process", "", "--pid-file", "", "--user", "", Id, "true").Ok();
    }

    [TestCase("")]
    [TestCase(".")]
    [TestCase("..")]
    [TestCase("../cake")]
    [TestCase("/cake")]
    [TestCase("ca/ke")]
    [TestCase("ca ke")]
    [TestCase("ca\nke")]
    [TestCase("käse")]
    [TestCase(".hidden")]
    public void An_id_that_is_none_is_refused_by_every_command(string id)
    {
        Configure(["true"]);
        string[][] commands = [["run", "-b", Bundle, id], ["create", "-b", Bundle, id], ["start", id], ["state", id], ["kill", id], ["delete", id], ["delete", "-f", id], ["exec", id, "true"]];
        foreach (var command in commands)
        {
            Assert.That(Runtime(command).Exits(command[0] == "exec" ? 255 : 1).Stderr, Does.Contain(id.Length == 0 ? "" : "invalid container ID format"), command[0]);
        }
    }

    private void Refused(string text)
    {
        var clock = Stopwatch.StartNew();
        var result = Runtime("run", "-b", Bundle, Id).Exits(1);
        Assert.That(result.Stderr, Does.Contain(text));
        Assert.That(result.Stderr.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1), "one line says it");
        Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(10));
        Assert.That(System.IO.Directory.Exists(Path.Combine(Directory, "state", Id)), Is.False, "the refused container's directory");
        Assert.That(System.IO.Directory.Exists($"{CgroupTree.Mount}/bundt/{Id}"), Is.False, "its cgroup");
    }

    private static JsonObject Limit(int hard, int soft) => new() { ["type"] = "RLIMIT_NOFILE", ["hard"] = hard, ["soft"] = soft };

    private static JsonObject Hook(string field, JsonNode value)
    {
        var hook = new JsonObject { ["path"] = "/bin/true" };
        hook[field] = value;
        return new JsonObject { ["prestart"] = new JsonArray(hook) };
    }

    private static Broken Mount(JsonObject mount, string text) => new($"a mount {mount.ToJsonString()}", config => config["mounts"]!.AsArray().Add(mount.DeepClone()), text);

    private static Broken Set(string path, JsonNode? value, string text)
    {
        var shown = value?.ToJsonString() ?? "null";
        return new Broken($"{path} {(shown.Length > 60 ? shown[..60] : shown)}", config =>
        {
            var names = path.Split('.');
            var node = config;
            foreach (var name in names[..^1])
            {
                node = node[name] ??= new JsonObject();
            }

            node[names[^1]] = value?.DeepClone();
        }, text);
    }
}
