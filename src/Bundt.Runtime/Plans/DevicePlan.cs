using System.Globalization;
using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>Device nodes, the standard links of /dev, and the terminal.</summary>
internal static class DevicePlan
{
    private const uint Character = 0x2000, Block = 0x6000, Fifo = 0x1000;

    private static readonly LinuxDevice[] s_standard =
    [
        new() { Path = "/dev/null", Type = 'c', Major = 1, Minor = 3 },
        new() { Path = "/dev/zero", Type = 'c', Major = 1, Minor = 5 },
        new() { Path = "/dev/full", Type = 'c', Major = 1, Minor = 7 },
        new() { Path = "/dev/random", Type = 'c', Major = 1, Minor = 8 },
        new() { Path = "/dev/urandom", Type = 'c', Major = 1, Minor = 9 },
        new() { Path = "/dev/tty", Type = 'c', Major = 5, Minor = 0 },
    ];

    private static readonly (string Name, string Target)[] s_links =
    [
        ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2"),
        ("core", "/proc/kcore"), ("ptmx", "pts/ptmx"),
    ];

    internal static void Make(PlanScope scope)
    {
        var init = scope.Preparing;
        init.Phase = Phase.Mount;
        if (!IsBound(scope))
        {
            foreach (var device in s_standard)
            {
                if (!Given(scope, device.Path))
                {
                    Node(scope, device, isStandard: true);
                }
            }

            var own = -1;
            foreach (var device in scope.Linux.Devices)
            {
                if (device.Type != 'p' && own < 0 && scope.IsNew(NamespaceType.User))
                {
                    own = EnterWorkshop(scope);
                }

                Node(scope, device, isStandard: false);
            }

            if (own >= 0)
            {
                scope.Plan.Prepare.Setns(own, KernelFlags.NewMount, "/proc/self/ns/mnt");
            }

            foreach (var (name, target) in s_links)
            {
                var (root, path) = Place(scope, "/dev/" + name);
                init.Symlink(root, path, target);
            }
        }

        if (scope.Process.Terminal)
        {
            Terminal(scope, scope.Root);
            Console(scope);
        }

        if (scope.Dev >= 0 && IsReadonly(scope))
        {
            init.Setattr(scope.Dev, MountOptions.ReadOnly, 0, 0, -1, recursive: false, "/dev");
        }
    }

    /// <summary>Opens a pty in the container's own devpts; its master goes to the supervisor or the console socket.</summary>
    internal static void Terminal(PlanScope scope, int root)
    {
        var plan = scope.Plan;
        var master = plan.NewSlot("master");
        scope.Terminal = plan.NewSlot("terminal");
        scope.Preparing.Pty(root, master, scope.Terminal, Size(scope), scope.Process.User.Uid, scope.Ending is PlanEnding.HandOff { Foreground: true });
        if (scope.Ending is PlanEnding.HandOff)
        {
            scope.Preparing.SendText(plan.Input(PlanInputKind.ConsoleSocket), "/dev/ptmx"u8.ToArray(), master, "the console socket");
        }
        else
        {
            scope.Preparing.Send(scope.Rendezvous.Init, PlanToken.Terminal, master);
            plan.Supervise.Receive(scope.Rendezvous.Supervisor, PlanToken.Terminal, master);
            scope.Stdio = (master, master, master);
        }

        scope.Preparing.Close(master);
    }

    private static ConsoleSize Size(PlanScope scope) =>
        scope.Process.ConsoleSize
        ?? (scope.Ending is PlanEnding.Monitor { Settings: { Rows: > 0 } settings } ? new ConsoleSize(settings.Rows, settings.Columns) : default);

    // /dev/console is the terminal, as programs such as init systems expect.
    private static void Console(PlanScope scope)
    {
        var init = scope.Preparing;
        var mount = scope.Plan.NewSlot("console");
        var (root, path) = Place(scope, "/dev/console");
        init.Touch(root, path, 0x180);
        init.OpenTree(mount, scope.Terminal, null, KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec, "/dev/console");
        init.MoveMount(mount, root, path, sameKind: true, "bind the terminal on");
    }

    // A user's own /dev is left as it is.
    private static bool IsBound(PlanScope scope)
    {
        foreach (var mount in scope.Config.Mounts)
        {
            if (Path.GetFullPath(mount.Destination, "/") == "/dev" && MountPlan.IsBind(mount))
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsReadonly(PlanScope scope)
    {
        foreach (var mount in scope.Config.Mounts)
        {
            if (Path.GetFullPath(mount.Destination, "/") == "/dev")
            {
                return mount.Options.Contains("ro");
            }
        }

        return false;
    }

    private static bool Given(PlanScope scope, string path)
    {
        foreach (var device in scope.Linux.Devices)
        {
            if (device.Path.TrimEnd('/') == path)
            {
                return true;
            }
        }

        return false;
    }

    private static void Node(PlanScope scope, LinuxDevice device, bool isStandard)
    {
        var init = scope.Preparing;
        var path = Path.GetFullPath(device.Path, "/").TrimEnd('/');
        var mode = Type(device) | (device.FileMode & 0xfff ?? 0x1b6);
        var host = device.Type != 'p' && scope.Has(NamespaceType.User) ? HostNode(scope, device, path, mode, isStandard) : -1;
        var (root, relative) = Place(scope, path);
        var slash = relative.LastIndexOf('/');
        if (slash > 0 && (root != scope.Root || relative.LastIndexOf('/', slash - 1) >= 0))
        {
            init.Mkdir(root, relative[..slash], 0x1ed);
        }

        init.Mknod(root, relative, mode, MakeDevice(device), device.Uid ?? 0, device.Gid ?? 0, host, path);
    }

    // A user namespace may not make device nodes, but show those of others: the host's own; or, for a config's, one that is made for it, with the
    // owner and the mode that it asks for.
    private static int HostNode(PlanScope scope, LinuxDevice device, string path, uint mode, bool isStandard)
    {
        var prepare = scope.Plan.Prepare;
        prepare.Phase = Phase.Mount;
        var node = scope.Plan.NewSlot("node");
        const ulong Clone = KernelFlags.OpenTreeClone | KernelFlags.CloseOnExec;
        if (isStandard || !scope.IsNew(NamespaceType.User))
        {
            prepare.OpenTree(node, -1, path, Clone, path, isStandard ? PlanTolerate.None : PlanTolerate.Missing);
            return node;
        }

        var name = node.ToString(CultureInfo.InvariantCulture);
        var uid = IdMaps.Outside(scope.Uids, device.Uid ?? 0) ?? throw Unmapped(path);
        var gid = IdMaps.Outside(scope.Gids, device.Gid ?? 0) ?? throw Unmapped(path);
        prepare.Mknod(scope.Nodes, name, mode, MakeDevice(device), uid, gid, -1, path);
        prepare.OpenTree(node, scope.Nodes, name, Clone, path);
        return node;

        static BundtException Unmapped(string path) => PlanScope.Invalid($"linux.devices: the owner of {path} is not mapped in the user namespace");
    }

    // A mount namespace that lives as long as the plan is in it, with a tmpfs for the nodes: what is not mounted anywhere cannot be bound before
    // Linux 6.15. Gives the slot of the way back.
    private static int EnterWorkshop(PlanScope scope)
    {
        var prepare = scope.Plan.Prepare;
        prepare.Phase = Phase.Mount;
        var own = scope.Plan.NewSlot("ns-own");
        prepare.Open(own, -1, "/proc/self/ns/mnt", 0);
        prepare.Unshare(KernelFlags.NewMount);
        prepare.Propagation("/", KernelFlags.PropagationRecursive | KernelFlags.Private);
        scope.Nodes = scope.Plan.NewSlot("nodes");
        prepare.MountFs(scope.Nodes, "tmpfs", ["source=tmpfs", "mode=700"], 0, "linux.devices");
        prepare.MoveMount(scope.Nodes, -1, "/", sameKind: false, "mount the tmpfs for linux.devices over");
        return own;
    }

    private static uint Type(LinuxDevice device) => device.Type switch
    {
        'b' => Block,
        'p' => Fifo,
        _ => Character,
    };

    private static ulong MakeDevice(LinuxDevice device)
    {
        var (major, minor) = ((ulong)device.Major, (ulong)device.Minor);
        return (major & 0xfffff000) << 32 | (major & 0xfff) << 8 | (minor & 0xffffff00) << 12 | minor & 0xff;
    }

    private static (int Root, string Path) Place(PlanScope scope, string path) =>
        scope.Dev >= 0 && path.StartsWith("/dev/", StringComparison.Ordinal) ? (scope.Dev, path[5..]) : (scope.Root, path);
}
