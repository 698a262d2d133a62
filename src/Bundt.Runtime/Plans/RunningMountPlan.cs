using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>
/// Mounts that a running container gets or loses. A process goes into its namespaces and does what init did when the container was created, but stays
/// out of its pid namespace: in there it could be looked into.
/// </summary>
public static class RunningMountPlan
{
    // What shows the pid namespace that the process is in, or a hierarchy whose part the container's creation had chosen.
    private static readonly string[] s_atCreationOnly = ["proc", "cgroup", "cgroup2"];

    /// <summary>The plan that mounts.</summary>
    /// <param name="config">The container's config.</param>
    /// <param name="mounts">What it gets, in this order; the first one that fails ends it, and those before it stay.</param>
    /// <param name="bundle">The host directory that relative sources count from.</param>
    /// <exception cref="BundtException">InvalidArgument: one sentence that names the mount.</exception>
    public static LaunchPlan Add(RuntimeConfig config, IReadOnlyList<RuntimeMount> mounts, string bundle) => Compile(config with { Mounts = mounts }, scope =>
    {
        foreach (var mount in mounts)
        {
            if (!MountPlan.IsBind(mount) && s_atCreationOnly.Contains(mount.Type))
            {
                throw PlanScope.Invalid($"mount on {mount.Destination}: {mount.Type} can be mounted when a container is created, not in a running one");
            }

            if (MountOptions.Parse(mount.Options).Remount)
            {
                throw PlanScope.Invalid($"mount on {mount.Destination}: what a running container has cannot be mounted anew with other options");
            }
        }

        MountPlan.Mount(scope, new PlanRequest { Id = "", Config = scope.Config, Bundle = bundle, Ending = scope.Ending });
    });

    /// <summary>The plan that unmounts, the last one first.</summary>
    /// <param name="config">The container's config.</param>
    /// <param name="mounts">What it loses, with what is mounted below; only the destinations matter.</param>
    /// <exception cref="BundtException">InvalidArgument: a destination is nothing that can be taken away.</exception>
    public static LaunchPlan Remove(RuntimeConfig config, IReadOnlyList<RuntimeMount> mounts) => Compile(config with { Mounts = mounts }, scope =>
    {
        for (var i = mounts.Count - 1; i >= 0; i--)
        {
            var path = Path.GetFullPath(mounts[i].Destination, "/").TrimEnd('/');
            if (path.Length == 0 || IsAtOrBelow(path, "/proc") || IsAtOrBelow(path, "/sys"))
            {
                // There stand the masks, and what makes the kernel's files read-only.
                throw PlanScope.Invalid($"a running container keeps what is mounted on {mounts[i].Destination}");
            }

            scope.Plan.Init.UnmountAt(scope.Root, path);
        }
    });

    private static LaunchPlan Compile(RuntimeConfig config, Action<PlanScope> change)
    {
        var scope = new PlanScope(config, new RuntimeProcess(), new PlanEnding.HandOff(null), HostFacts.Own);
        if (!scope.Has(NamespaceType.Mount))
        {
            throw PlanScope.Invalid("the container has no mount namespace of its own");
        }

        var plan = scope.Plan;
        var container = plan.Input(PlanInputKind.InitPidFd);
        scope.Rendezvous = (plan.NewSlot("supervisor"), plan.NewSlot("init"));
        scope.Root = plan.NewSlot("root");
        plan.Start.Socketpair(scope.Rendezvous.Supervisor, scope.Rendezvous.Init);
        plan.Start.Clone(PlanSection.Init, 0, -1, sibling: false);
        plan.Supervise.Close(scope.Rendezvous.Init);
        var init = plan.Init;
        init.Close(scope.Rendezvous.Supervisor);
        ulong joined = 0;
        foreach (var ns in scope.Linux.Namespaces)
        {
            joined |= KernelFlags.Namespace(ns.Type);
        }

        init.Setns(container, joined & ~KernelFlags.NewPid, "the container's namespaces");
        if (scope.Has(NamespaceType.User))
        {
            init.Simple(PlanCode.Setgid, 0);
            init.Simple(PlanCode.Setuid, 0);
        }

        init.Phase = Phase.Mount;
        init.Open(scope.Root, -1, "/", KernelFlags.PathOnly | KernelFlags.Directory);
        change(scope);
        init.Send(scope.Rendezvous.Init, PlanToken.Changed);
        plan.Supervise.Receive(scope.Rendezvous.Supervisor, PlanToken.Changed);
        plan.Supervise.Simple(PlanCode.Handoff);
        return plan.Build();
    }

    private static bool IsAtOrBelow(string path, string directory) => path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);
}
