using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Seccomp;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>Who the process is and what it may: limits, ids, capabilities, filter. The order keeps rights only as long as a later step needs them.</summary>
internal static class IdentityPlan
{
    private const int SysAdmin = 21, SysResource = 24;

    private const int ProcessCount = 6; // RLIMIT_NPROC

    private const string KeepGroups = "run.oci.keep_original_groups"; // crun's

    private static readonly string[] s_rlimits =
    [
        "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_DATA", "RLIMIT_STACK", "RLIMIT_CORE", "RLIMIT_RSS", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_MEMLOCK",
        "RLIMIT_AS", "RLIMIT_LOCKS", "RLIMIT_SIGPENDING", "RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
    ];

    /// <summary>Everything from the limits up to the command, which is found but not yet executed.</summary>
    /// <param name="scope">The plan so far.</param>
    /// <param name="filter">The compiled seccomp program; empty: none.</param>
    /// <param name="isExec">The process is an exec's.</param>
    internal static void Prepare(PlanScope scope, ReadOnlyMemory<byte> filter, bool isExec)
    {
        var process = scope.Process;
        var init = scope.Preparing;
        init.Phase = Phase.Identity;
        SchedulingPlan.Prepare(scope, isExec);
        if (!scope.ServedFromOutside)
        {
            Privileged(scope, init);
        }

        if (!scope.Has(NamespaceType.User))
        {
            Limits(scope, init);
        }

        if (scope.Linux.Personality is { } personality)
        {
            if (personality.Flags.Count > 0)
            {
                throw PlanScope.Invalid($"linux.personality.flags: no flag is supported, {personality.Flags[0]} is given");
            }

            init.Simple(PlanCode.Personality, personality.Domain == "LINUX32" ? 8UL : 0);
        }

        init.Simple(PlanCode.Umask, process.User.Umask ?? 0x12);

        // Without no_new_privs the filter needs CAP_SYS_ADMIN: kept until the filter is in, dropped by the capset behind it.
        var rights = scope.Rights;
        var filtered = !filter.IsEmpty;
        var keep = filtered && !process.NoNewPrivileges ? 1UL << SysAdmin : 0;
        if (!process.Terminal && scope.Ending is PlanEnding.HandOff)
        {
            init.Simple(PlanCode.OwnNull);
        }

        if (!process.Terminal && (process.User.Uid, process.User.Gid) != (0, 0))
        {
            init.OwnStdio(process.User.Uid, process.User.Gid);
        }

        // Its user need not be able to enter the working directory; or is the only one who is (a FUSE mount).
        var cwd = process.Cwd.Length == 0 ? "/" : process.Cwd;
        init.Phase = Phase.Exec;
        init.Chdir(cwd, tolerate: PlanTolerate.Refused);
        init.Phase = Phase.Identity;
        LabelPlan.LabelCommand(scope, init);
        init.Simple(PlanCode.CapBounding, rights.Bounding);
        init.Simple(PlanCode.Keepcaps, 1);
        Ids(scope, init);
        init.Capset(rights.Effective | keep, rights.Permitted | rights.Effective | keep, rights.Inheritable);
        init.Simple(PlanCode.Keepcaps, 0);
        init.Phase = Phase.Exec;
        init.Chdir(cwd, unlessDone: true);
        if (isExec || scope.Config.Process is not null)
        {
            init.ResolveExec(Candidates(process), process.Args[0]);
        }

        init.Phase = Phase.Identity;
        if (scope.ServedFromOutside)
        {
            ServeFromOutside(scope);
        }
    }

    /// <summary>
    /// A session keyring of its own, not the caller's: what root's session or another container keeps in its keyring is not this process's to
    /// search.
    /// </summary>
    /// <param name="scope">The plan so far.</param>
    /// <param name="name">Its name; null: an anonymous one.</param>
    internal static void NewKeyring(PlanScope scope, string? name)
    {
        scope.Preparing.Phase = Phase.Identity;
        LabelPlan.LabelKeys(scope);
        scope.Preparing.Keyring(name);
    }

    /// <summary>A session of its own, with the terminal.</summary>
    internal static void LeadSession(PlanScope scope)
    {
        var init = scope.Plan.Init;
        init.Phase = Phase.Identity;
        init.Simple(PlanCode.Setsid);
        if (scope.Terminal >= 0)
        {
            init.ControllingTerminal(scope.Terminal);
            init.Stdio(scope.Terminal, scope.Terminal, scope.Terminal);
        }
    }

    /// <summary>What is taken away last: filter, final capabilities.</summary>
    internal static void Confine(PlanScope scope, OperationList init, ReadOnlyMemory<byte> filter)
    {
        var process = scope.Process;
        init.Phase = Phase.Identity;
        var rights = scope.Rights;
        if (process.NoNewPrivileges)
        {
            init.Simple(PlanCode.NoNewPrivs);
        }

        if (!filter.IsEmpty)
        {
            init.Seccomp(filter, Flags(scope.Linux.Seccomp), scope.Agent >= 0);
        }

        if (!filter.IsEmpty && !process.NoNewPrivileges || rights.Permitted != (rights.Permitted | rights.Effective))
        {
            init.Capset(rights.Effective, rights.Permitted, rights.Inheritable);
        }

        if (rights.Ambient != 0)
        {
            init.Simple(PlanCode.CapAmbient, rights.Ambient);
        }
    }

    /// <summary>The command.</summary>
    internal static void Execute(PlanScope scope) => scope.Plan.Init.Exec(scope.Process.Args, Environment(scope.Process.Env));

    /// <summary>Whether a process behind this filter can still be started, wait for its word to go and for its start, and lead a session.</summary>
    /// <param name="filter">The compiled program; empty: none.</param>
    /// <param name="terminal">It takes a terminal.</param>
    internal static bool CanEnterBehind(ReadOnlyMemory<byte> filter, bool terminal)
    {
        const ulong CloneParent = 0x8000, ChildSignal = 17, SetControllingTerminal = 0x540e;
        return filter.IsEmpty
            || Lets("clone", CloneParent | ChildSignal) && Lets("rt_sigaction") && Lets("recvmsg") && Lets("read") && Lets("setsid") && Lets("prlimit64")
            && Lets("execve") && Lets("exit_group")
            && Lets("close") && (Lets("close_range") || Asked("close_range").IsErrno)
            && (!terminal || Lets("ioctl", 0, SetControllingTerminal) && Lets("dup3"));

        bool Lets(string call, ulong first = 0, ulong second = 0) => Asked(call, first, second) == SeccompAction.Allow;

        SeccompAction Asked(string call, ulong first = 0, ulong second = 0) => FilterProgram.Run(filter.Span, call, [first, second]);
    }

    /// <summary>The paths a command's name may mean, as execvp(3) sees it with the process's own PATH.</summary>
    internal static IReadOnlyList<string> Candidates(RuntimeProcess process)
    {
        if (process.Args.Count == 0 || process.Args[0].Length == 0)
        {
            throw PlanScope.Invalid("no command specified");
        }

        var name = process.Args[0];
        if (name.Contains('/', StringComparison.Ordinal))
        {
            return [name];
        }

        var path = Spec.DefaultSpec.Path[5..];
        foreach (var variable in process.Env)
        {
            if (variable.StartsWith("PATH=", StringComparison.Ordinal))
            {
                path = variable[5..];
            }
        }

        var candidates = new List<string>();
        foreach (var directory in path.Split(':'))
        {
            candidates.Add(directory.Length == 0 ? "./" + name : directory.TrimEnd('/') + "/" + name);
        }

        return candidates;
    }

    /// <summary>The number of an rlimit's name.</summary>
    internal static int RlimitNumber(string name)
    {
        var number = Array.IndexOf(s_rlimits, name);
        return number >= 0 ? number : throw PlanScope.Invalid($"process.rlimits: {name} is no resource limit");
    }

    // Of duplicates the last one wins.
    internal static IReadOnlyList<string> Environment(IReadOnlyList<string> variables)
    {
        var seen = new HashSet<string>(variables.Count, StringComparer.Ordinal);
        var lookup = seen.GetAlternateLookup<ReadOnlySpan<char>>();
        var kept = new List<string>(variables.Count);
        for (var i = variables.Count - 1; i >= 0; i--)
        {
            var variable = variables[i];
            var equals = variable.IndexOf('=', StringComparison.Ordinal);
            if (lookup.Add(equals < 0 ? variable : variable.AsSpan(0, equals)))
            {
                kept.Add(variable);
            }
        }

        kept.Reverse();
        return kept;
    }

    // What takes rights in the host's user namespace, which a process in another one does not have, and must come before it gives up its own.
    private static void Privileged(PlanScope scope, OperationList list)
    {
        if (scope.Process.OomScoreAdj is { } score)
        {
            OomScore(scope, list, score);
        }

        SchedulingPlan.Privileged(scope, list);
    }

    // Its limits could hinder the process in its own preparations: the supervisor waits until they are done. It waits until what is done to it is
    // done, too: a reaper's child inherits it.
    private static void ServeFromOutside(PlanScope scope)
    {
        var operations = new OperationList(PlanSection.Supervisor) { Phase = Phase.Identity };
        Privileged(scope, operations);
        if (scope.Has(NamespaceType.User))
        {
            Limits(scope, operations);
        }

        if (operations.Count == 0)
        {
            return;
        }

        var supervise = scope.Plan.Supervise;
        if (scope.EntersLast)
        {
            // The joiner's end, which the supervisor awaits anyway, is the same word.
            supervise.Append(operations);
            return;
        }

        scope.Preparing.Send(scope.Rendezvous.Init, PlanToken.Prepared);
        supervise.Receive(scope.Rendezvous.Supervisor, PlanToken.Prepared);
        supervise.Append(operations);
        supervise.Send(scope.Rendezvous.Supervisor, PlanToken.Served);
        scope.Preparing.Receive(scope.Rendezvous.Init, PlanToken.Served);
    }

    // /proc/self of a process that nobody may look into belongs to the host's root. And a joiner that is not in the container's pid namespace has
    // none in the container's /proc.
    private static void OomScore(PlanScope scope, OperationList list, int score)
    {
        if (scope.ServedFromOutside)
        {
            list.WriteInit("oom_score_adj", Encoding.ASCII.GetBytes(score.ToString(CultureInfo.InvariantCulture)), PlanTolerate.Refused);
        }
        else
        {
            list.Simple(PlanCode.OomScoreAdj, (ulong)(long)score);
        }
    }

    private static void Limits(PlanScope scope, OperationList list)
    {
        foreach (var limit in scope.Process.Rlimits)
        {
            if (limit.Soft > limit.Hard)
            {
                throw PlanScope.Invalid($"{limit.Type}: the soft limit {limit.Soft} is above the hard limit {limit.Hard}");
            }

            var number = RlimitNumber(limit.Type);
            if (!scope.Host.Available.Contains(SysResource) && scope.Host.HardLimit(number) is var own && limit.Hard > own)
            {
                scope.Plan.Warnings.Add($"{limit.Type}: the hard limit {limit.Hard} is cut to the runtime's own, {own}");
            }

            if (!scope.EntersLast || number != ProcessCount)
            {
                list.Rlimit(number, limit.Soft, limit.Hard, limit.Type);
                continue;
            }

            // The joiner still starts the process, and counts beside it: it sees to it that the process may have the limit, no more.
            if (limit.Hard > scope.Host.HardLimit(number))
            {
                list.Rlimit(number, limit.Hard, limit.Hard, limit.Type);
            }

            scope.Plan.Init.Phase = Phase.Identity;
            scope.Plan.Init.Rlimit(number, limit.Soft, limit.Hard, limit.Type);
        }
    }

    private static void Ids(PlanScope scope, OperationList init)
    {
        var user = scope.Process.User;
        if (scope.Config.Annotations.GetValueOrDefault(KeepGroups) is not "1")
        {
            Groups(scope, init, user);
        }

        init.Simple(PlanCode.Setgid, user.Gid);
        init.Simple(PlanCode.Setuid, user.Uid);
    }

    private static void Groups(PlanScope scope, OperationList init, ProcessUser user)
    {
        var gids = new byte[user.AdditionalGids.Count * 4];
        for (var i = 0; i < user.AdditionalGids.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(gids.AsSpan(i * 4), user.AdditionalGids[i]);
        }

        init.Block(PlanCode.Groups, gids, scope.Has(NamespaceType.User) ? (byte)1 : (byte)0, count: (uint)user.AdditionalGids.Count);
    }

    private static ulong Flags(LinuxSeccomp? seccomp)
    {
        ulong flags = 0;
        foreach (var flag in seccomp?.Flags ?? [])
        {
            flags |= SeccompFlags.Parse(flag) ?? throw PlanScope.Invalid($"linux.seccomp.flags: {flag} is unknown");
        }

        return flags;
    }
}
