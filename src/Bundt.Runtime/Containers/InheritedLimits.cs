using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;

namespace Bundt.Runtime.Containers;

/// <summary>A process whose config does not limit its open files has its caller's limit, not the one that its caller's runtime needed.</summary>
internal static class InheritedLimits
{
    private const string OpenFileLimit = "RLIMIT_NOFILE";

    /// <summary>The process, with that limit.</summary>
    public static RuntimeProcess Of(RuntimeProcess process) =>
        OpenFiles.Inherited is { } own && process.Rlimits.All(limit => limit.Type != OpenFileLimit)
            ? process with { Rlimits = [.. process.Rlimits, new ProcessRlimit(OpenFileLimit, own.Soft, own.Hard)] }
            : process;
}
