namespace Bundt.Linux.Processes;

/// <summary>Orphans of this process's descendants become its children (PR_SET_CHILD_SUBREAPER).</summary>
public static class Subreaper
{
    private const int SetChildSubreaper = 36;

    /// <summary>From now on.</summary>
    public static void Become()
    {
        if (ProcessCalls.prctl(SetChildSubreaper, 1, 0, 0, 0) != 0)
        {
            throw BundtException.Last(Phase.Launch, "become a subreaper");
        }
    }
}
