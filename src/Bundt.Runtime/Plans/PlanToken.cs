namespace Bundt.Runtime.Plans;

/// <summary>What the parties say to each other at their rendezvous.</summary>
internal enum PlanToken
{
    /// <summary>The user namespace's id maps are written.</summary>
    Mapped = 1,
    /// <summary>Here is the root mount.</summary>
    Root = 2,
    /// <summary>The bind mounts have their id maps.</summary>
    Binds = 5,
    /// <summary>Here is the terminal's master.</summary>
    Terminal = 3,
    /// <summary>Everything outside is done: execute.</summary>
    Go = 4,
}
