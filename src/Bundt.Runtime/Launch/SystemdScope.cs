using Bundt.Linux;
using Bundt.Linux.Cgroups;
using Bundt.Linux.Processes;
using Bundt.Linux.Systemd;
using Bundt.Runtime.Limits;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Launch;

/// <summary>
/// An OCI container's transient scope. A scope begins with a process, but the container's first process is born into the scope's cgroup: a launcher
/// that does nothing but ask to go on holds the place until then, and ends when we let go of it or are gone.
/// </summary>
internal static class SystemdScope
{
    private const string DefaultSlice = "system.slice", SliceSuffix = ".slice", ScopeSuffix = ".scope";

    /// <summary>"slice:prefix:name" as the unit and its slice; without it, bundt-ID.scope in system.slice.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is something else.</exception>
    public static (string Slice, string Unit) NameOf(string? cgroupsPath, string id)
    {
        if (string.IsNullOrEmpty(cgroupsPath))
        {
            return (DefaultSlice, "bundt-" + id + ScopeSuffix);
        }

        return cgroupsPath.Split(':') is [var slice, var prefix, var name] && name.Length > 0
            ? (slice.Length == 0 ? DefaultSlice : slice, (prefix.Length == 0 ? name : prefix + "-" + name) + ScopeSuffix)
            : throw new BundtException(
                FailureKind.InvalidArgument, Phase.Cgroup,
                $"expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"{cgroupsPath}\" instead");
    }

    /// <summary>A slice's directory: a-b.slice lies in a.slice/a-b.slice; -.slice is the root.</summary>
    /// <exception cref="BundtException">InvalidArgument: it is no name of a slice.</exception>
    public static string PathOf(string slice)
    {
        if (slice == "-" + SliceSuffix)
        {
            return "";
        }

        var path = "";
        var prefix = "";
        var parts = slice.EndsWith(SliceSuffix, StringComparison.Ordinal) && !slice.Contains('/', StringComparison.Ordinal) ? slice[..^SliceSuffix.Length].Split('-') : [""];
        foreach (var part in parts)
        {
            prefix += part.Length > 0 ? part : throw new BundtException(FailureKind.InvalidArgument, Phase.Cgroup, $"invalid slice name: {slice}");
            path += "/" + prefix + SliceSuffix;
            prefix += "-";
        }

        return path;
    }

    /// <summary>Starts the scope and opens its cgroup, which lives until it is disposed of or a process is born into it.</summary>
    /// <exception cref="BundtException">With systemd's answer; nothing is left.</exception>
    public static Cgroup Start(string slice, string unit, IReadOnlyList<CgroupLimit> limits, IReadOnlyDictionary<string, string> annotations)
    {
        var asked = SystemdAnnotations.Read(annotations).ToArray();
        var placeholder = Placeholder.Start();
        try
        {
            KeyValuePair<string, DBusValue>[] properties =
            [
                new("Description", DBusValue.Of("bundt-runtime container " + unit[..^ScopeSuffix.Length])),
                new("Slice", DBusValue.Of(slice)),
                new("Delegate", DBusValue.Of(true)),
                new("PIDs", DBusValue.Of([(uint)placeholder.Pid])),
                new("MemoryAccounting", DBusValue.Of(true)),
                new("CPUAccounting", DBusValue.Of(true)),
                new("IOAccounting", DBusValue.Of(true)),
                new("TasksAccounting", DBusValue.Of(true)),
                new("DefaultDependencies", DBusValue.Of(false)),
                .. SystemdProperties.From(limits),
                .. asked,
            ];
            using var systemd = SystemdManager.Connect();
            systemd.StartTransient(unit, properties);
            var path = CgroupHierarchy.OfProcess(placeholder.Pid);
            return path is not null && path.EndsWith("/" + unit, StringComparison.Ordinal) && CgroupHierarchy.Host.TryOpen(path, placeholder) is { } cgroup
                ? cgroup
                : throw new BundtException(
                    FailureKind.Internal, Phase.Cgroup, $"systemd has started {unit}, but its process is in the cgroup \"{path}\"",
                    "systemd's cgroup driver needs cgroup v2 (systemd.unified_cgroup_hierarchy=1).");
        }
        catch
        {
            placeholder.Dispose();
            throw;
        }
    }

    /// <summary>Tells systemd of other limits.</summary>
    public static void Update(string unit, IReadOnlyList<CgroupLimit> limits)
    {
        if (SystemdProperties.From(limits) is { Count: > 0 } properties)
        {
            using var systemd = SystemdManager.Connect();
            systemd.SetProperties(unit, properties);
        }
    }

    /// <summary>Stops the scope, whose processes have been killed.</summary>
    public static void Stop(string unit)
    {
        using var systemd = SystemdManager.Connect();
        systemd.Stop(unit);
    }

    private sealed class Placeholder : IDisposable
    {
        private readonly LauncherRun _launcher;
        private readonly DescriptorPair _pipe;

        private Placeholder(LauncherRun launcher, DescriptorPair pipe)
        {
            _launcher = launcher;
            _pipe = pipe;
        }

        public int Pid => _launcher.Process.Pid;

        public static Placeholder Start()
        {
            var plan = new PlanBuilder();
            plan.Start.AskToGoOn(plan.Input(PlanInputKind.Go));
            var pipe = DescriptorPair.Pipe();
            try
            {
                return new Placeholder(LauncherRun.Start(plan.Build(), LauncherProgram.Shared, null, new LauncherInputs { Go = pipe.First }), pipe);
            }
            catch
            {
                pipe.Dispose();
                throw;
            }
        }

        public void Dispose()
        {
            _pipe.Dispose();
            _launcher.Abandon();
        }
    }
}
