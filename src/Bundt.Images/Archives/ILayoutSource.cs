namespace Bundt.Images.Archives;

/// <summary>The files of an image archive or layout that is being loaded, by their paths in it. Hostile content.</summary>
internal interface ILayoutSource
{
    /// <summary>A small file, or null when there is none of that path.</summary>
    byte[]? ReadSmall(string path, int maxBytes);

    /// <summary>Brings a file into the store as the blob of this digest and size; answers false when there is no such file.</summary>
    /// <exception cref="Linux.BundtException">Size or digest differ.</exception>
    Task<bool> BringAsync(ImageIntake intake, string path, string digest, long size, CancellationToken cancellation);
}
