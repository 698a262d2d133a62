using System.Text;
using Bundt.Linux;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Plans;

/// <summary>Kernel parameters, masked and read-only paths.</summary>
internal static class ProtectionPlan
{
    private static readonly HashSet<string> s_ipc =
    [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
    ];

    internal static void Apply(PlanScope scope)
    {
        Sysctls(scope);
        Paths(scope);
    }

    /// <summary>
    /// Checks a kernel parameter: it must belong to a namespace of the container's own, and its value is one line. Answers its file below
    /// /proc/sys.
    /// </summary>
    internal static string SysctlFile(PlanScope scope, string name, string value)
    {
        // Like sysctl(8): the first separator decides which one separates ("net/ipv4/conf/eth0.1/…").
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        var dotted = slash >= 0 && (dot < 0 || slash < dot) ? name.Replace('/', '.') : name;
        var path = slash >= 0 && (dot < 0 || slash < dot) ? name : name.Replace('/', '\0').Replace('.', '/').Replace('\0', '.');
        if (path.Split('/').Any(part => part is "" or "." or ".."))
        {
            throw PlanScope.Invalid($"sysctl \"{name}\" is no name of a kernel parameter");
        }

        if (value.AsSpan().ContainsAny('\n', '\0'))
        {
            throw PlanScope.Invalid($"the value of sysctl {name} is more than one line");
        }

        // For the host name there is a field, whether it is set or not; so say runc and crun.
        var domain = scope.Config.Domainname;
        if (dotted == "kernel.hostname" || dotted == "kernel.domainname" && !string.IsNullOrEmpty(domain) && domain != value)
        {
            throw PlanScope.Invalid($"sysctl {name} is not allowed as it conflicts with the OCI \"{dotted[7..]}\" field");
        }

        var ipc = s_ipc.Contains(dotted) || dotted.StartsWith("fs.mqueue.", StringComparison.Ordinal);
        var net = dotted.StartsWith("net.", StringComparison.Ordinal);
        var uts = dotted == "kernel.domainname";
        var user = dotted.StartsWith("user.", StringComparison.Ordinal);
        if (!ipc && !net && !uts && !user)
        {
            throw PlanScope.Invalid($"sysctl {name} is not in a separate kernel namespace", "It would change the whole host.");
        }

        var needed = ipc ? NamespaceType.Ipc : net ? NamespaceType.Network : user ? NamespaceType.User : NamespaceType.Uts;
        if (!scope.Has(needed))
        {
            throw PlanScope.Invalid($"sysctl {name} is not allowed in the host's {needed.ToString().ToLowerInvariant()} namespace");
        }

        return "sys/" + path;
    }

    private static void Sysctls(PlanScope scope)
    {
        if (scope.Linux.Sysctl.Count == 0)
        {
            return;
        }

        var init = scope.Preparing;
        init.Phase = Phase.Mount;
        if (scope.Proc < 0)
        {
            scope.Proc = scope.Plan.NewSlot("proc");
            init.MountFs(scope.Proc, "proc", ["source=proc"], 0, "linux.sysctl");
        }

        foreach (var (name, value) in scope.Linux.Sysctl)
        {
            // Through the descriptor of this very procfs: whatever a container mounts on /proc cannot catch the write (CVE-2025-52881).
            init.Write(scope.Proc, SysctlFile(scope, name, value), Encoding.UTF8.GetBytes(value), 1 | 2, PlanTolerate.None, "sysctl " + name);
        }
    }

    private static void Paths(PlanScope scope)
    {
        if (scope.Linux.ReadonlyPaths.Count + scope.Linux.MaskedPaths.Count > 0 && !scope.Has(NamespaceType.Mount))
        {
            throw PlanScope.Invalid("linux.maskedPaths, linux.readonlyPaths: unable to restrict sys entries without a private MNT namespace");
        }

        var init = scope.Preparing;
        foreach (var path in scope.Linux.ReadonlyPaths)
        {
            init.Readonly(scope.Root, path);
        }

        if (scope.Linux.MaskedPaths.Count == 0)
        {
            return;
        }

        var empty = scope.Plan.NewSlot("empty");
        var device = scope.Plan.NewSlot("null");
        init.MountFs(empty, "tmpfs", ["source=tmpfs", "size=0k", "mode=755"], MountOptions.ReadOnly | 0x2 | 0x4 | 0x8, "linux.maskedPaths");
        init.Open(device, scope.Root, "/dev/null", KernelFlags.PathOnly, KernelFlags.ResolveInRoot | KernelFlags.ResolveNoMagicLinks);
        foreach (var path in scope.Linux.MaskedPaths.Distinct(StringComparer.Ordinal))
        {
            init.Mask(scope.Root, path, empty, device);
        }
    }
}
