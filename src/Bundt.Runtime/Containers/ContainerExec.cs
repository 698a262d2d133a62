using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Processes;
using Bundt.Linux.Sockets;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;
using Bundt.Runtime.Plans;
using Bundt.Runtime.Spec;

namespace Bundt.Runtime.Containers;

/// <summary>The start of a further process in a container that was created before.</summary>
internal sealed class ContainerExec
{
    private readonly ContainerDirectory _directory;
    private readonly ContainerRecord _record;
    private readonly ExecOptions _options;
    private readonly RuntimeConfig _config;

    internal ContainerExec(ContainerDirectory directory, ContainerRecord record, ExecOptions options)
    {
        _directory = directory;
        _record = record;
        _options = options;
        _config = RuntimeConfigReader.Read(directory.ReadConfig());
    }

    /// <summary>Starts it; it becomes a child of the subreaper above us.</summary>
    internal RunningProcess Run()
    {
        using var init = PidFd.TryOpen(_record.Pid, _record.StartTime)
            ?? throw new BundtException(FailureKind.Conflict, Phase.Exec, "cannot exec in a stopped container");
        using var cgroup = _record.Cgroup.OpenForExec(_record.Pid, _options.Cgroup);
        var process = Process();
        using var console = ConsolePair.Create(process.Terminal, _options.ConsoleSocket, _options.Foreground);
        var plan = PlanCompiler.CompileExec(new ExecPlanRequest
        {
            Config = _config,
            Process = process,
            Ending = new PlanEnding.HandOff(null, _options is { Foreground: true, ConsoleSocket: null }),
            Filter = _directory.ReadFilter(),
            Id = _record.Id,
            DescribeForAgent = () => _record.DescribeForHook("running"),
            HasCgroup = cgroup is not null,
        });
        foreach (var warning in plan.Warnings)
        {
            _options.Warn?.Invoke(warning);
        }

        var launcher = LauncherRun.Start(plan with { Preserve = _options.PreserveFds }, LauncherProgram.Shared, null, new LauncherInputs
        {
            Cgroup = cgroup?.Descriptor.Handle,
            InitPidFd = init.Handle,
            ConsoleSocket = console.Socket,
        });
        var pid = launcher.WaitUntilExecuted().InitPid;
        var started = PidFd.TryOpen(pid);
        launcher.Process.Reap();
        launcher.Process.Dispose();
        return new RunningProcess(
            Announce(started ?? throw new BundtException(FailureKind.Internal, Phase.Exec, "the process has ended, and somebody else has reaped it")),
            console.Receive());
    }

    private PidFd Announce(PidFd process)
    {
        try
        {
            if (_options.PidFile is not null)
            {
                ContainerDirectory.Replace(_options.PidFile, Encoding.ASCII.GetBytes(process.Pid.ToString(CultureInfo.InvariantCulture)));
            }

            if (_options.PidFdSocket is { } socket)
            {
                DescriptorMessage.Send(socket, process.Handle, "pidfd"u8);
            }

            return process;
        }
        catch
        {
            process.Signal(SignalNames.Kill);
            process.Dispose();
            throw;
        }
    }

    private RuntimeProcess Process()
    {
        var process = InheritedLimits.Of(_options.Process ?? WithOptions(_config.Process ?? throw Invalid("the container's config has no process: use --process")));
        if (_options.Terminal is { } terminal)
        {
            process = process with { Terminal = terminal };
        }

        if (process.Env.LastOrDefault(variable => variable.StartsWith("HOME=", StringComparison.Ordinal)) is { Length: > 5 })
        {
            return process;
        }

        return process with { Env = [.. process.Env, "HOME=" + HomeDirectory.OfRunning(process.User.Uid, _record.Pid)] };
    }

    private RuntimeProcess WithOptions(RuntimeProcess own)
    {
        var user = own.User;
        var variables = new List<string>(own.Env);
        if (_options.Uid is { } uid)
        {
            // Another user has another home.
            user = user with { Uid = uid, Gid = _options.Gid ?? 0 };
            variables.RemoveAll(variable => variable.StartsWith("HOME=", StringComparison.Ordinal));
        }

        variables.AddRange(_options.Env);
        return own with
        {
            Args = _options.Args,
            Env = variables,
            Cwd = _options.Cwd ?? own.Cwd,
            User = user with { Gid = _options.Gid ?? user.Gid, AdditionalGids = [.. user.AdditionalGids, .. _options.AdditionalGids] },
            Terminal = false,
            ConsoleSize = null,
            Capabilities = WithCapabilities(own.Capabilities ?? new ProcessCapabilities()),
            NoNewPrivileges = _options.NoNewPrivileges ?? own.NoNewPrivileges,
            ApparmorProfile = _options.ApparmorProfile ?? own.ApparmorProfile,
            SelinuxLabel = _options.SelinuxLabel ?? own.SelinuxLabel,
        };
    }

    // As runc: the inheritable set stays as it is, and only what is in there can be ambient.
    private ProcessCapabilities WithCapabilities(ProcessCapabilities own)
    {
        if (_options.Capabilities.Count == 0)
        {
            return own;
        }

        IReadOnlyList<string> With(IReadOnlyList<string> names) => [.. names.Union(_options.Capabilities, StringComparer.Ordinal)];
        return own with { Bounding = With(own.Bounding), Effective = With(own.Effective), Permitted = With(own.Permitted), Ambient = [.. With(own.Ambient).Intersect(own.Inheritable, StringComparer.Ordinal)] };
    }

    private static BundtException Invalid(string what) => new(FailureKind.InvalidArgument, Phase.Request, what);
}
