namespace Bundt.Oci.Runtime;

/// <summary>One hook. It reads the container's state as JSON from its stdin.</summary>
public sealed record RuntimeHook
{
    /// <summary>Absolute path of the program.</summary>
    public required string Path { get; init; }

    /// <summary>Arguments, argv[0] included.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>Environment, "KEY=value"; null: the runtime's own.</summary>
    public IReadOnlyList<string>? Env { get; init; }

    /// <summary>Seconds until it is killed; null: unlimited.</summary>
    public long? Timeout { get; init; }
}
