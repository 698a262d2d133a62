using Bundt.Linux.Files;

namespace Bundt.Engine;

/// <summary>Directories of sockets below the run directory.</summary>
internal static class RunDirectories
{
    /// <summary>Removes one with the sockets in it, if it is there.</summary>
    public static void Remove(string path)
    {
        if (!Directory.Exists(path))
        {
            return;
        }

        using var parent = DirectoryFd.OpenHost(Path.GetDirectoryName(path)!);
        parent.RemoveTree(Path.GetFileName(path));
    }
}
