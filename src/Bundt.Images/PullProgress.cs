namespace Bundt.Images;

/// <summary>One step of progress, in Docker's words.</summary>
/// <param name="Status">"Downloading", "Extracting", "Pull complete", "Already exists", "Loaded image: …".</param>
/// <param name="Id">The layer's short id or the tag, or null.</param>
/// <param name="Current">Bytes so far, 0 when unknown.</param>
/// <param name="Total">Bytes in all, 0 when unknown.</param>
public sealed record PullProgress(string Status, string? Id = null, long Current = 0, long Total = 0);
