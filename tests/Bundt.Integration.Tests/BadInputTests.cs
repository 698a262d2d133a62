using System.Text.Json;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What cannot work is refused with one clear sentence and the right exit code, and leaves nothing behind.</summary>
public sealed class BadInputTests : DaemonTests
{
    protected override bool OwnNetwork => false;

    private Registry _registry = null!;
    private Leaks _before = null!;

    [OneTimeSetUp]
    public void StartRegistry() => _registry = new Registry();

    [OneTimeTearDown]
    public void EndRegistry() => _registry?.Dispose();

    [SetUp]
    public void Count() => _before = Leaks.AtRest(Daemon);

    private void Refused(Result result, int code, params string[] words)
    {
        result.Exits(code);
        var lines = result.Stderr.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.Contains("--help", StringComparison.Ordinal) && !l.Contains("Pulling from", StringComparison.Ordinal) && !l.Contains("Unable to find image", StringComparison.Ordinal)).ToArray();
        Assert.That(lines, Has.Length.EqualTo(1).Or.Length.EqualTo(2), $"{result}");
        foreach (var word in words)
        {
            Assert.That(result.Stderr, Does.Contain(word).IgnoreCase, $"{result}");
        }
        Assert.That(result.Stderr, Does.Not.Contain("Exception").And.Not.Contain("   at "), $"{result}");
        Leaks.Settle(Daemon, _before);
    }

    private Result Run(params string[] arguments) => Bundt(["run", "--rm", "--network", "none", .. arguments]);

    [Test]
    public void An_unknown_image() => Refused(Run($"{_registry.Host}/nosuch:1"), 125, "nosuch");

    [Test]
    public void An_unknown_image_that_must_not_be_pulled() => Refused(Run("--pull", "never", "nosuch:1"), 125, "nosuch");

    [TestCase("Upper")]
    [TestCase("a//b")]
    [TestCase("x:bad tag")]
    [TestCase("busybox@sha256:short")]
    public void A_malformed_reference(string reference) => Refused(Run(reference, "true"), 125, "reference");

    [Test]
    public void A_registry_that_is_down()
    {
        using var gone = new Registry();
        gone.Stop();
        Refused(Bundt("pull", $"{gone.Host}/busybox"), 125, gone.Host, "refused");
    }

    [Test]
    public void A_truncated_blob()
    {
        var reference = _registry.Push("redis");
        var blob = LargestBlob(reference);
        var bytes = File.ReadAllBytes(blob);
        File.WriteAllBytes(blob, bytes[..(bytes.Length / 2)]);
        Refused(Bundt("pull", reference), 125, "sha256:");
        File.WriteAllBytes(blob, bytes);
        Bundt("pull", reference).Ok();
        Bundt("rmi", reference).Ok();
    }

    [Test]
    public void A_blob_with_a_wrong_digest()
    {
        var reference = _registry.Push("apache2");
        var blob = LargestBlob(reference);
        var bytes = File.ReadAllBytes(blob);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(blob, bytes);
        Refused(Bundt("pull", reference), 125, "sha256:");
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(blob, bytes);
    }

    [Test]
    public void A_layer_with_a_wrong_diff_id() => Refused(Bundt("load", "-i", Hostile("wrong-diffid")), 125, "content of", "sha256:");

    [Test]
    public void An_archive_that_ends_early()
    {
        var half = Path.Combine(Paths.Work, "half.tar");
        File.WriteAllBytes(half, File.ReadAllBytes(Fixture.Archive("redis"))[..500_000]);
        Refused(Bundt("load", "-i", half), 125, "end");
    }

    [Test]
    public void A_full_disk_during_unpacking()
    {
        using var small = new Daemon("mount -t tmpfs -o size=60m tmpfs \"$ROOT\"", []);
        var result = small.Bundt("load", "-i", Fixture.Archive("redis")).Run().Exits(125);
        Assert.That(result.Stderr, Does.Contain("No space left on device"));
        small.Load("busybox");
        Assert.That(small.Bundt("run", "--rm", "--network", "none", "busybox", "df", "-m", "/").Run().Ok().Stdout, Does.Not.Contain("100%"));
        Assert.That(small.Bundt("images", "-q").Run().Ok().Lines, Has.Length.EqualTo(1));
    }

    [Test]
    public void A_program_of_another_architecture()
    {
        var program = Path.Combine(Paths.Work, "alien");
        var elf = new byte[4096];
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(elf, 0);
        (elf[16], elf[18], elf[20]) = (2, 243, 1); // an executable for RISC-V
        File.WriteAllBytes(program, elf);
        File.SetUnixFileMode(program, (UnixFileMode)0b111_101_101);
        Refused(Run("-v", $"{program}:/alien", "busybox", "/alien"), 126, "/alien", "format");
    }

    [Test]
    public void A_script_whose_interpreter_is_missing()
    {
        var script = Path.Combine(Paths.Work, "script");
        File.WriteAllText(script, "#!/no/such/interpreter\n");
        File.SetUnixFileMode(script, (UnixFileMode)0b111_101_101);
        Refused(Run("-v", $"{script}:/script", "busybox", "/script"), 127, "/script", "interpreter");
    }

    [Test]
    public void A_missing_command() => Refused(Run("busybox", "nosuch"), 127, "nosuch");

    [Test]
    public void A_command_that_is_not_executable() => Refused(Run("busybox", "/etc/passwd"), 126, "/etc/passwd", "permission denied");

    [Test]
    public void An_unknown_user() => Refused(Run("-u", "nosuch", "busybox", "true"), 125, "nosuch");

    [Test]
    public void A_duplicate_name()
    {
        var id = Bundt("create", "--name", "double", "busybox", "true").Ok().Text;
        _before = Leaks.AtRest(Daemon);
        Refused(Bundt("run", "--name", "double", "busybox", "true"), 125, "double", id[..12]);
        Bundt("rm", "double").Ok();
    }

    [TestCase("--memory", "1k", "memory")]
    [TestCase("--memory", "lots", "lots")]
    [TestCase("--cpus", "-1", "cpu")]
    [TestCase("--pids-limit", "many", "many")]
    [TestCase("--ulimit", "nofile=9:8", "nofile")]
    [TestCase("--ulimit", "nosuch=1", "nosuch")]
    [TestCase("--cpuset-cpus", "9-1", "cpuset")]
    [TestCase("--shm-size", "x", "x")]
    [TestCase("--stop-signal", "SIGNOSUCH", "SIGNOSUCH")]
    [TestCase("-v", "relative/path:/x:zz", "zz")]
    [TestCase("--tmpfs", "relative", "relative")]
    public void An_invalid_value(string option, string value, string word) => Refused(Run(option, value, "busybox", "true"), 125, word);

    [Test]
    public void An_unknown_network() => Refused(Bundt("run", "--rm", "--network", "nosuch", "busybox", "true"), 125, "nosuch");

    [Test]
    public void An_unknown_option() => Refused(Run("--nosuch", "busybox"), 125, "--nosuch");

    [Test]
    public void An_unknown_command() => Assert.That(Bundt("nosuchcommand").ExitCode, Is.Not.Zero);

    [Test]
    public void A_damaged_state_file_harms_its_own_container_only()
    {
        using var daemon = new Daemon();
        daemon.Load("busybox");
        var damaged = daemon.Bundt("run", "-d", "--name", "damaged", "--network", "none", "busybox", "true").Run().Ok().Text;
        daemon.Bundt("run", "--name", "whole", "--network", "none", "busybox", "sh", "-c", "exit 4").Run().Exits(4);
        daemon.Bundt("wait", "damaged").Run().Ok();
        daemon.Kill();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(daemon.Root, "containers", damaged), "*.json"))
        {
            File.WriteAllText(file, "{ \"Id\": \"" + new string('x', 100));
        }
        daemon.Start();
        var whole = JsonDocument.Parse(daemon.Bundt("inspect", "whole").Run().Ok().Stdout).RootElement[0];
        Assert.That(whole.GetProperty("State").GetProperty("ExitCode").GetInt32(), Is.EqualTo(4));
        Assert.That(daemon.Bundt("run", "--rm", "--network", "none", "busybox", "echo", "on").Run().Ok().Text, Is.EqualTo("on"));
        Assert.That(daemon.Log(), Does.Contain(damaged[..12]), "the log names what was quarantined");
    }

    private static readonly Lazy<string> s_hostile = new(() =>
    {
        var directory = Path.Combine(Paths.Work, "hostile");
        new Command(Path.Combine(Paths.Repository, "rootfs-fixtures/hostile/make"), directory, Path.Combine(Paths.Work, "canary")).Run().Ok();
        return directory;
    });

    private static string Hostile(string name) => Path.Combine(s_hostile.Value, name + ".tar");

    /// <summary>Archives whose entries try to leave the layer: whatever becomes of them, the canary stays as it was.</summary>
    [Test]
    public void No_layer_reaches_what_lies_outside()
    {
        var canary = Directory.CreateDirectory(Path.Combine(Paths.Work, "canary")).FullName;
        File.WriteAllText(Path.Combine(canary, "hello"), "untouched");
        var time = File.GetLastWriteTimeUtc(Path.Combine(canary, "hello"));
        var mode = File.GetUnixFileMode(Path.Combine(canary, "hello"));
        var tried = 0;
        foreach (var archive in Directory.EnumerateFiles(s_hostile.Value, "escape-*.tar"))
        {
            tried++;
            var name = Path.GetFileNameWithoutExtension(archive);
            var result = Bundt("load", "-i", archive);
            if (result.ExitCode == 0)
            {
                Bundt("run", "--rm", "--network", "none", "--entrypoint", "/bin/true", $"{name}:latest");
                Bundt("rmi", "-f", $"{name}:latest");
            }
            Assert.That(result.Stderr, Does.Not.Contain("Exception"), $"{result}");
            Assert.That(Directory.GetFileSystemEntries(canary), Has.Length.EqualTo(1), name);
            Assert.That(File.ReadAllText(Path.Combine(canary, "hello")), Is.EqualTo("untouched"), name);
            Assert.That((File.GetLastWriteTimeUtc(Path.Combine(canary, "hello")), File.GetUnixFileMode(Path.Combine(canary, "hello"))), Is.EqualTo((time, mode)), name);
        }
        Assert.That(tried, Is.GreaterThan(10));
        Leaks.Settle(Daemon, _before);
    }

    private string LargestBlob(string reference)
    {
        var manifest = JsonDocument.Parse(new Command("skopeo", "inspect", "--raw", "--tls-verify=false", $"docker://{reference}").Run().Ok().Stdout);
        var layer = manifest.RootElement.GetProperty("layers").EnumerateArray().MaxBy(l => l.GetProperty("size").GetInt64());
        return _registry.BlobFile(layer.GetProperty("digest").GetString()!);
    }
}
