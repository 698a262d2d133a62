using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>
/// The hooks that run inside (createContainer, startContainer), and the pause in which those outside run (prestart, createRuntime): everything
/// is mounted and nothing is pivoted (config.md, "POSIX-platform Hooks").
/// </summary>
internal static class HookPlan
{
    internal static void BeforePivot(PlanScope scope, PlanRequest request)
    {
        if (Pauses(scope.Config))
        {
            Pause(scope);
        }

        // In the container's root, as runc has it.
        var (kind, hooks) = ("createContainer", scope.Config.Hooks?.CreateContainer);
        Run(scope, scope.Preparing, Memory(scope, hooks), request, kind, hooks, "creating", scope.Root, OwnEnvironment.Variables());
    }

    /// <summary>What the hooks before the command need and could not get once the process has its own limits: RLIMIT_NOFILE may be below any slot.</summary>
    /// <returns>A slot for <see cref="BeforeCommand"/>.</returns>
    internal static int BeforeLimits(PlanScope scope) => Memory(scope, scope.Config.Hooks?.StartContainer);

    internal static void BeforeCommand(PlanScope scope, int state, PlanRequest request) => Run(
        scope, scope.Plan.Init, state, request, "startContainer", scope.Config.Hooks?.StartContainer, "created", -1,
        IdentityPlan.Environment(scope.Process.Env));

    /// <summary>Both parties wait for what is done outside: C# is told, and gives its word to go on.</summary>
    internal static void Pause(PlanScope scope)
    {
        var plan = scope.Plan;
        scope.Preparing.Send(scope.Rendezvous.Init, PlanToken.Mounted);
        plan.Supervise.Receive(scope.Rendezvous.Supervisor, PlanToken.Mounted);
        plan.Supervise.AskToGoOn(scope.Go);
        plan.Supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Proceed);
        scope.Preparing.Receive(scope.Rendezvous.Init, PlanToken.Proceed);
    }

    /// <summary>Whether the launch waits for something that is done outside, between the mounts and the pivot.</summary>
    internal static bool Pauses(RuntimeConfig config) =>
        config.Hooks is { Prestart.Count: > 0 } or { CreateRuntime.Count: > 0 } || config.Linux?.NetDevices.Count > 0;

    /// <summary>Whether hooks look for the container's root, with all that is mounted in it, where the host has it.</summary>
    internal static bool SeeRoot(RuntimeConfig config) => config.Hooks is { Prestart.Count: > 0 } or { CreateRuntime.Count: > 0 } or { CreateContainer.Count: > 0 };

    private static int Memory(PlanScope scope, IReadOnlyList<RuntimeHook>? hooks)
    {
        if (hooks is not { Count: > 0 })
        {
            return -1;
        }

        var slot = scope.Plan.NewSlot("hook-state");
        scope.Preparing.Memory(slot);
        return slot;
    }

    private static void Run(
        PlanScope scope, OperationList party, int state, PlanRequest request, string kind, IReadOnlyList<RuntimeHook>? hooks, string status, int directory,
        IReadOnlyList<string> environment)
    {
        if (hooks is not { Count: > 0 })
        {
            return;
        }

        var describe = request.DescribeForHooks ?? throw new InvalidOperationException("hooks need the container's state");
        var (json, pidAt) = describe(status);
        party.HookState(state, json, pidAt);
        for (var i = 0; i < hooks.Count; i++)
        {
            party.Hook(state, hooks[i], hooks[i].Env ?? environment, directory, $"{kind} hook #{i}");
        }
    }
}
