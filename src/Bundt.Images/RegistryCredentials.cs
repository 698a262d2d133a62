namespace Bundt.Images;

/// <summary>A login. Never logged.</summary>
public sealed record RegistryCredentials(string? Username, string? Password, string? IdentityToken)
{
    /// <summary>Says nothing: whatever prints a record would print its secrets.</summary>
    public override string ToString() => nameof(RegistryCredentials);
}
