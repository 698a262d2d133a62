using System.Collections.Concurrent;
using Bundt.Linux.Cgroups;
using Bundt.Oci.Runtime;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Runtime.Limits;

/// <summary>The device filter of a container's cgroup: the config's rules, then what every container needs. Loaded once per set of rules.</summary>
public static class DeviceAccess
{
    // As runc: making any node is harmless, and these work in every container.
    private static readonly DeviceRule[] s_always =
    [
        new(true, 'c', null, null, "m"), new(true, 'b', null, null, "m"),
        new(true, 'c', 1, 3, "rwm"), new(true, 'c', 1, 8, "rwm"), new(true, 'c', 1, 7, "rwm"), new(true, 'c', 5, 0, "rwm"),
        new(true, 'c', 1, 5, "rwm"), new(true, 'c', 1, 9, "rwm"), new(true, 'c', 136, null, "rwm"), new(true, 'c', 5, 2, "rwm"),
        new(true, 'c', 10, 200, "rwm"),
    ];

    // A failure to load is not remembered: the next container may have better luck.
    private static readonly ConcurrentDictionary<string, Lazy<SafeFileHandle?>> s_loaded = new(StringComparer.Ordinal);

    /// <summary>Applies rules to a cgroup. An empty list denies all but what every container needs.</summary>
    public static void Apply(IReadOnlyList<DeviceCgroupRule> rules, Cgroup cgroup)
    {
        var key = string.Concat(rules.Select(rule => $"{(rule.Allow ? '+' : '-')}{rule.Type}{rule.Major}:{rule.Minor}{rule.Access}"));
        if (s_loaded.GetOrAdd(key, _ => new Lazy<SafeFileHandle?>(() => Load(rules), LazyThreadSafetyMode.PublicationOnly)).Value is { } program)
        {
            DeviceFilter.Attach(program, cgroup.Descriptor.Handle);
        }
    }

    internal static IReadOnlyList<DeviceRule> Combine(IReadOnlyList<DeviceCgroupRule> rules) =>
        [.. rules.Select(rule => new DeviceRule(rule.Allow, rule.Type, rule.Major, rule.Minor, rule.Access)), .. s_always];

    private static SafeFileHandle? Load(IReadOnlyList<DeviceCgroupRule> rules)
    {
        // A privileged container's "allow all" needs no program.
        DeviceRule[] given = [.. rules.Select(rule => new DeviceRule(rule.Allow, rule.Type, rule.Major, rule.Minor, rule.Access))];
        return DeviceFilter.AllowsEverything(given) ? null : DeviceFilter.Load(Combine(rules));
    }
}
