using System.Globalization;
using System.Text.Json.Nodes;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>Tests of bundt-runtime: a bundle with busybox, an id of its own for each test, and nothing left behind it.</summary>
[NonParallelizable]
public abstract class RuntimeFixture
{
    private int _count;

    /// <summary>This fixture's own directory.</summary>
    protected string Directory { get; private set; } = "";

    /// <summary>The test's container.</summary>
    protected string Id { get; private set; } = "";

    /// <summary>The bundle's directory.</summary>
    protected string Bundle => Path.Combine(Directory, "bundle");

    /// <summary>Its root filesystem.</summary>
    protected string Rootfs => Path.Combine(Bundle, "rootfs");

    /// <summary>Makes the bundle.</summary>
    [OneTimeSetUp]
    public void MakeBundle()
    {
        if (!File.Exists(Paths.Program("bundt-runtime")) || !File.Exists("/bin/busybox"))
        {
            Assert.Ignore("needs bundt-runtime (make) and busybox");
        }

        Directory = Path.Combine(Paths.Work, GetType().Name);
        foreach (var name in (string[])["bin", "etc", "proc", "sys", "dev", "mnt"])
        {
            System.IO.Directory.CreateDirectory(Path.Combine(Rootfs, name));
        }

        File.Copy("/bin/busybox", Rootfs + "/bin/busybox");
        foreach (var name in (string[])["sh", "cat", "echo", "sleep", "true", "kill", "ls", "id", "stty", "grep", "mount", "stat", "readlink", "touch", "mkdir", "ip", "cut", "head"])
        {
            File.CreateSymbolicLink($"{Rootfs}/bin/{name}", "busybox");
        }

        File.WriteAllText(Rootfs + "/etc/passwd", "root:x:0:0::/root:/bin/sh\ncook:x:7:8::/kitchen:/bin/sh\n");
    }

    /// <summary>The pid of the first process of <see cref="Id"/>, as "state" tells it.</summary>
    protected int Pid() => JsonNode.Parse(Runtime("state", Id).Ok().Stdout)!["pid"]!.GetValue<int>();

    /// <summary>Gives the test an id.</summary>
    [SetUp]
    public void NewId() => Id = string.Create(CultureInfo.InvariantCulture, $"rt{Environment.ProcessId}-{++_count}");

    /// <summary>Removes the container, and looks for what it has left.</summary>
    [TearDown]
    public void NothingIsLeft()
    {
        Runtime("delete", "-f", Id);
        Assert.That(System.IO.Directory.GetDirectories(CgroupTree.Mount + "/bundt").Select(Path.GetFileName), Does.Not.Contain(Id));
        var state = Path.Combine(Directory, "state");
        var containers = System.IO.Directory.Exists(state) ? System.IO.Directory.GetDirectories(state).Select(Path.GetFileName) : [];
        Assert.That(containers.Where(name => !name!.StartsWith('.')), Is.Empty); // compiled filters are kept for all
    }

    /// <summary>Runs bundt-runtime on this fixture's own containers.</summary>
    protected Result Runtime(params string[] arguments) =>
        new Command(Paths.Program("bundt-runtime"), ["--root", Path.Combine(Directory, "state"), .. arguments]).Run();

    /// <summary>Runs it with its own files as stdio: the container keeps them open, so a pipe would not end with the command.</summary>
    protected void Detached(params string[] arguments)
    {
        var line = string.Join(' ', ((string[])[Paths.Program("bundt-runtime"), "--root", Path.Combine(Directory, "state"), .. arguments]).Select(argument => $"'{argument}'"));
        new Command("/bin/sh", "-c", line + " </dev/null >/dev/null 2>" + Path.Combine(Directory, "stderr")).Run().Ok();
    }

    /// <summary>Writes the bundle's config: that of "spec", changed.</summary>
    protected void Configure(string[] args, Action<JsonNode>? change = null)
    {
        File.Delete(Bundle + "/config.json");
        new Command(Paths.Program("bundt-runtime"), "spec", "-b", Bundle).Run().Ok();
        var config = JsonNode.Parse(File.ReadAllText(Bundle + "/config.json"))!;
        config["process"]!["args"] = new JsonArray([.. args.Select(arg => JsonValue.Create(arg))]);
        config["process"]!["terminal"] = false;
        config["root"]!["readonly"] = false;
        change?.Invoke(config);
        File.WriteAllText(Bundle + "/config.json", config.ToJsonString());
    }

    /// <summary>Runs a shell script in a container to its end.</summary>
    protected Result RunScript(string script, Action<JsonNode>? change = null)
    {
        Configure(["sh", "-c", script], change);
        return Runtime("run", "-b", Bundle, Id);
    }

    /// <summary>Where the container stands.</summary>
    protected string Status() => JsonNode.Parse(Runtime("state", Id).Ok().Stdout)!["status"]!.GetValue<string>();
}
