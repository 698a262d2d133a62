using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>From a config to a launch plan. Reads nothing but what it is given and has no side effect.</summary>
public static class PlanCompiler
{
    /// <summary>The plan that starts a container.</summary>
    /// <exception cref="BundtException">InvalidArgument or NotImplemented: one sentence that names the field.</exception>
    public static LaunchPlan Compile(PlanRequest request)
    {
        var config = request.Config;
        var process = config.Process ?? Idle(request.Ending);
        var scope = new PlanScope(config, process, request.Ending, request.Host) { EntersLast = JoinsOthers(config, request.Host) };
        var plan = scope.Plan;
        if (request.HasCgroup)
        {
            scope.Cgroup = plan.Input(PlanInputKind.Cgroup);
        }

        if (request.WaitsForGo)
        {
            scope.Go = plan.Input(PlanInputKind.Go);
        }

        var filter = ListenerPlan.Filter(config.Linux?.Seccomp, request.Filter);
        ListenerPlan.Connect(scope);
        MonitorPlan.Pipes(scope);
        var fifo = OpenFifo(scope);

        LabelPlan.Open(scope);
        NamespacePlan.Start(scope, request.HasNetworkNamespace);
        ResctrlPlan.Make(scope, request.Id);
        RootPlan.Mount(scope, request);
        NamespacePlan.Furnish(scope);
        if (request.PausesForNetwork)
        {
            HookPlan.Pause(scope);
        }

        MountPlan.Mount(scope, request);
        DevicePlan.Make(scope);
        ProtectionPlan.Apply(scope);
        HookPlan.BeforePivot(scope, request);
        RootPlan.Enter(scope, request.NoPivot);
        if (scope.EntersLast)
        {
            // From here on a child of the joiner's is in there, and the joiner has still the right to that. It is not, and has none.
            plan.Joiner.Setns(scope.PidNamespace, KernelFlags.NewPid, scope.Namespace(NamespaceType.Pid)!.Path!);
        }

        if (!request.NoNewKeyring)
        {
            IdentityPlan.NewKeyring(scope, request.Id);
        }

        var hookState = HookPlan.BeforeLimits(scope);
        IdentityPlan.Prepare(scope, filter, isExec: false);
        var confined = scope.EntersLast && StartInside(scope, filter, isExec: false);
        if (request.InitProcess)
        {
            plan.Init.Simple(PlanCode.Reaper);
        }

        IdentityPlan.LeadSession(scope);
        plan.Init.Phase = Phase.Launch;
        plan.Init.Receive(scope.Rendezvous.Init, PlanToken.Go);
        if (scope.Agent >= 0)
        {
            // While the supervisor is there to take the listener.
            IdentityPlan.Confine(scope, plan.Init, filter);
        }

        if (fifo >= 0)
        {
            plan.Init.WaitStart(fifo);
        }

        if (scope.Agent < 0 && !confined)
        {
            IdentityPlan.Confine(scope, plan.Init, filter);
        }

        // The image's own programs may be among them.
        HookPlan.BeforeCommand(scope, hookState, request);
        if (config.Process is not null)
        {
            IdentityPlan.Execute(scope);
        }

        ResctrlPlan.Join(scope, request.Id);
        MonitorPlan.End(
            scope, isExec: false, rootFollows: request.Overlay is { Volatile: false }, () => ListenerPlan.HandOver(scope, request.DescribeForHooks));
        return plan.Build();
    }

    /// <summary>The plan that starts a further process in a running container.</summary>
    /// <exception cref="BundtException">InvalidArgument or NotImplemented: one sentence that names the field.</exception>
    public static LaunchPlan CompileExec(ExecPlanRequest request)
    {
        ulong joined = 0;
        foreach (var ns in request.Config.Linux?.Namespaces ?? [])
        {
            joined |= KernelFlags.Namespace(ns.Type);
        }

        var scope = new PlanScope(request.Config, request.Process, request.Ending, request.Host)
        {
            // Who has CAP_SYS_PTRACE in there, by an exec or from a container that shares the pid namespace, the config does not tell.
            EntersLast = (joined & KernelFlags.NewPid) != 0 && (joined & KernelFlags.NewUser) == 0,
        };
        var plan = scope.Plan;
        if (request.HasCgroup)
        {
            scope.Cgroup = plan.Input(PlanInputKind.Cgroup);
        }

        var container = plan.Input(PlanInputKind.InitPidFd);
        var filter = ListenerPlan.Filter(request.Config.Linux?.Seccomp, request.Filter);
        ListenerPlan.Connect(scope);
        SchedulingPlan.Enter(scope);
        MonitorPlan.Pipes(scope);
        scope.Rendezvous = (plan.NewSlot("supervisor"), plan.NewSlot("init"));
        plan.Start.Socketpair(scope.Rendezvous.Supervisor, scope.Rendezvous.Init);
        if (scope.EntersLast)
        {
            EnterLast(scope, request, filter, container, joined);
            return plan.Build();
        }

        LabelPlan.Open(scope);

        // Only children enter a pid namespace; a user namespace must come first, since the rights to join the others come from it.
        if ((joined & KernelFlags.NewPid) != 0)
        {
            plan.Start.Setns(container, KernelFlags.NewPid, "the container's pid namespace");
        }

        plan.Start.Clone(PlanSection.Init, 0, scope.Cgroup, sibling: false);
        plan.Supervise.Close(scope.Rendezvous.Init);
        plan.Init.Close(scope.Rendezvous.Supervisor);
        plan.Init.Setns(container, joined & ~KernelFlags.NewPid, "the container's namespaces");
        if ((joined & KernelFlags.NewUser) != 0)
        {
            plan.Init.Simple(PlanCode.Setgid, 0);
            plan.Init.Simple(PlanCode.Setuid, 0);
        }

        if (request.Process.Terminal)
        {
            DevicePlan.Terminal(scope, -1);
        }

        if (!request.NoNewKeyring)
        {
            IdentityPlan.NewKeyring(scope, name: null);
        }

        IdentityPlan.Prepare(scope, filter, isExec: true);
        IdentityPlan.LeadSession(scope);
        plan.Init.Phase = Phase.Launch;
        plan.Init.Receive(scope.Rendezvous.Init, PlanToken.Go);
        IdentityPlan.Confine(scope, plan.Init, filter);
        IdentityPlan.Execute(scope);
        ResctrlPlan.Join(scope, request.Id);
        MonitorPlan.End(scope, isExec: true, rootFollows: false, () => ListenerPlan.HandOver(scope, request.DescribeForAgent));
        return plan.Build();
    }

    // Whether the pid namespace is one in which others live already. Those with CAP_SYS_PTRACE could look into whoever sets the container up with the
    // host's rights: that it is not dumpable stops nobody who has the capability in the launcher's own user namespace.
    private static bool JoinsOthers(RuntimeConfig config, HostFacts host)
    {
        var (joins, isUser) = (false, false);
        foreach (var ns in config.Linux?.Namespaces ?? [])
        {
            joins |= ns is { Type: NamespaceType.Pid, Path: not null };
            isUser |= ns.Type == NamespaceType.User;
        }

        return joins && !isUser && host.MountsProcOfOthers();
    }

    // The joiner has become what the process shall be, outside of the pid namespace; only now it starts it in there, with no more rights and
    // descriptors than the process keeps. True: behind its filter, too.
    private static bool StartInside(PlanScope scope, ReadOnlyMemory<byte> filter, bool isExec)
    {
        var joiner = scope.Plan.Joiner;
        joiner.CloseUnneeded(alsoPlan: isExec);
        var confined = scope.Agent < 0 && IdentityPlan.CanEnterBehind(filter, scope.Terminal >= 0);
        if (confined)
        {
            IdentityPlan.Confine(scope, joiner, filter);
        }

        joiner.Phase = Phase.Launch;
        joiner.Clone(PlanSection.Init, 0, -1, sibling: true, plain: true);
        scope.Plan.Init.Phase = Phase.Launch;
        return confined;
    }

    private static void EnterLast(PlanScope scope, ExecPlanRequest request, ReadOnlyMemory<byte> filter, int container, ulong joined)
    {
        var plan = scope.Plan;
        var joiner = plan.Joiner;
        plan.Start.Clone(PlanSection.Joiner, 0, scope.Cgroup, sibling: false);
        plan.Supervise.Close(scope.Rendezvous.Init);
        joiner.Close(scope.Rendezvous.Supervisor);
        LabelPlan.Open(scope);
        joiner.Setns(container, joined, "the container's namespaces");
        if (request.Process.Terminal)
        {
            DevicePlan.Terminal(scope, -1);
        }

        if (!request.NoNewKeyring)
        {
            IdentityPlan.NewKeyring(scope, name: null);
        }

        IdentityPlan.Prepare(scope, filter, isExec: true);
        var confined = StartInside(scope, filter, isExec: true);
        plan.Init.Receive(scope.Rendezvous.Init, PlanToken.Go);
        IdentityPlan.LeadSession(scope);
        if (!confined)
        {
            IdentityPlan.Confine(scope, plan.Init, filter);
        }

        IdentityPlan.Execute(scope);
        ResctrlPlan.Join(scope, request.Id);
        MonitorPlan.End(scope, isExec: true, rootFollows: false, () => ListenerPlan.HandOver(scope, request.DescribeForAgent));
    }

    // A process is required only when start is called (config.md): what waits for that goes without one.
    private static RuntimeProcess Idle(PlanEnding ending) =>
        ending is PlanEnding.HandOff { StartFifo: not null } ? new RuntimeProcess() : throw PlanScope.Invalid("process is missing from the config");

    private static int OpenFifo(PlanScope scope)
    {
        if (scope.Ending is not PlanEnding.HandOff { StartFifo: { } path })
        {
            return -1;
        }

        // Open for both: the reader does not wait for a writer, and start's writer always finds a reader.
        var slot = scope.Plan.NewSlot("start");
        scope.Plan.Prepare.Open(slot, -1, path, KernelFlags.ReadWrite);
        return slot;
    }
}
