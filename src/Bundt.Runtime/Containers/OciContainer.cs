using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Files;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Plans;
using Bundt.Runtime.Seccomp;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Containers;

/// <summary>
/// One container of the OCI runtime command line: a directory below the root with state.json and, while it waits for start, the fifo on which
/// its process waits. Nothing of Bundt's runs beside it. The directory comes first and state.json last; in between a link names the cgroup, so
/// that what a killed creation leaves behind can be found.
/// </summary>
public sealed class OciContainer
{
    private const string RecordName = "state.json";
    private const string FifoName = "start";
    private const string LedgerName = "cgroup";
    private const int MaxConfig = 16 << 20;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string _directory;

    private OciContainer(string directory, ContainerRecord record)
    {
        _directory = directory;
        Record = record;
    }

    /// <summary>What is kept of it.</summary>
    public ContainerRecord Record { get; }

    /// <summary>Where it stands now.</summary>
    public ContainerStatus Status
    {
        get
        {
            if (PidFd.ReadStat(Record.Pid) is not { } stat || stat.StartTime != Record.StartTime || stat.State is 'Z' or 'X')
            {
                return ContainerStatus.Stopped;
            }

            // The fifo may have outlived a start that was killed; its reader has not.
            if (Fifo.HasReader(FifoPath))
            {
                return ContainerStatus.Created;
            }

            using var cgroup = OpenCgroup();
            return cgroup?.ReadKey("cgroup.events", "frozen") == "1" ? ContainerStatus.Paused : ContainerStatus.Running;
        }
    }

    private string FifoPath => Path.Combine(_directory, FifoName);

    /// <summary>Creates a container and its process.</summary>
    /// <param name="root">Directory of all containers' state.</param>
    /// <param name="id">The new container's id.</param>
    /// <param name="options">How.</param>
    /// <exception cref="BundtException">Conflict when the id is taken; else what failed. Nothing is left behind.</exception>
    public static OciContainer Create(string root, string id, CreateOptions options)
    {
        CheckId(id);
        var config = LoadConfig(options.Bundle);
        var directory = Path.Combine(root, id);
        MakeDirectory(root, directory);
        try
        {
            var fifo = options.WaitForStart ? Path.Combine(directory, FifoName) : null;
            if (fifo is not null)
            {
                Fifo.Create(fifo);
            }

            return Create(directory, id, config, fifo, options);
        }
        catch
        {
            Remove(directory);
            throw;
        }
    }

    /// <summary>An existing container.</summary>
    /// <exception cref="BundtException">NotFound "container does not exist".</exception>
    public static OciContainer Open(string root, string id)
    {
        CheckId(id);
        var directory = Path.Combine(root, id);
        byte[] json;
        try
        {
            json = File.ReadAllBytes(Path.Combine(directory, RecordName));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"container does not exist: {id}");
        }

        try
        {
            return new OciContainer(directory, ContainerRecord.Decode(json));
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.Internal, Phase.State, $"{directory}/{RecordName} is damaged: {e.Message}", $"Remove {directory} by hand.", e);
        }
    }

    /// <summary>The plan that creating it would run, without running anything.</summary>
    public static LaunchPlan Plan(string id, string bundle)
    {
        var config = LoadConfig(bundle);
        return Compile(id, config, bundle, CgroupPlace.From(CgroupDriver.Cgroupfs, config.Linux?.CgroupsPath, id), null, 0);
    }

    /// <summary>Lets the process of a created container execute its command.</summary>
    public void Start()
    {
        if (Status != ContainerStatus.Created || !Fifo.TrySignal(FifoPath))
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"cannot start a container that is {Status.ToString().ToLowerInvariant()}");
        }

        File.Delete(FifoPath);
    }

    /// <summary>Sends a signal to the first process, or to all of them.</summary>
    public void Kill(int signal, bool all)
    {
        using var process = PidFd.TryOpen(Record.Pid, Record.StartTime);
        var alive = process?.Signal(signal) ?? false;
        if (signal == SignalNames.Kill && (all || !Record.OwnPidNamespace))
        {
            using var cgroup = OpenCgroup();
            cgroup?.Kill();
        }
        else if (!alive && !all)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container not running: {Record.Id}");
        }
    }

    /// <summary>Removes a stopped or created container; with force a running one, which is killed.</summary>
    public void Delete(bool force)
    {
        var status = Status;
        if (status is ContainerStatus.Running or ContainerStatus.Paused && !force)
        {
            throw new BundtException(
                FailureKind.Conflict, Phase.Remove, $"cannot delete container {Record.Id} that is not stopped: {status.ToString().ToLowerInvariant()}",
                "Kill it first, or use --force.");
        }

        using (var process = PidFd.TryOpen(Record.Pid, Record.StartTime))
        {
            process?.Signal(SignalNames.Kill);
        }

        Record.Cgroup.Delete();
        Remove(_directory);
    }

    /// <summary>Removes what a creation that was killed has left: processes, cgroup, directory. Missing is fine.</summary>
    public static void DeleteRemains(string root, string id)
    {
        CheckId(id);
        var directory = Path.Combine(root, id);
        if (!Directory.Exists(directory))
        {
            return;
        }

        // No host path: the link leads nowhere.
        if (new FileInfo(Path.Combine(directory, LedgerName)).LinkTarget is { } ledger)
        {
            CgroupPlace.Parse(ledger)?.Delete();
        }

        Remove(directory);
    }

    private static OciContainer Create(string directory, string id, RuntimeConfig config, string? fifo, CreateOptions options)
    {
        var place = CgroupPlace.From(options.CgroupDriver, config.Linux?.CgroupsPath, id).Claim();
        var plan = Compile(id, config, options.Bundle, place, fifo, options.PreserveFds);
        if (config.Process!.Terminal && options.ConsoleSocket is null)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "process.terminal needs a console socket: use --console-socket");
        }

        if (!config.Process.Terminal && options.ConsoleSocket is not null)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "--console-socket is given, but process.terminal is false");
        }

        File.CreateSymbolicLink(Path.Combine(directory, LedgerName), place.ToString());
        (var cgroup, place) = place.Create(config.Linux?.Resources, config.Annotations);
        using var open = cgroup;
        try
        {
            var launcher = LauncherRun.Start(
                plan, LauncherProgram.Shared, null, new LauncherInputs { Cgroup = cgroup?.Descriptor.Handle, ConsoleSocket = options.ConsoleSocket });
            var report = launcher.WaitUntilExecuted();

            // Once it has handed off and is gone, init is the child of whoever reaps orphans above us.
            launcher.Process.Reap();
            launcher.Process.Dispose();
            var record = new ContainerRecord
            {
                OciVersion = config.OciVersion,
                Id = id,
                Pid = report.InitPid,
                StartTime = PidFd.ReadStartTime(report.InitPid) ?? 0,
                Bundle = options.Bundle,
                Rootfs = Path.GetFullPath(config.Root!.Path, options.Bundle),
                Created = DateTimeOffset.UtcNow,
                Cgroup = place,
                OwnPidNamespace = config.Linux!.Namespaces.Any(ns => ns is { Type: NamespaceType.Pid, Path: null }),
                Annotations = config.Annotations,
            };
            Replace(Path.Combine(directory, RecordName), record.Encode());
            if (options.PidFile is not null)
            {
                Replace(options.PidFile, System.Text.Encoding.ASCII.GetBytes(record.Pid.ToString(CultureInfo.InvariantCulture)));
            }

            return new OciContainer(directory, record);
        }
        catch
        {
            place.Delete();
            throw;
        }
    }

    private static LaunchPlan Compile(string id, RuntimeConfig config, string bundle, CgroupPlace place, string? fifo, int preserve)
    {
        var plan = PlanCompiler.Compile(new PlanRequest
        {
            Id = id,
            Config = WithHome(config, bundle),
            Bundle = bundle,
            Ending = new PlanEnding.HandOff(fifo),
            HasCgroup = place.Driver != CgroupDriver.Disabled,
            CgroupPath = place.Path,
            Filter = SeccompCompiler.Compile(config.Linux?.Seccomp),
        });
        return plan with { Preserve = preserve };
    }

    // The specification leaves HOME to the runtime; everybody expects it to come from passwd.
    private static RuntimeConfig WithHome(RuntimeConfig config, string bundle)
    {
        if (config.Process is not { } process || config.Root is not { } root
            || process.Env.Any(variable => variable.StartsWith("HOME=", StringComparison.Ordinal) && variable.Length > 5))
        {
            return config;
        }

        var home = UserDatabase.LoadRoot(Path.GetFullPath(root.Path, bundle)).Resolve(process.User.Uid.ToString(CultureInfo.InvariantCulture), []).Home;
        return config with { Process = process with { Env = [.. process.Env, "HOME=" + home] } };
    }

    private static RuntimeConfig LoadConfig(string bundle)
    {
        var path = Path.Combine(bundle, "config.json");
        byte[] json;
        try
        {
            json = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"cannot read {path}: {BundtException.Reason(e)}", null, e);
        }

        if (json.Length > MaxConfig)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"{path} is longer than {MaxConfig} bytes");
        }

        try
        {
            return RuntimeConfigReader.Read(json);
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"{path}: {e.Message}", null, e);
        }
    }

    private static void MakeDirectory(string root, string directory)
    {
        Directory.CreateDirectory(root);
        using var parent = DirectoryFd.OpenHost(root);
        var id = Path.GetFileName(directory);
        var errno = parent.TryCreateDirectory(id, OwnerOnly);
        if (errno != Errno.None)
        {
            throw errno == Errno.EEXIST
                ? new BundtException(FailureKind.Conflict, Phase.State, $"container with given ID already exists: {id}")
                : new BundtException(Phase.State, "mkdir", directory, errno);
        }
    }

    private static void Replace(string path, byte[] content)
    {
        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "." + Path.GetFileName(path) + ".new");
        File.WriteAllBytes(beside, content);
        File.Move(beside, path, overwrite: true);
    }

    private static void Remove(string directory)
    {
        foreach (var file in Directory.GetFiles(directory))
        {
            File.Delete(file);
        }

        Directory.Delete(directory);
    }

    // What runc accepts: letters, digits and _+-. but not "." and "..".
    private static void CheckId(string id)
    {
        var valid = id.Length is > 0 and <= 1024 && id is not ("." or "..")
            && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '+' or '-' or '.');
        if (!valid)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"invalid container ID format: \"{id}\"");
        }
    }

    private Cgroup? OpenCgroup() => Record.Cgroup.TryOpen();
}
