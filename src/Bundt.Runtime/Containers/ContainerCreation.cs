using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Limits;
using Bundt.Runtime.Network;
using Bundt.Runtime.Plans;
using Bundt.Runtime.Seccomp;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Containers;

/// <summary>From a bundle to a container whose process waits for start, or runs already.</summary>
internal sealed class ContainerCreation
{
    private const int FewMounts = 200; // the launcher can hold so many with the limit that we have anyway
    private const string FailUnknownCalls = "run.oci.seccomp_fail_unknown_syscall"; // crun's

    private readonly ContainerDirectory _directory;
    private readonly string _id;
    private readonly CreateOptions _options;
    private readonly RuntimeConfig _config;
    private readonly ReadOnlyMemory<byte> _filter;
    private ContainerRecord _record;

    private ContainerCreation(ContainerDirectory directory, string id, RuntimeConfig config, CreateOptions options)
    {
        _directory = directory;
        _id = id;
        _options = options;
        _config = config;
        if (config.Linux?.Seccomp is { } seccomp && config.Annotations.GetValueOrDefault(FailUnknownCalls, "0") != "0")
        {
            SeccompCompiler.RequireKnownCalls(seccomp);
        }

        _filter = directory.Filters.Compile(_config.Linux?.Seccomp);
        _record = ContainerRecord.New(id, config, options);
    }

    /// <summary>Creates a container in a new directory; nothing is left of one that fails.</summary>
    internal static OciContainer Run(string root, string id, CreateOptions options)
    {
        var (json, config) = BundleConfig.Load(options.ConfigPath);
        var directory = ContainerDirectory.Make(root, id);
        try
        {
            return new ContainerCreation(directory, id, config, options).Run(json);
        }
        catch
        {
            directory.Remove();
            throw;
        }
    }

    /// <summary>The plan that creating it would run.</summary>
    internal static LaunchPlan Plan(string id, CreateOptions options)
    {
        var creation = new ContainerCreation(ContainerDirectory.Of("/", id), id, BundleConfig.Load(options.ConfigPath).Config, options);
        return creation.Compile(creation._config, creation._record.Cgroup, null);
    }

    private OciContainer Run(byte[] json)
    {
        using var console = ConsolePair.Create(_config.Process?.Terminal ?? false, _options.ConsoleSocket, _options.Foreground);
        var place = _record.Cgroup.Claim();
        var fifo = _options.WaitForStart ? _directory.Fifo : null;
        if (fifo is not null)
        {
            Fifo.Create(fifo);
        }

        var plan = Compile(NotifySocket.Announce(_directory, _config), place, fifo);
        foreach (var warning in plan.Warnings)
        {
            _options.Warn?.Invoke(warning);
        }

        _directory.NoteCgroup(place);
        (var cgroup, place) = place.Create(_config.Linux?.Resources, _config.Annotations);
        _record = _record with { Cgroup = place };
        using var open = cgroup;
        var resctrl = ResctrlGroup.ToBeMade(_id, _config);
        var notify = fifo is null ? NotifySocket.TryListen(_directory) : null;
        try
        {
            Launch(plan, cgroup, console, json);
            notify?.ForwardReady(_record.Pid, _options.Foreground, _options.Warn);
            return new OciContainer(_directory, _record) { Terminal = console.Receive() };
        }
        catch
        {
            notify?.Dispose();
            place.Delete();
            ResctrlGroup.Remove(resctrl);
            if (_record.Pid != 0)
            {
                Hooks.Stopped(_config.Hooks?.Poststop, _record, _options.Warn);
            }

            throw;
        }
    }

    // While the launcher sets the container up, everything else is done; its last word before the command is ours.
    private void Launch(LaunchPlan plan, Cgroup? cgroup, ConsolePair console, byte[] json)
    {
        using var go = DescriptorPair.Pipe();
        var launcher = LauncherRun.Start(
            plan, LauncherProgram.Shared, null, new LauncherInputs { Cgroup = cgroup?.Descriptor.Handle, ConsoleSocket = console.Socket, Go = go.First });
        go.First.Dispose();
        try
        {
            if (cgroup is not null)
            {
                _record.Cgroup.Limit(cgroup, _config.Linux?.Resources);
            }

            _directory.Keep(json, _filter);
            if (HookPlan.Pauses(_config) && launcher.WaitUntilMounted())
            {
                RunHooksOutside(launcher);
                StandardStream.Write((int)go.Second.DangerousGetHandle(), [1]);
            }
        }
        catch
        {
            go.Second.Dispose();
            launcher.Abandon();
            throw;
        }

        StandardStream.Write((int)go.Second.DangerousGetHandle(), [1]);
        var report = launcher.WaitUntilExecuted();

        // Once it has handed off and is gone, init is the child of whoever reaps orphans above us.
        launcher.Process.Reap();
        launcher.Process.Dispose();
        using var init = PidFd.TryOpen(report.InitPid);
        try
        {
            Record(report.InitPid);
            if (!_options.WaitForStart)
            {
                Hooks.Run("poststart", _config.Hooks?.Poststart, _record, "running");
            }
        }
        catch
        {
            // Without a cgroup of its own nothing else would end it.
            init?.Signal(SignalNames.Kill);
            throw;
        }
    }

    private void RunHooksOutside(LauncherRun launcher)
    {
        _record = _record with { Pid = launcher.Report().InitPid };
        NetDevices.Move(_config, _record.Pid);

        // Behind step 2 of the lifecycle (runtime.md) a container is created; of createRuntime, younger, hooks know "creating" from runc.
        Hooks.Run("prestart", _config.Hooks?.Prestart, _record, "created");
        Hooks.Run("createRuntime", _config.Hooks?.CreateRuntime, _record, "creating");
    }

    private void Record(int pid)
    {
        _record = _record with { Pid = pid, StartTime = PidFd.ReadStartTime(pid) ?? 0 };
        _directory.Write(_record);
        if (_options.PidFile is not null)
        {
            ContainerDirectory.Replace(_options.PidFile, Encoding.ASCII.GetBytes(pid.ToString(CultureInfo.InvariantCulture)));
        }

        if (_options.PidFdSocket is { } socket)
        {
            using var process = PidFd.TryOpen(pid) ?? throw new BundtException(FailureKind.Internal, Phase.Launch, "the container's process has ended already");
            DescriptorMessage.Send(socket, process.Handle, "pidfd"u8);
        }
    }

    private LaunchPlan Compile(RuntimeConfig config, CgroupPlace place, string? fifo)
    {
        var plan = PlanCompiler.Compile(new PlanRequest
        {
            Id = _id,
            Config = WithEnvironment(config),
            Bundle = _options.Bundle,
            Ending = new PlanEnding.HandOff(fifo, _options is { Foreground: true, ConsoleSocket: null }),
            HasCgroup = place.Driver != CgroupDriver.Disabled,
            CgroupPath = place.Path,
            Filter = _filter,
            NoPivot = _options.NoPivot,
            NoNewKeyring = _options.NoNewKeyring,
            DescribeForHooks = _record.DescribeForHooks,
            WaitsForGo = true,
        });
        return plan with { Preserve = _options.PreserveFds + _options.ListenFds };
    }

    // The specification leaves HOME to the runtime; everybody expects it to come from passwd. Activated sockets (sd_listen_fds(3)) follow stdio.
    private RuntimeConfig WithEnvironment(RuntimeConfig config)
    {
        if (config.Process is not { } process)
        {
            return config;
        }

        if (config.Mounts.Count > FewMounts)
        {
            OpenFiles.Ensure(0, PlanFormat.FdBase + PlanFormat.MaxSlots);
        }

        var variables = new List<string>(process.Env);
        if (variables.FindLast(variable => variable.StartsWith("HOME=", StringComparison.Ordinal)) is not { Length: > 5 })
        {
            variables.Add("HOME=" + HomeDirectory.OfNew(process.User.Uid, _record.Rootfs, _options.Bundle, config.Mounts));
        }

        if (_options.ListenFds > 0)
        {
            variables.Add("LISTEN_FDS=" + _options.ListenFds.ToString(CultureInfo.InvariantCulture));
            variables.Add("LISTEN_PID=1");
        }

        return config with { Process = InheritedLimits.Of(process) with { Env = variables } };
    }
}
