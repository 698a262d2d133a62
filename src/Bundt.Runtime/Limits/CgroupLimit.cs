using Bundt.Linux;

namespace Bundt.Runtime.Limits;

/// <summary>One value for one file of a cgroup.</summary>
/// <param name="Controller">The controller that has the file; "" for the cgroup's own.</param>
/// <param name="File">The file.</param>
/// <param name="Value">What is written.</param>
/// <param name="Option">What a user calls it, for errors.</param>
public sealed record CgroupLimit(string Controller, string File, string Value, string Option)
{
    /// <summary>Whether it changes anything: what asks for "no limit", or for the weight that every cgroup has, needs no controller.</summary>
    public bool Limits => Value is not "max" && (File, Value) is not ("cpu.weight", "100");

    /// <summary>An answer of the kernel that is no failure of this limit: the file is missing where nothing is to be limited, or another limit must come first.</summary>
    public Errno Tolerated { get; init; }

    /// <summary>What is written where <see cref="File"/> does not exist; null: nothing else.</summary>
    public CgroupLimit? Otherwise { get; init; }
}
