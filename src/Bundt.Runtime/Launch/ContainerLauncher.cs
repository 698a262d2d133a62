using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Files;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Processes;
using Bundt.Runtime.Plans;
using Bundt.Runtime.Seccomp;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Launch;

/// <summary>From a config to a running process under a monitor.</summary>
public static class ContainerLauncher
{
    /// <summary>
    /// Makes the cgroup /bundt/ID with its limits, compiles the plan, spawns the launcher in /bundt/monitors and waits until the command is
    /// executed. A failure leaves no process, no cgroup and no mount, and names the operation.
    /// </summary>
    /// <exception cref="BundtException">CommandNotFound, CommandNotExecutable, InvalidArgument or Internal, with phase, operation, path and errno.</exception>
    public static LaunchedProcess Launch(LaunchRequest request)
    {
        var path = ContainerCgroup.PathOf(request.Id);
        var plan = PlanCompiler.Compile(new PlanRequest
        {
            Id = request.Id,
            Config = request.Config,
            Overlay = request.Overlay,
            Ending = new PlanEnding.Monitor(request.Monitor),
            HasRoot = request.Root is not null,
            HasNetworkNamespace = request.NetworkNamespace is not null,
            WaitsForGo = request.Connect is not null,
            PausesForNetwork = request.Connect is not null && request.NetworkNamespace is null,
            InitProcess = request.InitProcess,
            CgroupPath = path,
            Filter = SeccompCompiler.Compile(request.Config.Linux?.Seccomp),
        });
        using var cgroup = ContainerCgroup.Create(path, request.Config.Linux?.Resources);
        try
        {
            return Monitored(plan, request.Monitor, new LauncherInputs
            {
                Cgroup = cgroup.Descriptor.Handle,
                Root = request.Root,
                NetworkNamespace = request.NetworkNamespace,
            }, request.Connect);
        }
        catch
        {
            ContainerCgroup.Discard(cgroup);
            throw;
        }
    }

    /// <summary>The same for an exec.</summary>
    public static LaunchedProcess Exec(ExecRequest request)
    {
        using var container = PidFd.TryOpen(request.InitPid, request.InitStart)
            ?? throw new BundtException(FailureKind.Conflict, Phase.Exec, $"container {request.Id} is not running");
        using var cgroup = ContainerCgroup.OpenOfProcess(request.InitPid, request.Id);
        var plan = PlanCompiler.CompileExec(new ExecPlanRequest
        {
            Config = request.Config,
            Process = request.Process,
            Ending = new PlanEnding.Monitor(request.Monitor),
            Filter = SeccompCompiler.Compile(request.Config.Linux?.Seccomp),
        });
        return Monitored(plan, request.Monitor, new LauncherInputs { Cgroup = cgroup.Handle, InitPidFd = container.Handle });
    }

    private static LaunchedProcess Monitored(LaunchPlan plan, MonitorSettings settings, LauncherInputs inputs, Action<SafeFileHandle>? connect = null)
    {
        using var client = settings.AttachFlags != 0 ? DescriptorPair.StreamSockets() : default(DescriptorPair?);
        using var go = connect is not null ? DescriptorPair.Pipe() : default(DescriptorPair?);
        var launcher = LauncherRun.Start(plan, LauncherProgram.Shared, MonitorCgroup.Shared, inputs with { Client = client?.Second, Go = go?.First });
        if (connect is not null && go is { } word)
        {
            word.First.Dispose();
            try
            {
                Connect(launcher, inputs.NetworkNamespace, connect, word.Second);
            }
            catch
            {
                word.Second.Dispose();
                launcher.Abandon();
                throw;
            }
        }

        var report = launcher.WaitUntilExecuted();
        return new LaunchedProcess
        {
            Pid = report.InitPid,
            StartTime = StartTime(report.InitPid, launcher.Process),
            MonitorPid = launcher.Process.Pid,
            Stamps = report.Stamps,
            MonitorPidFd = launcher.Process.Handle,
            Attached = client is { } pair ? Adopt(pair) : null,
        };
    }

    // A network namespace that was made ahead is there already; that of a user namespace is init's own. If the launch fails meanwhile, nobody hears our
    // word, and its failure is told where it is waited for.
    private static void Connect(LauncherRun launcher, SafeFileHandle? networkNamespace, Action<SafeFileHandle> connect, SafeFileHandle go)
    {
        if (networkNamespace is not null)
        {
            connect(networkNamespace);
        }
        else if (launcher.WaitUntilMounted())
        {
            using var own = NetworkNamespace.Of(launcher.Report().InitPid);
            connect(own);
            StandardStream.Write((int)go.DangerousGetHandle(), [1]);
        }

        StandardStream.Write((int)go.DangerousGetHandle(), [1]);
    }

    // An exec's process has had the report in its memory while its container could look into it: what is no child of the monitor, as long as that
    // lives, is not believed to be that process. 0 is nobody's start time.
    private static ulong StartTime(int pid, PidFd monitor) =>
        PidFd.ReadStat(pid) is { } stat && (stat.Parent == monitor.Pid || !monitor.IsAlive) ? stat.StartTime : 0;

    private static System.Net.Sockets.Socket Adopt(DescriptorPair pair)
    {
        var socket = new System.Net.Sockets.SafeSocketHandle(pair.First.DangerousGetHandle(), ownsHandle: true);
        pair.First.SetHandleAsInvalid();
        return new System.Net.Sockets.Socket(socket);
    }
}
