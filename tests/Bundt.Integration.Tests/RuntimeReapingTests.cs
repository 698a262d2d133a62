using Bundt.Integration.Tests.Fixtures;

namespace Bundt.Integration.Tests;

/// <summary>What conmon and containerd's shim live on: they are subreapers, and learn of a container's and an exec's end by wait(2) alone.</summary>
public sealed class RuntimeReapingTests : RuntimeFixture
{
    // Reaps whatever ends, as soon as it ends; prints the runtime's exit code, and that of the process whose pid stands in the pid file.
    private const string Reaper = """
        import ctypes, os, subprocess, sys
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) # PR_SET_CHILD_SUBREAPER
        pid_file, command = sys.argv[1], sys.argv[2:]
        runtime = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        ended = {}
        while runtime.pid not in ended or not os.path.exists(pid_file) or int(open(pid_file).read()) not in ended:
            pid, status = os.wait()
            ended[pid] = os.waitstatus_to_exitcode(status)
        print(ended[runtime.pid], ended[int(open(pid_file).read())])
        """;

    [Test]
    public void An_exec_that_ends_at_once_is_not_reaped_before_its_pid_is_known()
    {
        Configure(["sleep", "1000"]);
        Detached("run", "-d", "-b", Bundle, Id);
        for (var round = 0; round < 20; round++)
        {
            Assert.That(Reaped("exec", "-d", "--pid-file", PidFile, Id, "sh", "-c", "exit 42"), Is.EqualTo("0 42"));
        }
    }

    [Test]
    public void A_container_that_ends_at_once_is_not_reaped_before_its_pid_is_known()
    {
        Configure(["sh", "-c", "exit 42"]);
        for (var round = 0; round < 20; round++)
        {
            Assert.That(Reaped("run", "-d", "--pid-file", PidFile, "-b", Bundle, Id), Is.EqualTo("0 42"));
            Assert.That(Status(), Is.EqualTo("stopped"));
            Runtime("delete", Id).Ok();
        }
    }

    private string PidFile => Path.Combine(Directory, "reaped.pid");

    private string Reaped(params string[] arguments)
    {
        File.Delete(PidFile);
        return new Command("python3", ["-c", Reaper, PidFile, Paths.Program("bundt-runtime"), "--root", Path.Combine(Directory, "state"), .. arguments]).Run().Ok().Text;
    }
}
