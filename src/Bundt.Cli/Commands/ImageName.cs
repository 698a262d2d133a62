namespace Bundt.Cli.Commands;

/// <summary>The little that the client must know of an image's name: where its tag begins.</summary>
internal static class ImageName
{
    /// <summary>Name and tag or digest ("" when there is none).</summary>
    public static (string Name, string Tag) Split(string image)
    {
        int at = image.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0)
        {
            return (image[..at], image[(at + 1)..]);
        }

        int colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/') ? (image[..colon], image[(colon + 1)..]) : (image, "");
    }

    /// <summary>With ":latest" where nothing else is said.</summary>
    public static string WithTag(string image) => Split(image).Tag.Length > 0 ? image : image + ":latest";
}
