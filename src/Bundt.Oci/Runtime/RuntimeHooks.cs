namespace Bundt.Oci.Runtime;

/// <summary>Programs run at points of the container's life ("hooks"), in order within each list.</summary>
public sealed record RuntimeHooks
{
    /// <summary>In the runtime's namespaces, after the container's namespaces exist and before pivot_root. Deprecated by createRuntime.</summary>
    public IReadOnlyList<RuntimeHook> Prestart { get; init; } = [];

    /// <summary>In the runtime's namespaces, after the container's namespaces exist and before pivot_root.</summary>
    public IReadOnlyList<RuntimeHook> CreateRuntime { get; init; } = [];

    /// <summary>In the container's namespaces, with paths of the runtime's, before pivot_root.</summary>
    public IReadOnlyList<RuntimeHook> CreateContainer { get; init; } = [];

    /// <summary>In the container, after start was asked for and before the command is executed.</summary>
    public IReadOnlyList<RuntimeHook> StartContainer { get; init; } = [];

    /// <summary>In the runtime's namespaces, after the command was executed.</summary>
    public IReadOnlyList<RuntimeHook> Poststart { get; init; } = [];

    /// <summary>In the runtime's namespaces, after the container was deleted.</summary>
    public IReadOnlyList<RuntimeHook> Poststop { get; init; } = [];

    /// <summary>Whether there is no hook at all.</summary>
    public bool IsEmpty =>
        Prestart.Count + CreateRuntime.Count + CreateContainer.Count + StartContainer.Count + Poststart.Count + Poststop.Count == 0;
}
