using Bundt.Linux;

namespace Bundt.Engine.Settings;

/// <summary>--security-opt, parsed.</summary>
internal sealed record SecurityOptions
{
    public bool NoNewPrivileges { get; private init; }

    /// <summary>Null: the default; "unconfined", "builtin", or a profile as JSON.</summary>
    public string? Seccomp { get; private init; }

    /// <summary>Null: the default.</summary>
    public string? Apparmor { get; private init; }

    /// <summary>SELinux label parts ("disable", "type:x").</summary>
    public IReadOnlyList<string> Labels { get; private init; } = [];

    /// <summary>No masked and no read-only paths.</summary>
    public bool SystemPathsUnconfined { get; private init; }

    /// <summary>The container's own cgroup is writable to it.</summary>
    public bool WritableCgroups { get; private init; }

    /// <summary>Parses "key=value", the older "key:value" and plain words.</summary>
    /// <exception cref="BundtException">InvalidArgument, with the option.</exception>
    public static SecurityOptions Parse(IReadOnlyList<string> options)
    {
        var result = new SecurityOptions();
        foreach (var option in options)
        {
            if (option is "no-new-privileges")
            {
                result = result with { NoNewPrivileges = true };
                continue;
            }

            var at = option.IndexOf('=', StringComparison.Ordinal) is var equals && equals >= 0 ? equals : option.IndexOf(':', StringComparison.Ordinal);
            if (at < 0)
            {
                throw Invalid($"invalid --security-opt 1: \"{option}\"");
            }

            var value = option[(at + 1)..];
            result = option[..at] switch
            {
                "no-new-privileges" => result with { NoNewPrivileges = Boolean(value, option) },
                "seccomp" => result with { Seccomp = value },
                "apparmor" => result with { Apparmor = value },
                "label" => result with { Labels = [.. result.Labels, value] },
                "systempaths" when value == "unconfined" => result with { SystemPathsUnconfined = true },
                "writable-cgroups" => result with { WritableCgroups = Boolean(value, option) },
                _ => throw Invalid($"invalid --security-opt 2: \"{option}\""),
            };
        }

        return result;
    }

    private static bool Boolean(string value, string option) => value.ToLowerInvariant() switch
    {
        "true" or "1" or "t" => true,
        "false" or "0" or "f" => false,
        _ => throw Invalid($"invalid --security-opt 2: \"{option}\""),
    };

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
