namespace Bundt.Linux.Processes;

/// <summary>Resource limits of this process (getrlimit(2)).</summary>
public static unsafe class ResourceLimits
{
    /// <summary>The hard limit, in the resource's own unit; without CAP_SYS_RESOURCE nothing above it can be set. The maximum: unlimited.</summary>
    /// <param name="resource">RLIMIT_*.</param>
    public static ulong Hard(int resource)
    {
        var limits = stackalloc ulong[2];
        return ProcessCalls.getrlimit(resource, limits) == 0 ? limits[1] : ulong.MaxValue;
    }
}
