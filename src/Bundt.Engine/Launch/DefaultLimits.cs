using Bundt.Runtime.Launch;

namespace Bundt.Engine.Launch;

/// <summary>Limits that a container has without asking.</summary>
internal static class DefaultLimits
{
    private const long DefaultPids = 4096;

    private static readonly Lazy<bool> s_pidsAtHand = new(() => ContainerCgroup.HasController("pids"));

    /// <summary>Processes and threads; null where no pids controller is at hand: it was not asked for, so its lack is no error.</summary>
    public static long? Pids => s_pidsAtHand.Value ? DefaultPids : null;
}
