using Bundt.Linux;
using Bundt.Linux.Capabilities;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>What the parts of a plan share while it is compiled.</summary>
internal sealed class PlanScope
{
    private static readonly IdMapping[] s_root = [new IdMapping(0, 0, 1)];

    public PlanScope(RuntimeConfig config, RuntimeProcess process, PlanEnding ending, CapabilitySet available)
    {
        Config = config;
        Process = process;
        Ending = ending;
        Linux = Mapped(config.Linux ?? new LinuxConfig());
        Available = available;
        Rights = new Rights(process.Capabilities, Has(NamespaceType.User) ? CapabilitySet.Full : available, Plan.Warnings);
    }

    public PlanBuilder Plan { get; } = new();

    public RuntimeConfig Config { get; }

    public RuntimeProcess Process { get; }

    public LinuxConfig Linux { get; }

    public PlanEnding Ending { get; }

    /// <summary>The capabilities that the launcher itself can give.</summary>
    public CapabilitySet Available { get; }

    /// <summary>The hard limit of the launcher itself, by number.</summary>
    public required Func<int, ulong> HardLimit { get; init; }

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

    /// <summary>The pipe over which C# says to go on; -1: nobody waits for that.</summary>
    public int Go { get; set; } = -1;

    /// <summary>The cgroup directory; -1: none.</summary>
    public int Cgroup { get; set; } = -1;

    /// <summary>The container's user namespace as the supervisor sees it; -1: none.</summary>
    public int UserNamespace { get; set; } = -1;

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

    /// <summary>A refusal of the config.</summary>
    public static BundtException Invalid(string what, string? hint = null) => new(FailureKind.InvalidArgument, Phase.Request, what, hint);
}
