namespace Bundt.Images;

/// <summary>One loaded image and the name that it got, if it had one in the archive.</summary>
public sealed record LoadedImage(StoredImage Image, string? Name);
