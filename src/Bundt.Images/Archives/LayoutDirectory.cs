using Bundt.Linux;
using Bundt.Linux.Files;

namespace Bundt.Images.Archives;

/// <summary>An OCI image layout in a directory of the host.</summary>
internal sealed class LayoutDirectory(DirectoryFd directory) : ILayoutSource
{
    public byte[]? ReadSmall(string path, int maxBytes) => directory.TryStat(path) is null ? null : directory.ReadAll(path, maxBytes);

    public async Task<bool> BringAsync(ImageIntake intake, string path, string digest, long size, CancellationToken cancellation)
    {
        intake.Keep(digest);
        if (directory.TryStat(path) is not { } status)
        {
            return intake.Blobs.Contains(digest);
        }

        if (size >= 0 && status.Size != size)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Store, $"{path} has {status.Size} bytes instead of {size}");
        }

        using var ingest = await intake.Blobs.BeginIngestAsync(digest, size, cancellation).ConfigureAwait(false);
        if (!ingest.IsPresent)
        {
            if (ingest.Offset > 0)
            {
                ingest.Restart();
            }

            await ingest.CopyAsync(new FileStream(directory.OpenRegular(path), FileAccess.Read, bufferSize: 0), cancellation).ConfigureAwait(false);
        }

        return true;
    }
}
