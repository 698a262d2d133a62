namespace Bundt.Images;

/// <summary>A login. Never logged.</summary>
public sealed record RegistryCredentials(string? Username, string? Password, string? IdentityToken);
