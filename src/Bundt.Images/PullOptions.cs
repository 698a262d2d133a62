using Bundt.Oci.Image;

namespace Bundt.Images;

/// <summary>Options of a pull.</summary>
/// <param name="Platform">Which platform of an index; null: this machine's.</param>
/// <param name="Credentials">What the client sent (X-Registry-Auth), or null: the daemon's own Docker config file.</param>
/// <param name="AllTags">Pull every tag of the repository.</param>
public sealed record PullOptions(Platform? Platform = null, RegistryCredentials? Credentials = null, bool AllTags = false);
