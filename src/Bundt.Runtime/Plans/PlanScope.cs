using Bundt.Linux;
using Bundt.Linux.Capabilities;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>What the parts of a plan share while it is compiled.</summary>
internal sealed class PlanScope
{
    private static readonly IdMapping[] s_root = [new IdMapping(0, 0, 1)];

    private readonly Dictionary<(string Uids, string Gids), int> _maps = [];
    private int _source = -1;
    private int _passing = -1;

    public PlanScope(RuntimeConfig config, RuntimeProcess process, PlanEnding ending, HostFacts host)
    {
        Config = config;
        Process = process;
        Ending = ending;
        Linux = Mapped(config.Linux ?? new LinuxConfig());
        Host = host;
        Rights = new Rights(process.Capabilities, Has(NamespaceType.User) ? CapabilitySet.Full : host.Available, Plan.Warnings);
    }

    public PlanBuilder Plan { get; } = new();

    public RuntimeConfig Config { get; }

    public RuntimeProcess Process { get; }

    public LinuxConfig Linux { get; }

    public PlanEnding Ending { get; }

    /// <summary>The host.</summary>
    public HostFacts Host { get; }

    /// <summary>The capabilities of the process.</summary>
    public Rights Rights { get; }

    /// <summary>The process enters its pid namespace when it has nothing left to lose: a joiner prepares everything in its place.</summary>
    public bool EntersLast { get; init; }

    /// <summary>The supervisor does to the process what the process cannot do to itself: it has no rights on the host, or no /proc of its own.</summary>
    public bool ServedFromOutside => EntersLast || Has(NamespaceType.User);

    /// <summary>The party that prepares the process.</summary>
    public OperationList Preparing => EntersLast ? Plan.Joiner : Plan.Init;

    /// <summary>The supervisor's and init's ends of their rendezvous.</summary>
    public (int Supervisor, int Init) Rendezvous { get; set; } = (-1, -1);

    /// <summary>The root mount.</summary>
    public int Root { get; set; } = -1;

    /// <summary>The new network namespace, if one was made ahead; -1: none.</summary>
    public int GivenNetwork { get; set; } = -1;

    /// <summary>The procfs that sysctls are written to; -1 so far.</summary>
    public int Proc { get; set; } = -1;

    /// <summary>The tmpfs on /dev, if it is ours.</summary>
    public int Dev { get; set; } = -1;

    /// <summary>What a bind shows, as long as the supervisor clones it: one slot for all.</summary>
    public int Source => _source >= 0 ? _source : _source = Plan.NewSlot("source");

    /// <summary>A mount that nobody asks for once it is in its place: one slot for all.</summary>
    public int Passing => _passing >= 0 ? _passing : _passing = Plan.NewSlot("mount");

    /// <summary>The pipe over which C# says to go on; -1: nobody waits for that.</summary>
    public int Go { get; set; } = -1;

    /// <summary>A tmpfs of the host's for device nodes that a user namespace cannot make; -1 so far.</summary>
    public int Nodes { get; set; } = -1;

    /// <summary>/proc/self/attr of the process, as the host's procfs has it; -1: not needed.</summary>
    public int Attributes { get; set; } = -1;

    /// <summary>The connection to the agent that decides on system calls; -1: none.</summary>
    public int Agent { get; set; } = -1;

    /// <summary>The cgroup directory; -1: none.</summary>
    public int Cgroup { get; set; } = -1;

    /// <summary>The container's user namespace as the supervisor sees it; -1: none.</summary>
    public int UserNamespace { get; set; } = -1;

    /// <summary>The pid namespace that the process enters last; -1: none.</summary>
    public int PidNamespace { get; set; } = -1;

    /// <summary>The user namespace that the container joins; -1: none.</summary>
    public int JoinedUserNamespace { get; set; } = -1;

    /// <summary>The host directory that the root is bound from; null: it has none.</summary>
    public string? RootPath { get; set; }

    /// <summary>The map of a new user namespace.</summary>
    public IReadOnlyList<IdMapping> Uids => Linux.UidMappings;

    /// <summary>The map of a new user namespace.</summary>
    public IReadOnlyList<IdMapping> Gids => Linux.GidMappings;

    /// <summary>Stdio of the process; -1 leaves the caller's.</summary>
    public (int In, int Out, int Error) Stdio { get; set; } = (-1, -1, -1);

    /// <summary>The terminal's slave; -1: none.</summary>
    public int Terminal { get; set; } = -1;

    /// <summary>A namespace of the config; null: the runtime's own.</summary>
    public LinuxNamespace? Namespace(NamespaceType type)
    {
        var namespaces = Linux.Namespaces;
        for (var i = 0; i < namespaces.Count; i++)
        {
            if (namespaces[i].Type == type)
            {
                return namespaces[i];
            }
        }

        return null;
    }

    /// <summary>Whether the container has a namespace of this kind that is not the host's.</summary>
    public bool Has(NamespaceType type) => Namespace(type) is not null;

    /// <summary>Whether a new namespace of this kind is made.</summary>
    public bool IsNew(NamespaceType type) => Namespace(type) is { Path: null };

    // The mappings are optional: a new user namespace that names no ids knows root alone, as the same root outside.
    private static LinuxConfig Mapped(LinuxConfig config)
    {
        var makesUser = false;
        for (var i = 0; i < config.Namespaces.Count && !makesUser; i++)
        {
            makesUser = config.Namespaces[i] is { Type: NamespaceType.User, Path: null };
        }

        return !makesUser || config.UidMappings.Count > 0 && config.GidMappings.Count > 0 ? config : config with
        {
            UidMappings = config.UidMappings.Count > 0 ? config.UidMappings : s_root,
            GidMappings = config.GidMappings.Count > 0 ? config.GidMappings : s_root,
        };
    }

    /// <summary>The path inside the root of a host path that leads there; null: it does not.</summary>
    public string? InsideRoot(string path)
    {
        if (RootPath is null || !path.StartsWith(RootPath, StringComparison.Ordinal))
        {
            return null;
        }

        return path.Length == RootPath.Length ? "/" : path[RootPath.Length] == '/' ? path[RootPath.Length..] : null;
    }

    /// <summary>The slot of a user namespace that exists for nothing but its map.</summary>
    public int MapNamespace(string uids, string gids)
    {
        if (!_maps.TryGetValue((uids, gids), out var slot))
        {
            slot = Plan.NewSlot("map");
            Plan.Prepare.UserNamespace(slot, uids, gids);
            _maps.Add((uids, gids), slot);
        }

        return slot;
    }

    /// <summary>A refusal of the config.</summary>
    public static BundtException Invalid(string what, string? hint = null) => new(FailureKind.InvalidArgument, Phase.Request, what, hint);
}
