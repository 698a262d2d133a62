using System.Collections.Concurrent;
using Bundt.Engine.Volumes;
using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Runtime.Spec;

namespace Bundt.Engine.Launch;

/// <summary>
/// Passwd and group files of containers. An image's are read once and kept, off the path of later starts; a container that has written to
/// its /etc is read anew each time.
/// </summary>
internal sealed class UserDatabases
{
    private const int LargestFile = 4 << 20;
    private const int MostKept = 256;

    private readonly ConcurrentDictionary<string, UserDatabase> _byImage = new(StringComparer.Ordinal);

    /// <summary>The container's users.</summary>
    /// <param name="imageId">The image.</param>
    /// <param name="layers">Its layers, topmost first.</param>
    /// <param name="upper">Host path of the container's writable layer.</param>
    public UserDatabase Of(string imageId, IReadOnlyList<string> layers, string upper)
    {
        using (var written = DirectoryFd.OpenHost(upper))
        {
            if (written.Exists("etc"))
            {
                return Read([upper, .. layers]);
            }
        }

        if (_byImage.TryGetValue(imageId, out var known))
        {
            return known;
        }

        if (_byImage.Count >= MostKept)
        {
            _byImage.Clear();
        }

        return _byImage[imageId] = Read(layers);
    }

    private static UserDatabase Read(IReadOnlyList<string> layers)
    {
        using var tree = MergedTree.Open(layers);
        try
        {
            return UserDatabase.Parse(tree.ReadFile("/etc/passwd", LargestFile), tree.ReadFile("/etc/group", LargestFile));
        }
        catch (BundtException e) when (e.Errno == Errno.EFBIG)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Identity, "passwd or group file of the image is larger than 4 MiB", null, e);
        }
    }
}
