namespace Bundt.Oci.Runtime;

/// <summary>An OCI runtime config (runtime-spec 1.2, config.md and config-linux.md).</summary>
public sealed record RuntimeConfig
{
    /// <summary>"1.2.0".</summary>
    public string OciVersion { get; init; } = "1.2.0";

    /// <summary>The container's process.</summary>
    public RuntimeProcess? Process { get; init; }

    // The runtime's owner completes this: root, hostname, domainname, mounts, hooks, annotations, linux (every member of the spec).
}

/// <summary>The "process" member.</summary>
public sealed record RuntimeProcess
{
    /// <summary>Command and arguments.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];
}
