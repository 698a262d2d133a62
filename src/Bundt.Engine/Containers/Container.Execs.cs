using Bundt.Engine.Containers;
using Bundt.Engine.Launch;
using Bundt.Engine.Monitors;
using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Spec;

namespace Bundt.Engine;

// Further processes in the container.
public sealed partial class Container
{
    /// <summary>How long an exec can be asked about after its end.</summary>
    private static readonly TimeSpan s_execsKept = TimeSpan.FromMinutes(5);

    /// <summary>Makes an exec. Conflict when the container does not run or is paused.</summary>
    public Exec CreateExec(ExecSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Require(Operation.Exec);
        if (settings.Cmd.Count == 0)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "No exec command specified");
        }

        foreach (var old in _execs.Values.Where(e => DateTimeOffset.UtcNow - e.EndedAt > s_execsKept))
        {
            Forget(old);
        }

        var exec = new Exec(this, ContainerNames.NewId(), settings);
        _execs[exec.Id] = exec;
        _services.Containers.Add(exec);
        Publish("exec_create: " + string.Join(' ', settings.Cmd), ("execID", exec.Id));
        return exec;
    }

    /// <summary>The process to launch into, its config and whom a user name means there.</summary>
    /// <exception cref="BundtException">Conflict: it does not run.</exception>
    internal (MonitoredProcess Process, RuntimeConfig Config, UserDatabase Users) ForExec()
    {
        MonitoredProcess? process;
        IReadOnlyList<string>? layers;
        lock (_sync)
        {
            Require(Operation.Exec);
            process = _process;
            layers = _lease?.Directories;
        }

        if (process is null || layers is null)
        {
            throw ContainerStates.Refuse(ContainerStatus.Exited, Operation.Exec, Id, Name)!;
        }

        _config ??= StartPreparation.BuildConfig(_services, _record, _directory, layers, networks: null);
        return (process, _config, UserDatabase.Load(_directory.Upper, layers));
    }

    private void Forget(Exec exec)
    {
        _execs.TryRemove(exec.Id, out _);
        _services.Containers.Remove(exec);
    }
}
