namespace Bundt.Runtime.Plans;

/// <summary>Errors that an operation passes over (enum plan_tolerate).</summary>
[Flags]
public enum PlanTolerate : uint
{
    /// <summary>None.</summary>
    None = 0,
    /// <summary>ENOENT, ENOTDIR.</summary>
    Missing = 1,
    /// <summary>EPERM, EACCES, EROFS.</summary>
    Refused = 2,
    /// <summary>EINVAL, ENOSYS, EOPNOTSUPP.</summary>
    Unsupported = 4,
    /// <summary>EEXIST.</summary>
    Exists = 8,
    /// <summary>EBUSY.</summary>
    Busy = 16,
}
