namespace Bundt.Oci.Runtime;

/// <summary>A network device moved into the container.</summary>
/// <param name="Name">Its name inside; null: as on the host.</param>
public sealed record LinuxNetDevice(string? Name);
