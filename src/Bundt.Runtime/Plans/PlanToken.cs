namespace Bundt.Runtime.Plans;

/// <summary>What the parties say to each other at their rendezvous.</summary>
internal enum PlanToken
{
    /// <summary>The user namespace's id maps are written.</summary>
    Mapped = 1,
    /// <summary>Here is the root mount.</summary>
    Root = 2,
    /// <summary>Here is a mount that shall show other ids; it does now.</summary>
    Tree = 5,
    /// <summary>Here is the terminal's master.</summary>
    Terminal = 3,
    /// <summary>The process is prepared, but for what is done to it from outside.</summary>
    Prepared = 6,
    /// <summary>What is done to it from outside is done.</summary>
    Served = 7,
    /// <summary>The time namespace is made.</summary>
    TimeMade = 10,
    /// <summary>Its clocks are set.</summary>
    TimeSet = 11,
    /// <summary>Everything outside is done: execute.</summary>
    Go = 4,
    /// <summary>Everything is mounted and nothing is pivoted: what is to be done outside can be done.</summary>
    Mounted = 8,
    /// <summary>It is done.</summary>
    Proceed = 9,
    /// <summary>The running container's mounts are as they shall be.</summary>
    Changed = 12,
}
