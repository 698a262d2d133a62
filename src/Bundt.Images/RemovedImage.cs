namespace Bundt.Images;

/// <summary>What a removal did: names taken away, ids deleted (image and layers), in Docker's order.</summary>
public sealed record RemovedImage(IReadOnlyList<string> Untagged, IReadOnlyList<string> Deleted);
