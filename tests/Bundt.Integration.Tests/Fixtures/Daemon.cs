using System.Diagnostics;
using System.Net.Sockets;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>
/// A bundtd of its own: directories, socket and cgroup tree are this test's alone. It runs in a private mount namespace (where
/// cgroup2 shows that tree) and, unless a test needs what is on the machine's, in a network namespace of its own: it may make bridges there, rules of
/// the packet filter, and routes.
/// </summary>
public sealed class Daemon : IDisposable
{
    private static int s_count;
    private readonly string[] _options;
    private readonly bool _ownNetwork;
    private readonly string _directory;
    private readonly Process _holder;
    private Process? _process;

    /// <summary>Starts a daemon and waits until it answers.</summary>
    /// <param name="options">Further options of bundtd.</param>
    public Daemon(params string[] options)
        : this("", options)
    {
    }

    /// <summary>Starts a daemon after a preparation, and waits until it answers.</summary>
    /// <param name="prepare">Shell commands for the private mount namespace; $ROOT is the daemon's --root, which is there then.</param>
    /// <param name="options">Further options of bundtd.</param>
    /// <param name="ownNetwork">
    /// It has a network namespace of its own. Without, it shares that of the tests (a registry on its loopback, say), which it must never change: its
    /// containers have no network then.
    /// </param>
    public Daemon(string prepare, string[] options, bool ownNetwork = true)
    {
        _options = ownNetwork ? options : ["--bridge", "none", .. options];
        _ownNetwork = ownNetwork;
        var name = $"{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        _directory = Path.Combine(Paths.Work, $"d{s_count}");
        Directory.CreateDirectory(_directory);
        Cgroups = new CgroupTree($"bundt-test-{name}");
        Directory.CreateDirectory(Root);
        _holder = Hold(prepare);
        try
        {
            Start();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>A daemon in the tests' own network namespace.</summary>
    /// <param name="options">Further options of bundtd.</param>
    public static Daemon OnTestsNetwork(params string[] options) => new("", options, ownNetwork: false);

    /// <summary>The daemon's --root.</summary>
    public string Root => Path.Combine(_directory, "root");

    /// <summary>The daemon's --run.</summary>
    public string Run => Path.Combine(_directory, "run");

    /// <summary>Its socket.</summary>
    public string Socket => Path.Combine(_directory, "s");

    /// <summary>Its standard error, of all its lives.</summary>
    public string LogFile => Path.Combine(_directory, "log");

    /// <summary>The cgroups it lives in.</summary>
    public CgroupTree Cgroups { get; }

    /// <summary>The process id of its present life.</summary>
    public int Pid => _process!.Id;

    /// <summary>A command on its host: in its network namespace.</summary>
    public Command OnHost(params IEnumerable<string> command) => new("nsenter", ["-t", $"{_holder.Id}", "--net", .. command]);

    /// <summary>Starts it (again) and waits until it answers.</summary>
    public void Start()
    {
        // nsenter and the shell replace one another, so that the process we hold is the daemon.
        const string Enter = "echo 0 > \"$1/init/cgroup.procs\"; log=$2; shift 2; exec \"$@\" </dev/null >>\"$log\" 2>&1";
        _process = new Command("nsenter", ["-t", $"{_holder.Id}", "--cgroup", "--mount", "--net", "/bin/sh", "-ec", Enter, "sh", CgroupTree.Mount, LogFile,
            Paths.Program("bundtd"), "--root", Root, "--run", Run, "--socket", Socket, .. _options]).In("/").Start();
        Eventually.True(() => _process.HasExited || Accepts(), () => $"the daemon's socket does not accept:\n{Log()}", 20);
        Assert.That(_process.HasExited, Is.False, () => $"the daemon has ended with {_process.ExitCode}:\n{_process.StandardError.ReadToEnd()}{Log()}");
    }

    /// <summary>SIGKILL, as a crash would be; containers go on.</summary>
    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>SIGTERM, as systemd stops it; containers go on.</summary>
    public void Stop()
    {
        new Command("/bin/kill", "-TERM", $"{Pid}").Run();
        Assert.That(_process!.WaitForExit(15000), Is.True, () => $"the daemon does not end on SIGTERM:\n{Log()}");
        _process.Dispose();
    }

    /// <summary>The daemon's own messages, the last 8,000 characters.</summary>
    public string Log()
    {
        var text = File.Exists(LogFile) ? File.ReadAllText(LogFile) : "";
        return text.Length > 8000 ? text[^8000..] : text;
    }

    /// <summary>A bundt command on this daemon.</summary>
    public Command Bundt(params IEnumerable<string> arguments) =>
        new Command(Paths.Program("bundt"), arguments).With("BUNDT_HOST", $"unix://{Socket}").With("HOME", Paths.Work);

    /// <summary>A command of the unmodified docker client on this daemon.</summary>
    public Command Docker(params IEnumerable<string> arguments) =>
        new Command(Environment.GetEnvironmentVariable("DOCKER") ?? "docker", arguments).With("DOCKER_HOST", $"unix://{Socket}").With("HOME", Paths.Work);

    /// <summary>A bundt command under a terminal of the given size: its output is what a user would see.</summary>
    public Command Terminal(string input, params IEnumerable<string> arguments)
    {
        var line = string.Join(' ', arguments.Select(a => $"'{a.Replace("'", "'\\''", StringComparison.Ordinal)}'"));
        return new Command("script", "-qec", $"stty rows 33 cols 99; '{Paths.Program("bundt")}' {line}", "/dev/null")
            .With("BUNDT_HOST", $"unix://{Socket}").With("HOME", Paths.Work).With("TERM", "xterm").Input(input);
    }

    /// <summary>Loads an image of rootfs-fixtures.</summary>
    public void Load(string fixture) => Bundt("load", "-i", Fixture.Archive(fixture)).Within(300).Run().Ok();

    /// <summary>Kills the daemon and all its containers, and removes its directories.</summary>
    public void Dispose()
    {
        Cgroups.Dispose();
        _process?.Dispose();
        _holder.Dispose();
        new Command("/bin/rm", "-rf", "--one-file-system", _directory).Run();
    }

    /// <summary>
    /// A process that keeps the namespaces of all lives of this daemon. It must be in the tree's top when the cgroup namespace is made,
    /// and nowhere near it when the controllers are turned on.
    /// </summary>
    private Process Hold(string prepare)
    {
        const string Enter = """
            echo $$ > "$1/cgroup.procs"; exec unshare $4 --cgroup --mount --propagation slave sh -ec '
              echo 0 > "$1/init/cgroup.procs"
              umount "$2"; mount -t cgroup2 cgroup2 "$2"
              for c in $(cat "$2/cgroup.controllers"); do echo "+$c" > "$2/cgroup.subtree_control"; done
              [ -z "$4" ] || ip link set lo up
              eval "$3"
              echo ready; exec sleep infinity' sh "$@"
            """;
        var holder = new Command("/bin/sh", "-ec", Enter, "sh", Cgroups.Top, CgroupTree.Mount, prepare, _ownNetwork ? "--net" : "").In("/").With("ROOT", Root).Start();
        Assert.That(holder.StandardOutput.ReadLine(), Is.EqualTo("ready"), () => holder.StandardError.ReadToEnd());
        Cgroups.Holder = holder.Id;
        return holder;
    }

    // It must answer, too: the socket of a daemon that was killed amid a spawn accepts until the child is executed.
    private bool Accepts()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 5000 };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Socket));
            socket.Send("GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n"u8);
            return socket.Receive(new byte[12]) == 12;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
