using System.Globalization;
using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Files;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Limits;
using Bundt.Runtime.Plans;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Containers;

/// <summary>
/// One container of the OCI runtime command line, known by its directory below the root. Nothing of Bundt's runs beside it: every question
/// is answered by the kernel.
/// </summary>
public sealed class OciContainer
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly ContainerDirectory _directory;

    internal OciContainer(ContainerDirectory directory, ContainerRecord record)
    {
        _directory = directory;
        Record = record;
    }

    /// <summary>What is kept of it.</summary>
    public ContainerRecord Record { get; }

    /// <summary>The master of its terminal, if it was just created in the foreground with one.</summary>
    public SafeFileHandle? Terminal { get; internal init; }

    /// <summary>Where it stands now.</summary>
    public ContainerStatus Status
    {
        get
        {
            if (PidFd.ReadStat(Record.Pid) is not { } stat || stat.StartTime != Record.StartTime || stat.State is 'Z' or 'X')
            {
                return ContainerStatus.Stopped;
            }

            using var cgroup = Record.Cgroup.TryOpen();
            if (cgroup?.ReadKey("cgroup.events", "frozen") == "1")
            {
                return ContainerStatus.Paused;
            }

            // The fifo may have outlived a start that was killed; its reader has not.
            return Fifo.HasReader(_directory.Fifo) ? ContainerStatus.Created : ContainerStatus.Running;
        }
    }

    /// <summary>Creates a container and its process.</summary>
    /// <param name="root">Directory of all containers' state.</param>
    /// <param name="id">The new container's id.</param>
    /// <param name="options">How.</param>
    /// <exception cref="BundtException">Conflict when the id is taken; else what failed. Nothing is left behind.</exception>
    public static OciContainer Create(string root, string id, CreateOptions options) => ContainerCreation.Run(root, id, options);

    /// <summary>Creates a container from a checkpoint; it runs at once.</summary>
    /// <exception cref="BundtException">What failed. Nothing is left behind but CRIU's log.</exception>
    public static OciContainer Restore(string root, string id, CreateOptions options, CriuOptions criu) => ContainerRestore.Run(root, id, options, criu);

    /// <summary>An existing container.</summary>
    /// <exception cref="BundtException">NotFound "container does not exist".</exception>
    public static OciContainer Open(string root, string id)
    {
        var directory = ContainerDirectory.Of(root, id);
        var record = directory.TryRead() ?? throw new BundtException(FailureKind.NotFound, Phase.Resolve, $"container does not exist: {id}");
        return new OciContainer(directory, record);
    }

    /// <summary>All containers below a root, in the order of their ids. What is being created or removed is not among them.</summary>
    /// <param name="root">Directory of all containers' state.</param>
    /// <param name="warn">Is told of those whose record is damaged, and which are left out.</param>
    public static IEnumerable<OciContainer> List(string root, Action<string> warn)
    {
        foreach (var id in ContainerDirectory.List(root))
        {
            var directory = ContainerDirectory.Of(root, id);
            ContainerRecord? record;
            try
            {
                record = directory.TryRead();
            }
            catch (BundtException e)
            {
                warn(e.Message);
                continue;
            }

            if (record is not null)
            {
                yield return new OciContainer(directory, record);
            }
        }
    }

    /// <summary>The plan that creating it would run, without running anything.</summary>
    public static LaunchPlan Plan(string id, CreateOptions options) => ContainerCreation.Plan(id, options);

    /// <summary>Name or number of the user who created it; empty if it has been removed meanwhile.</summary>
    public string Owner()
    {
        try
        {
            using var directory = DirectoryFd.OpenHost(_directory.Path);
            var uid = directory.Stat().Uid;
            return uid == 0 ? "root" : uid.ToString(CultureInfo.InvariantCulture);
        }
        catch (BundtException e) when (e.Errno == Errno.ENOENT)
        {
            return "";
        }
    }

    /// <summary>Lets the process of a created container execute its command; returns once it has.</summary>
    /// <param name="warn">Is told what does not keep the container from running.</param>
    /// <exception cref="BundtException">It is not created; or a hook or the execution has failed, and the container is stopped.</exception>
    public void Start(Action<string>? warn = null)
    {
        var status = Status;
        if (status != ContainerStatus.Created)
        {
            throw new BundtException(
                FailureKind.Conflict, Phase.Run,
                status == ContainerStatus.Stopped ? "cannot start a container that has stopped" : $"cannot start an already {Word(status)} container");
        }

        if (!Record.HasProcess)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Run, "process is missing from the config: there is nothing to start", "What exec is given runs in it.");
        }

        using var process = PidFd.TryOpen(Record.Pid, Record.StartTime)
            ?? throw new BundtException(FailureKind.Conflict, Phase.Run, "cannot start a container that has stopped");
        using var notify = NotifySocket.TryListen(_directory);
        var failure = WaitingProcess.Release(process, _directory.Fifo);
        _directory.RemoveFifo();
        if (failure is not null)
        {
            throw failure;
        }

        if (Record.HasHooks)
        {
            RunPoststartHooks(warn);
        }

        notify?.ForwardReady(Record.Pid, aside: false, warn);
    }

    /// <summary>Sends a signal to the first process, or to all of them.</summary>
    /// <exception cref="BundtException">Conflict: it is not running.</exception>
    public void Kill(int signal, bool all)
    {
        using var process = PidFd.TryOpen(Record.Pid, Record.StartTime);
        if (!Record.OwnPidNamespace && (all || signal == SignalNames.Kill))
        {
            // In a pid namespace of others the first process may be gone while the rest goes on.
            if (KillAll(signal))
            {
                return;
            }
        }

        if (process?.Signal(signal) ?? false)
        {
            if (signal == SignalNames.Kill)
            {
                // A frozen process dies when it thaws, unless the whole cgroup is killed.
                using var cgroup = Record.Cgroup.TryOpen();
                cgroup?.Kill();
            }

            return;
        }

        if (process is null && !all)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container not running: {Record.Id}");
        }
    }

    /// <summary>Freezes all its processes; returns once they are.</summary>
    public void Pause()
    {
        if (Status is not (ContainerStatus.Running or ContainerStatus.Created))
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container not running or created: {Word(Status)}");
        }

        using var cgroup = Cgroup();
        cgroup.SetFrozen(true, s_patience);
    }

    /// <summary>Thaws them.</summary>
    public void Resume()
    {
        if (Status != ContainerStatus.Paused)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, "container not paused");
        }

        using var cgroup = Cgroup();
        cgroup.SetFrozen(false, s_patience);
    }

    /// <summary>Host pids of all its processes, those of cgroups below its own included.</summary>
    public IReadOnlyList<int> Processes()
    {
        using var cgroup = Record.Cgroup.TryOpen();
        return cgroup?.ReadProcesses() ?? (Status == ContainerStatus.Stopped ? [] : [Record.Pid]);
    }

    /// <summary>Its cgroup.</summary>
    /// <exception cref="BundtException">It has none.</exception>
    public Cgroup Cgroup() =>
        Record.Cgroup.TryOpen() ?? throw new BundtException(FailureKind.Conflict, Phase.Cgroup, $"container {Record.Id} has no cgroup: it is not running, or was created without");

    /// <summary>Writes other limits; what is unset stays.</summary>
    public void Update(LinuxResources resources)
    {
        if (Status == ContainerStatus.Stopped)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container not running: {Record.Id}");
        }

        Record.Cgroup.Update(resources);
    }

    /// <summary>Writes a checkpoint. Unless the container is left running, it is gone afterwards.</summary>
    /// <exception cref="BundtException">It is not running, or CRIU could not; then it goes on.</exception>
    public void Checkpoint(CriuOptions options, Action<string>? warn = null)
    {
        if (Status is not (ContainerStatus.Running or ContainerStatus.Paused))
        {
            throw new BundtException(FailureKind.Conflict, Phase.Run, $"container not running: {Record.Id}");
        }

        new Criu(options, Config()).Dump(Record.Pid);
        if (options is { LeaveRunning: false, PreDump: false })
        {
            Delete(force: true, warn);
        }
    }

    /// <summary>Runs a further process in it.</summary>
    /// <exception cref="BundtException">It is not running, or the process could not be started.</exception>
    public RunningProcess Exec(ExecOptions options)
    {
        var status = Status;
        if (status == ContainerStatus.Stopped || status == ContainerStatus.Paused && !options.IgnorePaused)
        {
            throw new BundtException(FailureKind.Conflict, Phase.Exec, $"cannot exec in a {Word(status)} container");
        }

        try
        {
            return new ContainerExec(_directory, Record, options).Run();
        }
        catch (BundtException e) when (Status == ContainerStatus.Stopped)
        {
            // Whatever step failed: what it needed has gone with the container.
            throw new BundtException(FailureKind.Conflict, Phase.Exec, "cannot exec in a stopped container", null, e);
        }
    }

    /// <summary>Mounts something in it, or takes it away.</summary>
    /// <param name="mounts">As in a config.</param>
    /// <param name="add">They are mounted; else the mounts on their destinations are taken away, the last one first.</param>
    /// <param name="warn">Is told what does not keep them from that.</param>
    /// <exception cref="BundtException">It is not running, or one of them could not be; those before it are done.</exception>
    public void ChangeMounts(IReadOnlyList<RuntimeMount> mounts, bool add, Action<string>? warn = null)
    {
        using var init = PidFd.TryOpen(Record.Pid, Record.StartTime)
            ?? throw new BundtException(FailureKind.Conflict, Phase.Mount, $"container not running: {Record.Id}");
        var plan = add ? RunningMountPlan.Add(Config(), mounts, Record.Bundle) : RunningMountPlan.Remove(Config(), mounts);
        foreach (var warning in plan.Warnings)
        {
            warn?.Invoke(warning);
        }

        LauncherRun.Start(plan, LauncherProgram.Shared, null, new LauncherInputs { InitPidFd = init.Handle }).WaitUntilDone();
    }

    /// <summary>Removes a stopped or created container; with force a running one, which is killed.</summary>
    /// <param name="force">Whatever its status.</param>
    /// <param name="warn">Is told of poststop hooks that failed.</param>
    public void Delete(bool force, Action<string>? warn = null)
    {
        var status = Status;
        if (status is ContainerStatus.Running or ContainerStatus.Paused && !force)
        {
            throw new BundtException(
                FailureKind.Conflict, Phase.Remove, $"cannot delete container {Record.Id} that is not stopped: {Word(status)}",
                "Kill it first, or use --force.");
        }

        using (var process = PidFd.TryOpen(Record.Pid, Record.StartTime))
        {
            process?.Signal(SignalNames.Kill);
            Record.Cgroup.Delete();
            process?.WaitForEnd((int)s_patience.TotalMilliseconds);
        }

        var hooks = Record.HasHooks ? Config().Hooks : null;
        ResctrlGroup.Remove(Record.Id, Config);
        _directory.Remove();
        Hooks.Stopped(hooks?.Poststop, Record, warn);
    }

    /// <summary>Removes what a creation that was killed has left: processes, cgroup, directory.</summary>
    /// <param name="root">Directory of all containers' state.</param>
    /// <param name="id">The id that was to be created.</param>
    /// <param name="force">Also what is being created at this moment.</param>
    /// <returns>False: there is nothing.</returns>
    /// <exception cref="BundtException">Conflict: it is being created.</exception>
    public static bool DeleteRemains(string root, string id, bool force) => ContainerDirectory.Of(root, id).RemoveRemains(force);

    private RuntimeConfig Config() => RuntimeConfigReader.Read(_directory.ReadConfig());

    // One that fails ends the container (runtime.md, "Lifecycle").
    private void RunPoststartHooks(Action<string>? warn)
    {
        try
        {
            Hooks.Run("poststart", Config().Hooks?.Poststart, Record, "running");
        }
        catch
        {
            Delete(force: true, warn);
            throw;
        }
    }

    // Frozen meanwhile: nobody is born behind our back. True if there was anybody.
    private bool KillAll(int signal)
    {
        using var cgroup = Record.Cgroup.TryOpen();
        if (cgroup?.ReadKey("cgroup.events", "populated") != "1")
        {
            return false;
        }

        if (signal == SignalNames.Kill)
        {
            cgroup.Kill();
            return true;
        }

        var thaw = Status != ContainerStatus.Paused;
        cgroup.SetFrozen(true, s_patience);
        try
        {
            foreach (var pid in cgroup.ReadProcesses())
            {
                using var process = PidFd.TryOpen(pid);
                process?.Signal(signal);
            }
        }
        finally
        {
            if (thaw)
            {
                cgroup.SetFrozen(false, s_patience);
            }
        }

        return true;
    }

    private static string Word(ContainerStatus status) => status.ToString().ToLowerInvariant();
}
