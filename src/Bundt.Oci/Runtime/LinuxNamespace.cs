namespace Bundt.Oci.Runtime;

/// <summary>A namespace to make, or with a path to join.</summary>
/// <param name="Type">Its kind.</param>
/// <param name="Path">Host path of an existing namespace; null: a new one.</param>
public sealed record LinuxNamespace(NamespaceType Type, string? Path = null);
