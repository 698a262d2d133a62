namespace Bundt.Oci.Image;

/// <summary>How one layer of an image came to be (OCI image-spec, config.md, "history").</summary>
public sealed record ImageHistory
{
    /// <summary>When, or null.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>The command, or "".</summary>
    public string CreatedBy { get; init; } = "";

    /// <summary>Who, or "".</summary>
    public string Author { get; init; } = "";

    /// <summary>A comment, or "".</summary>
    public string Comment { get; init; } = "";

    /// <summary>The step changed no file, so it has no layer.</summary>
    public bool IsEmptyLayer { get; init; }
}
