using Bundt.Cli.Http;
using Bundt.Cli.Output;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;

namespace Bundt.Cli.Daemon;

/// <summary>
/// Starts the daemon: through its systemd unit where one is installed, else detached from the caller (session, cgroup, environment, umask, descriptors).
/// Returns once the socket answers.
/// </summary>
internal static class DaemonStarter
{
    /// <summary>First argument of the step between this client and a detached daemon; not a command for users.</summary>
    public const string DetachStep = "__start-daemon";

    private const int ReadyDescriptor = 3;
    private const int PatienceMilliseconds = 30_000;

    private static readonly string[] s_unitDirectories = ["/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

    /// <summary>Starts it and waits until it listens.</summary>
    /// <exception cref="BundtException">Unavailable, with the reason that the daemon gave.</exception>
    public static void Start(DaemonAddress address)
    {
        if (!address.CanStart)
        {
            throw new BundtException(FailureKind.Unavailable, Phase.Request, $"no daemon listens on {address.Socket}", "Start one there with: bundt -H unix://" + address.Socket + " --root DIRECTORY --run DIRECTORY daemon start");
        }

        if (address.IsDefault && SystemdUnit() is string unit)
        {
            StartUnit(unit);
        }
        else
        {
            StartDetached(address);
        }
    }

    /// <summary>The part in the child, before it becomes the daemon: out of the caller's cgroup, into a clean working directory and umask.</summary>
    /// <param name="arguments">The daemon's program and arguments.</param>
    public static int DetachAndExecute(ReadOnlySpan<string> arguments)
    {
        LeaveCgroup();
        DetachedProgram.SetUmask(0x12); // 022
        Directory.SetCurrentDirectory("/");
        DetachedProgram.Replace(arguments[0], [.. arguments], DaemonEnvironment());
        return 125;
    }

    /// <summary>The daemon's program: beside this one.</summary>
    public static string DaemonProgram() => Path.Combine(Path.GetDirectoryName(Environment.ProcessPath) ?? "/usr/bin", "bundtd");

    /// <summary>The installed unit's name, when systemd is the init of this system.</summary>
    public static string? SystemdUnit()
    {
        if (!Directory.Exists("/run/systemd/system"))
        {
            return null;
        }

        foreach (string unit in (ReadOnlySpan<string>)["bundt.socket", "bundt.service"])
        {
            if (s_unitDirectories.Any(directory => File.Exists(Path.Combine(directory, unit))))
            {
                return unit;
            }
        }

        return null;
    }

    private static void StartUnit(string unit)
    {
        string systemctl = File.Exists("/usr/bin/systemctl") ? "/usr/bin/systemctl" : "/bin/systemctl";
        int pid = DetachedProgram.Spawn(systemctl, ["systemctl", "start", unit], DaemonEnvironment(), 2, -1, session: false);
        int code = DetachedProgram.Wait(pid);
        if (code != 0)
        {
            throw new BundtException(FailureKind.Unavailable, Phase.Request, $"systemctl start {unit} failed with exit code {code}", "See: systemctl status bundt.service");
        }
    }

    private static void StartDetached(DaemonAddress address)
    {
        string program = DaemonProgram();
        if (!File.Exists(program))
        {
            throw new BundtException(FailureKind.Unavailable, Phase.Request, $"no daemon listens on {address.Socket} and {program} does not exist", "Install bundtd beside bundt, or start the daemon yourself");
        }

        string run = address.Run ?? Path.GetDirectoryName(address.Socket) ?? "/run/bundt";
        Directory.CreateDirectory(run);
        string log = Path.Combine(run, "bundtd.log");
        int output = Descriptors.OpenAppend(log);
        (int ready, int notify) = Descriptors.Pipe();
        try
        {
            List<string> arguments = [Environment.ProcessPath!, DetachStep, program, "--socket", address.Socket];
            if (address.Root is not null)
            {
                arguments.AddRange(["--root", address.Root]);
            }

            if (address.Run is not null)
            {
                arguments.AddRange(["--run", address.Run]);
            }

            int pid = DetachedProgram.Spawn(Environment.ProcessPath!, arguments, DaemonEnvironment(), output, notify, session: true);
            Descriptors.Close(notify);
            notify = -1;
            AwaitReady(ready, pid, log);
        }
        finally
        {
            Descriptors.Close(ready);
            Descriptors.Close(output);
            if (notify >= 0)
            {
                Descriptors.Close(notify);
            }
        }
    }

    // The daemon writes one byte when it listens; the end of file without one means that it ended.
    private static void AwaitReady(int ready, int pid, string log)
    {
        Span<PollEntry> entry = [new PollEntry(ready, PollEntry.In)];
        if (PollEntry.Wait(entry, PatienceMilliseconds) == 0)
        {
            throw new BundtException(FailureKind.Unavailable, Phase.Request, $"the daemon (pid {pid}) did not get ready within {PatienceMilliseconds / 1000} seconds", "See " + log);
        }

        Span<byte> one = stackalloc byte[1];
        if (Descriptors.Read(ready, one) == 1)
        {
            return;
        }

        int code = DetachedProgram.Wait(pid);
        string? last = LastLine(log);
        throw new BundtException(FailureKind.Unavailable, Phase.Request, $"the daemon could not be started (exit code {code}){(last is null ? "" : ": " + last)}", "See " + log);
    }

    private static string? LastLine(string log)
    {
        try
        {
            return File.ReadLines(log).LastOrDefault(line => !string.IsNullOrWhiteSpace(line))?.Trim();
        }
        catch (IOException)
        {
            return null;
        }
    }

    // Only what a daemon may need from its starter: no session, agent or display of the user's.
    private static List<string> DaemonEnvironment()
    {
        List<string> environment = [$"BUNDT_READY_FD={ReadyDescriptor}"];
        foreach (string name in (ReadOnlySpan<string>)["PATH", "HOME", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "DOCKER_CONFIG", "BUNDT_LAUNCHER", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG"])
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value)
            {
                environment.Add(name + "=" + value);
            }
        }

        if (Environment.GetEnvironmentVariable("PATH") is null)
        {
            environment.Add("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        }

        return environment;
    }

    // A session manager that ends the caller's cgroup must not end the daemon with it. Without cgroup v2, or without permission, it stays where it is.
    private static void LeaveCgroup()
    {
        foreach (string hierarchy in (ReadOnlySpan<string>)["/sys/fs/cgroup", "/sys/fs/cgroup/unified"])
        {
            try
            {
                if (File.Exists(Path.Combine(hierarchy, "cgroup.controllers")))
                {
                    string own = Path.Combine(hierarchy, "bundt", "daemon");
                    Directory.CreateDirectory(own);
                    File.WriteAllText(Path.Combine(own, "cgroup.procs"), "0");
                    return;
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                StandardStreams.Error("bundt: the daemon stays in its starter's cgroup: " + BundtException.Reason(e) + "\n");
            }
        }
    }
}
