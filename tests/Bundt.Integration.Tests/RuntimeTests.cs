using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>bundt-runtime as containerd, podman and dockerd call it.</summary>
public sealed partial class RuntimeTests : RuntimeFixture
{
    private const int SetChildSubreaper = 36;

    [Test]
    public void Run_gives_output_and_exit_code_of_the_command()
    {
        var result = RunScript("echo out; echo err >&2; exit 7").Exits(7);
        Assert.That((result.Stdout, result.Stderr), Is.EqualTo(("out\n", "err\n")));
    }

    [Test]
    public void Home_comes_from_the_containers_passwd() =>
        Assert.That(RunScript("echo $HOME", config => config["process"]!["user"] = new JsonObject { ["uid"] = 7, ["gid"] = 8 }).Ok().Text, Is.EqualTo("/kitchen"));

    [TestCase("nosuch", "executable file not found in $PATH")]
    [TestCase("/no/such", "no such file or directory")]
    [TestCase("/etc/passwd", "permission denied")]
    public void A_command_that_cannot_run_is_explained(string command, string text)
    {
        Configure([command]);
        Assert.That(Runtime("run", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain(text));
    }

    [Test]
    public void The_last_error_stands_in_the_log_as_json()
    {
        Configure(["nosuch"]);
        var log = Path.Combine(Directory, "log.json");
        Runtime("--log", log, "--log-format", "json", "create", "-b", Bundle, Id).Exits(1);
        var line = JsonNode.Parse(File.ReadAllLines(log)[^1])!;
        Assert.That((line["level"]!.GetValue<string>(), line["msg"]!.GetValue<string>()), Is.EqualTo(("error", "exec: \"nosuch\": executable file not found in $PATH")));
    }

    [Test]
    public void A_wrong_config_names_the_field()
    {
        Configure(["true"], config => config["linux"]!["namespaces"]!.AsArray().Add(new JsonObject { ["type"] = "warp" }));
        Assert.That(Runtime("run", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain("linux.namespaces["));
    }

    [Test]
    public void A_container_goes_from_created_to_running_to_stopped()
    {
        Configure(["sleep", "1000"]);
        var pidFile = Path.Combine(Directory, "pid");
        Detached("create", "-b", Bundle, "--pid-file", pidFile, Id);
        Assert.That(Status(), Is.EqualTo("created"));
        Assert.That(Runtime("create", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain("already exists"));
        Runtime("start", Id).Ok();
        Assert.That(Status(), Is.EqualTo("running"));
        Assert.That(Runtime("start", Id).Exits(1).Stderr, Does.Contain("running"));
        Assert.That(Runtime("delete", Id).Exits(1).Stderr, Does.Contain("not stopped"));
        var pid = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
        Assert.That(File.ReadAllText($"/proc/{pid}/cmdline"), Is.EqualTo("sleep\0" + "1000\0"));
        Runtime("kill", Id, "KILL").Ok();
        Eventually.True(() => Status() == "stopped", "killed, but not stopped");
        Assert.That(Runtime("kill", Id).Exits(1).Stderr, Does.Contain("not running"));
        Runtime("delete", Id).Ok();
        Assert.That(Runtime("state", Id).Exits(1).Stderr, Does.Contain("does not exist"));
    }

    [Test]
    public void A_container_without_a_process_can_be_created_and_entered_but_not_started()
    {
        Configure(["true"], config => config.AsObject().Remove("process"));
        Assert.That(Runtime("run", "-b", Bundle, Id).Exits(1).Stderr, Does.Contain("process is missing from the config"));
        Detached("create", "-b", Bundle, Id);
        Assert.That(Runtime("start", Id).Exits(1).Stderr, Does.Contain("process is missing from the config: there is nothing to start"));
        Assert.That(Status(), Is.EqualTo("created"));
        var process = Path.Combine(Directory, "process.json");
        File.WriteAllText(process, """{ "cwd": "/", "args": ["/bin/echo", "bread"] }""");
        Assert.That(Runtime("exec", "--process", process, Id).Ok().Text, Is.EqualTo("bread"));
        Runtime("delete", Id).Ok();
    }

    [Test]
    public void A_start_that_is_killed_behind_its_signal_leaves_no_container_that_seems_to_wait()
    {
        Configure(["sleep", "1000"]);
        Detached("create", "-b", Bundle, Id);
        File.WriteAllBytes(Path.Combine(Directory, "state", Id, "exec.fifo"), [1]);
        Eventually.True(() => Status() == "running", "it still seems to wait");
        Assert.That(Runtime("delete", Id).Exits(1).Stderr, Does.Contain("not stopped"));
    }

    [Test]
    public void A_creation_that_is_killed_at_any_moment_leaves_nothing_that_cannot_be_deleted()
    {
        Configure(["sleep", "1000"]);
        for (var round = 0; round < 40; round++)
        {
            var arguments = new[] { "--root", Path.Combine(Directory, "state"), "create", "-b", Bundle, Id };
            using var create = Process.Start(new ProcessStartInfo(Paths.Program("bundt-runtime"), arguments))!;
            Thread.Sleep(TimeSpan.FromMilliseconds(round * 0.3));
            create.Kill();
            create.WaitForExit();
            Runtime("delete", "-f", Id).Ok();
            NothingIsLeft();
        }
    }

    [Test]
    public void A_root_that_does_not_exist_is_no_bind_mount()
    {
        var error = RunScript("true", config =>
        {
            config["root"]!["path"] = "nowhere";
            config["process"]!["env"]!.AsArray().Add("HOME=/"); // so that nobody looks for a passwd there
        }).Exits(1).Stderr;
        Assert.That(error, Does.Contain(Bundle + "/nowhere").And.Not.Contain("bind source"));
    }

    [Test]
    public void The_subreaper_above_reaps_the_process_of_the_pid_file_with_its_exit_code()
    {
        Assert.That(prctl(SetChildSubreaper, 1, 0, 0, 0), Is.Zero);
        try
        {
            Configure(["sh", "-c", "exit 42"]);
            var pidFile = Path.Combine(Directory, "pid");
            Detached("create", "-b", Bundle, "--pid-file", pidFile, Id);
            var pid = int.Parse(File.ReadAllText(pidFile), CultureInfo.InvariantCulture);
            Runtime("start", Id).Ok();
            Assert.That(waitpid(pid, out var status, 0), Is.EqualTo(pid), "the container's process is a child of the subreaper");
            Assert.That(status >> 8 & 0xff, Is.EqualTo(42));
            Assert.That(Status(), Is.EqualTo("stopped"));
        }
        finally
        {
            _ = prctl(SetChildSubreaper, 0, 0, 0, 0);
        }
    }

    [Test]
    public void A_signal_to_the_foreground_reaches_the_container()
    {
        Configure(["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.1; done"]);
        using var process = Process.Start(new ProcessStartInfo(
            Paths.Program("bundt-runtime"), ["--root", Path.Combine(Directory, "state"), "run", "-b", Bundle, Id])
        { RedirectStandardOutput = true })!;
        Assert.That(process.StandardOutput.ReadLine(), Is.EqualTo("ready"));
        Eventually.True(() => Runtime("state", Id).ExitCode == 0, "no state");
        new Command("/bin/kill", "-TERM", process.Id.ToString(CultureInfo.InvariantCulture)).Run().Ok();
        Assert.That(process.WaitForExit(10_000));
        Assert.That(process.ExitCode, Is.EqualTo(9));
    }

    [Test]
    public void ADirectory_of_the_workingDirectory_that_is_a_leak_is_refused()
    {
        for (var descriptor = 3; descriptor < 24; descriptor++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}");
            var result = RunScript("cat ../../../../etc/hostname", config => config["process"]!["cwd"] = path);
            Assert.That(result.ExitCode, Is.Not.Zero, path);
            Assert.That(result.Stdout, Is.Empty, path);
        }
    }

    [Test]
    public void A_dev_that_is_a_link_out_of_the_root_leaves_the_host_alone()
    {
        var outside = Path.Combine(Directory, "outside");
        System.IO.Directory.CreateDirectory(outside);
        var rootfs = Path.Combine(Directory, "hostile");
        new Command("/bin/cp", "-a", Bundle + "/rootfs", rootfs).Run().Ok();
        new Command("/bin/rm", "-rf", rootfs + "/dev", rootfs + "/sys").Run().Ok();
        File.CreateSymbolicLink(rootfs + "/dev", outside);
        File.CreateSymbolicLink(rootfs + "/sys", outside);
        RunScript("true", config => config["root"]!["path"] = rootfs);
        Assert.That(System.IO.Directory.GetFileSystemEntries(outside), Is.Empty);
    }

    [Test]
    public void The_console_socket_gets_the_master_of_the_containers_terminal()
    {
        const string Receiver = """
            import os, socket, sys
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(sys.argv[1])
            listener.listen(1)
            print('listening', flush=True)
            data, fds, _, _ = socket.recv_fds(listener.accept()[0], 1024, 2)
            print(data.decode(), len(fds), os.isatty(fds[0]), flush=True)
            os.write(fds[0], b'bread\n')
            while True:
                try:
                    piece = os.read(fds[0], 1024)
                except OSError: # EIO: nobody has the slave any more
                    break
                sys.stdout.buffer.write(piece)
            """;
        Configure(["sh", "-c", "stty size; tty=$(ls -l /dev/console); echo ${#tty}; read x; echo got $x >/dev/console; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all three"], config =>
        {
            config["process"]!["terminal"] = true;
            config["process"]!["consoleSize"] = new JsonObject { ["height"] = 33, ["width"] = 99 };
        });
        var socket = Path.Combine(Directory, "console.sock");
        using var receiver = new Command("python3", "-c", Receiver, socket).Start();
        try
        {
            Assert.That(receiver.StandardOutput.ReadLine(), Is.EqualTo("listening"));
            Runtime("create", "--console-socket", socket, "-b", Bundle, Id).Ok();
            Assert.That(receiver.StandardOutput.ReadLine(), Is.EqualTo("/dev/ptmx 1 True"));
            Runtime("start", Id).Ok();
            var seen = receiver.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(30)).GetAwaiter().GetResult();
            Assert.That(seen, Does.Contain("33 99\r\n").And.Contains("got bread\r\n").And.Contains("all three\r\n"));
        }
        finally
        {
            if (!receiver.HasExited)
            {
                receiver.Kill();
            }
        }
    }

    [Test]
    public void The_plan_is_printed_without_running_anything()
    {
        Configure(["true"]);
        var result = new Command(Paths.Program("bundt-runtime"), "plan", "-b", Bundle).Run().Ok();
        Assert.That(result.Stdout, Does.Contain("pivot_root").And.Contain("set no_new_privs"));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, out int status, int options);
}
