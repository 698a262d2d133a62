using Bundt.Linux;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Plans;

namespace Bundt.Runtime.Limits;

/// <summary>What "linux.intelRdt" has left in the resctrl file system.</summary>
internal static class ResctrlGroup
{
    /// <summary>Removes the groups that are the container's own; a class that the config names is somebody else's.</summary>
    /// <param name="id">The container's id.</param>
    /// <param name="config">Reads the config; asked where a resctrl is mounted at all.</param>
    internal static void Remove(string id, Func<RuntimeConfig?> config)
    {
        if (HostFacts.Own.HasResctrl())
        {
            Remove(PathOf(id, config()));
        }
    }

    /// <summary>The group that a creation will make for a container, and that is to be removed if it fails; null: none, or it is there already.</summary>
    internal static string? ToBeMade(string id, RuntimeConfig config) =>
        config.Linux?.IntelRdt is not null && HostFacts.Own.HasResctrl() && PathOf(id, config) is { } path && !Directory.Exists(path) ? path : null;

    /// <summary>Removes a group, if it is there. Whoever is in it falls back to the machine's.</summary>
    /// <exception cref="BundtException">The kernel refused it.</exception>
    internal static void Remove(string? path)
    {
        try
        {
            if (path is not null && Directory.Exists(path))
            {
                Directory.Delete(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BundtException(FailureKind.Internal, Phase.Cgroup, $"cannot remove {path}: {BundtException.Reason(e)}", null, e);
        }
    }

    private static string? PathOf(string id, RuntimeConfig? config) =>
        config?.Linux?.IntelRdt is not { } rdt ? null
        : rdt.ClosId is null ? Path.Join(ResctrlPlan.Mount, id)
        : rdt.EnableMonitoring ? Path.Join(ResctrlPlan.Mount, ResctrlPlan.Group(rdt, id), "mon_groups", id)
        : null;
}
