namespace Bundt.Images;

/// <summary>A repository found by search.</summary>
public sealed record SearchResult(string Name, string Description, int Stars, bool Official);
