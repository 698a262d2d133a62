using System.Diagnostics;
using System.Globalization;

namespace Bundt.Integration.Tests.Fixtures;

/// <summary>
/// A machine for somebody else's engine, that drives bundt-runtime: mount, cgroup, network, IPC and UTS namespaces of its own, in which
/// /sys/fs/cgroup is cgroup v2 alone, /run and /dev/shm are empty, and nothing that is written to /etc and /opt reaches the host.
/// </summary>
public sealed class EngineHost : IDisposable
{
    // The holder must be in the tree's top when the cgroup namespace is made, and nowhere near it when the controllers are turned on.
    private const string Prepare = """
        echo $$ > "$1/cgroup.procs"; exec unshare --cgroup --mount --net --uts --ipc --propagation slave sh -ec '
          echo 0 > "$1/init/cgroup.procs"
          mount -t sysfs sysfs /sys; mount -t cgroup2 cgroup2 /sys/fs/cgroup
          for c in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$c" > /sys/fs/cgroup/cgroup.subtree_control; done
          mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /dev/shm; mkdir /run/lock
          for d in etc opt; do mkdir "$2/$d" "$2/$d.work"; mount -t overlay -o "lowerdir=/$d,upperdir=$2/$d,workdir=$2/$d.work" overlay "/$d"; done
          rm -f /etc/docker/daemon.json; hostname "$3"; ip link set lo up
          echo ready; exec sleep infinity' sh "$@"
        """;

    private const string Enter = "echo 0 > /sys/fs/cgroup/init/cgroup.procs; exec \"$@\"";

    private static int s_count;
    private readonly Process _holder;
    private readonly CgroupTree _cgroups;
    private Process? _daemon;

    /// <summary>Makes it.</summary>
    /// <param name="name">Its host name.</param>
    public EngineHost(string name)
    {
        var number = Interlocked.Increment(ref s_count);
        Directory = Path.Combine(Paths.Work, $"e{number}");
        System.IO.Directory.CreateDirectory(Directory);
        _cgroups = new CgroupTree($"bundt-engine-{Environment.ProcessId}-{number}");
        _holder = new Command("/bin/sh", "-ec", Prepare, "sh", _cgroups.Top, Directory, name).In("/").Start();
        Assert.That(_holder.StandardOutput.ReadLine(), Is.EqualTo("ready"), () => _holder.StandardError.ReadToEnd());
        _cgroups.Holder = _holder.Id;
    }

    /// <summary>Its directory on the host's disk.</summary>
    public string Directory { get; }

    /// <summary>A process in its namespaces.</summary>
    public int Pid => _holder.Id;

    /// <summary>Its /run, as the host sees it.</summary>
    public string Run => $"/proc/{Pid}/root/run";

    /// <summary>Whether cgroup v2 has a controller here.</summary>
    public bool HasController(string name) => File.ReadAllText(Path.Combine(_cgroups.Top, "cgroup.controllers")).Split([' ', '\n']).Contains(name);

    /// <summary>A command on it.</summary>
    public Command Command(string program, params IEnumerable<string> arguments) =>
        new Command("nsenter", ["-t", Number(Pid), "--cgroup", "--mount", "--net", "--uts", "--ipc", "/bin/sh", "-ec", Enter, "sh", program, .. arguments])
            .In("/").With("HOME", Directory);

    /// <summary>A command on it, under a terminal of 33 rows and 99 columns.</summary>
    public Command Terminal(string program, params IEnumerable<string> arguments) =>
        Command("script", "-qec", "stty rows 33 cols 99; " + Line(program, arguments), "/dev/null").With("TERM", "xterm").HoldInput();

    /// <summary>Starts the engine's daemon and waits until it is ready.</summary>
    public void Start(Func<bool> ready, string program, params IEnumerable<string> arguments)
    {
        const string Quiet = "log=$1; shift; exec \"$@\" </dev/null >\"$log\" 2>&1";
        _daemon = Command("/bin/sh", ["-c", Quiet, "sh", Path.Combine(Directory, "log"), program, .. arguments]).Start();
        Eventually.True(() => _daemon.HasExited || ready(), () => $"{program} does not answer:\n{Log()}", 30);
        Assert.That(_daemon.HasExited, Is.False, () => $"{program} has ended:\n{Log()}");
    }

    /// <summary>The last 4,000 characters that its daemon has said.</summary>
    public string Log()
    {
        var file = Path.Combine(Directory, "log");
        var text = File.Exists(file) ? File.ReadAllText(file) : "";
        return text.Length > 4000 ? text[^4000..] : text;
    }

    /// <summary>Ids of the containers that the runtime has in a directory below <see cref="Run"/>. What begins with a dot is its own.</summary>
    public string[] Containers(string state) =>
        [.. System.IO.Directory.GetFileSystemEntries(Path.Combine(Run, state)).Select(path => Path.GetFileName(path)).Where(name => !name.StartsWith('.'))];

    /// <summary>Every process on it ends at once, as if somebody had pulled the plug.</summary>
    public void Die()
    {
        File.WriteAllText(Path.Combine(_cgroups.Top, "cgroup.kill"), "1");
        _holder.WaitForExit();
    }

    /// <summary>Ends the daemon as a service manager does, and looks for what the containers have left.</summary>
    /// <param name="states">Directories below <see cref="Run"/> in which the runtime has kept its containers' state.</param>
    public void NothingIsLeft(params IEnumerable<string> states)
    {
        if (_daemon is { } daemon)
        {
            new Command("/bin/kill", "-TERM", Number(daemon.Id)).Run().Ok();
            Assert.That(daemon.WaitForExit(30_000), Is.True, () => $"the daemon does not end on SIGTERM:\n{Log()}");
        }

        foreach (var state in states)
        {
            var directory = Path.Combine(Run, state);
            Assert.That(System.IO.Directory.Exists(directory), Is.True, $"{directory}: the runtime has not been here");
            Assert.That(Containers(state), Is.Empty, "state of containers that are gone");
        }

        Eventually.True(() => _cgroups.Processes().Count == 0, () => "processes: " + string.Join(", ", _cgroups.Processes().Select(Describe)));
        var cgroups = System.IO.Directory.GetDirectories(_cgroups.Top, "*", SearchOption.AllDirectories);
        Assert.That(cgroups.Where(path => Path.GetFileName(path).Length > 30), Is.Empty, "cgroups of containers");
    }

    /// <summary>Kills whatever is on it, and removes it.</summary>
    public void Dispose()
    {
        _cgroups.Dispose();
        _daemon?.Dispose();
        _holder.Dispose();
        new Command("/bin/rm", "-rf", "--one-file-system", Directory).Run();
    }

    private static string Describe(int pid)
    {
        try
        {
            return $"{pid} {File.ReadAllText($"/proc/{pid}/cmdline").Replace('\0', ' ')}";
        }
        catch (IOException)
        {
            return $"{pid}";
        }
    }

    private static string Line(string program, IEnumerable<string> arguments) =>
        string.Join(' ', arguments.Prepend(program).Select(argument => $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'"));

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
