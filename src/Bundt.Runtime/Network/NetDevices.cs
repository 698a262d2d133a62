using Bundt.Linux;
using Bundt.Linux.Namespaces;
using Bundt.Linux.Network;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Network;

/// <summary>"linux.netDevices": interfaces that move from the runtime's network namespace into the container's (config-linux.md, 1.3).</summary>
internal static class NetDevices
{
    private const int LongestName = 15; // IFNAMSIZ with its NUL

    /// <summary>Moves them. The container's process exists, has its network namespace, and has not executed anything of the container's yet.</summary>
    /// <param name="config">The config.</param>
    /// <param name="initPid">The process, an unreaped child or grandchild: its pid cannot be another's.</param>
    /// <exception cref="BundtException">A device is missing, or the kernel refuses.</exception>
    internal static void Move(RuntimeConfig config, int initPid)
    {
        if (config.Linux?.NetDevices is not { Count: > 0 } devices)
        {
            return;
        }

        using var target = NetworkNamespace.Of(initPid);
        foreach (var (name, device) in devices)
        {
            NetworkInterface.Move(name, target, device.Name ?? name);
        }
    }

    /// <summary>What a config says wrong about them; null: nothing.</summary>
    internal static string? Refusal(LinuxConfig config)
    {
        if (config.NetDevices.Count == 0)
        {
            return null;
        }

        if (!config.Namespaces.Any(ns => ns.Type == NamespaceType.Network))
        {
            return "linux.netDevices: unable to move network devices without a NET namespace";
        }

        foreach (var (name, device) in config.NetDevices)
        {
            foreach (var each in (string[])[name, device.Name ?? name])
            {
                if (each.Length is 0 or > LongestName || each is "." or ".." || each.AsSpan().ContainsAny('/', ':', ' '))
                {
                    return $"linux.netDevices: invalid network device name \"{each}\"";
                }
            }
        }

        return null;
    }
}
