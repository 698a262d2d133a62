using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Network;

namespace Bundt.Runtime.Plans;

/// <summary>Namespaces: which are made, which are joined, who starts whom.</summary>
internal static class NamespacePlan
{
    // A pid namespace is only entered by children.
    private static readonly NamespaceType[] s_joinedByInit = [NamespaceType.Ipc, NamespaceType.Uts, NamespaceType.Network, NamespaceType.Cgroup, NamespaceType.Time];

    internal static void Start(PlanScope scope, bool hasNetworkNamespace)
    {
        Check(scope);
        var plan = scope.Plan;
        var slots = OpenJoined(scope);
        if (hasNetworkNamespace && scope.IsNew(NamespaceType.Network))
        {
            scope.GivenNetwork = plan.Input(PlanInputKind.NetworkNamespace);
        }

        scope.Rendezvous = (plan.NewSlot("supervisor"), plan.NewSlot("init"));
        plan.Start.Socketpair(scope.Rendezvous.Supervisor, scope.Rendezvous.Init);

        ulong flags = 0;
        foreach (var ns in scope.Linux.Namespaces)
        {
            // The kernel would root a cgroup namespace made by clone in the parent's cgroup: init makes its own.
            if (ns.Path is null && ns.Type != NamespaceType.Cgroup && (ns.Type != NamespaceType.Network || scope.GivenNetwork < 0))
            {
                flags |= KernelFlags.Namespace(ns.Type);
            }
        }

        var offsets = TimeOffsets(scope);
        if (offsets is not null)
        {
            flags &= ~KernelFlags.NewTime;
            if (!scope.Has(NamespaceType.User))
            {
                // Offsets can be set only before the first process enters; a child of the supervisor is that first process.
                plan.Start.Unshare(KernelFlags.NewTime);
                plan.Start.Write(-1, "/proc/self/timens_offsets", offsets, 2, PlanTolerate.None, "linux.timeOffsets");
            }
        }

        Clone(scope, slots, flags);
        plan.Supervise.Close(scope.Rendezvous.Init);
        scope.Preparing.Close(scope.Rendezvous.Supervisor);
        if (!scope.Has(NamespaceType.User))
        {
            Join(scope.Preparing, slots, s_joinedByInit);
        }

        Join(scope.Preparing, slots, NamespaceType.Mount);
        if (scope.GivenNetwork >= 0)
        {
            scope.Preparing.Setns(scope.GivenNetwork, KernelFlags.Namespace(NamespaceType.Network), "the network namespace made ahead");
        }

        MapIds(scope);
        if (offsets is not null && scope.Has(NamespaceType.User))
        {
            OffsetOwnTime(scope, offsets);
        }

        if (scope.IsNew(NamespaceType.Cgroup))
        {
            scope.Preparing.Unshare(KernelFlags.NewCgroup);
        }
    }

    /// <summary>Names and interfaces of new namespaces.</summary>
    internal static void Furnish(PlanScope scope)
    {
        var init = scope.Preparing;
        init.Phase = Phase.Launch;
        if (scope.IsNew(NamespaceType.Network) && scope.GivenNetwork < 0)
        {
            init.Simple(PlanCode.LoopbackUp);
        }

        if (!string.IsNullOrEmpty(scope.Config.Hostname))
        {
            init.Named(PlanCode.Hostname, scope.Config.Hostname);
        }

        if (!string.IsNullOrEmpty(scope.Config.Domainname))
        {
            init.Named(PlanCode.Domainname, scope.Config.Domainname);
        }
    }

    private static void Check(PlanScope scope)
    {
        if (!scope.Has(NamespaceType.Uts) && (!string.IsNullOrEmpty(scope.Config.Hostname) || !string.IsNullOrEmpty(scope.Config.Domainname)))
        {
            throw PlanScope.Invalid("hostname and domainname need a uts namespace", "Without one they would change the host's.");
        }

        if (NetDevices.Refusal(scope.Linux) is { } refusal)
        {
            throw PlanScope.Invalid(refusal);
        }

        var mapped = scope.Linux.UidMappings.Count > 0 || scope.Linux.GidMappings.Count > 0;
        if (mapped && !scope.Has(NamespaceType.User))
        {
            throw PlanScope.Invalid("id mappings need a user namespace");
        }

        if (scope.Linux.TimeOffsets.Count > 0 && !scope.IsNew(NamespaceType.Time))
        {
            throw PlanScope.Invalid("timeOffsets need a new time namespace");
        }
    }

    private static Dictionary<NamespaceType, (int Slot, string Path)> OpenJoined(PlanScope scope)
    {
        var slots = new Dictionary<NamespaceType, (int, string)>();
        foreach (var ns in scope.Linux.Namespaces)
        {
            if (ns.Path is not null)
            {
                var slot = scope.Plan.NewSlot("ns-" + ns.Type.ToString().ToLowerInvariant());
                scope.Plan.Prepare.Open(slot, -1, ns.Path, 0);
                slots.Add(ns.Type, (slot, ns.Path));
                if (ns.Type == NamespaceType.User)
                {
                    scope.JoinedUserNamespace = slot;
                }
            }
        }

        return slots;
    }

    private static void Clone(PlanScope scope, Dictionary<NamespaceType, (int Slot, string Path)> slots, ulong flags)
    {
        var plan = scope.Plan;
        if (scope.EntersLast)
        {
            scope.PidNamespace = slots[NamespaceType.Pid].Slot;
            plan.Start.Clone(PlanSection.Joiner, flags, scope.Cgroup, sibling: false);
        }
        else if (!scope.Has(NamespaceType.User))
        {
            Join(plan.Start, slots, NamespaceType.Pid);
            plan.Start.Clone(PlanSection.Init, flags, scope.Cgroup, sibling: false);
        }
        else if (slots.Count == 0)
        {
            plan.Start.Clone(PlanSection.Init, flags, scope.Cgroup, sibling: false);
        }
        else
        {
            // What is joined may be the host's: in the user namespace nobody has a right to it any more.
            plan.Start.Clone(PlanSection.Joiner, 0, -1, sibling: false);
            Join(plan.Joiner, slots, [.. s_joinedByInit, NamespaceType.Pid, NamespaceType.User]);
            plan.Joiner.Clone(PlanSection.Init, flags, scope.Cgroup, sibling: true);
        }
    }

    private static void Join(OperationList party, Dictionary<NamespaceType, (int Slot, string Path)> slots, params ReadOnlySpan<NamespaceType> types)
    {
        foreach (var type in types)
        {
            if (slots.TryGetValue(type, out var joined))
            {
                party.Setns(joined.Slot, KernelFlags.Namespace(type), joined.Path);
            }
        }
    }

    // The text of /proc/PID/timens_offsets; null: none.
    private static byte[]? TimeOffsets(PlanScope scope)
    {
        if (scope.Linux.TimeOffsets.Count == 0)
        {
            return null;
        }

        var text = new StringBuilder();
        foreach (var (clock, offset) in scope.Linux.TimeOffsets)
        {
            if (clock is not ("monotonic" or "boottime"))
            {
                throw PlanScope.Invalid($"linux.timeOffsets: \"{clock}\" is no clock with an offset (monotonic and boottime are)");
            }

            text.Append(CultureInfo.InvariantCulture, $"{clock} {offset.Secs} {offset.Nanosecs}\n");
        }

        return Encoding.ASCII.GetBytes(text.ToString());
    }

    // The time namespace belongs to the user namespace, so that who joins the one can join the other: init makes it, and enters it once the supervisor
    // has set its clocks (init, not dumpable, cannot open its own file).
    private static void OffsetOwnTime(PlanScope scope, byte[] offsets)
    {
        var plan = scope.Plan;
        var slot = plan.NewSlot("ns-time");
        plan.Init.Unshare(KernelFlags.NewTime);
        plan.Init.Send(scope.Rendezvous.Init, PlanToken.TimeMade);
        plan.Supervise.Receive(scope.Rendezvous.Supervisor, PlanToken.TimeMade);
        plan.Supervise.WriteInit("timens_offsets", offsets);
        plan.Supervise.Send(scope.Rendezvous.Supervisor, PlanToken.TimeSet);
        plan.Init.Receive(scope.Rendezvous.Init, PlanToken.TimeSet);
        plan.Init.Open(slot, -1, "/proc/self/ns/time_for_children", 0);
        plan.Init.Setns(slot, KernelFlags.NewTime, "linux.timeOffsets");
    }

    private static void MapIds(PlanScope scope)
    {
        if (!scope.Has(NamespaceType.User))
        {
            return;
        }

        var plan = scope.Plan;
        plan.Init.Phase = Phase.Identity;
        if (scope.IsNew(NamespaceType.User))
        {
            plan.Supervise.Phase = Phase.Identity;
            plan.Supervise.WriteInit("uid_map", Encoding.ASCII.GetBytes(IdMaps.Lines(scope.Uids)));
            plan.Supervise.WriteInit("gid_map", Encoding.ASCII.GetBytes(IdMaps.Lines(scope.Gids)));
            plan.Supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Mapped);
            scope.UserNamespace = plan.NewSlot("userns");
            plan.Supervise.OpenInit(scope.UserNamespace, "ns/user", 0);
            plan.Supervise.Phase = Phase.Launch;
            plan.Init.Receive(scope.Rendezvous.Init, PlanToken.Mapped);
        }

        // Root of the namespace sets the container up; the command's own ids come last.
        plan.Init.Simple(PlanCode.Setgid, 0);
        plan.Init.Simple(PlanCode.Setuid, 0);
        plan.Init.Phase = Phase.Launch;
    }
}
