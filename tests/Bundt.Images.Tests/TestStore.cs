using Bundt.Linux.Files;

namespace Bundt.Images.Tests;

/// <summary>A store in a directory of its own, removed at the end.</summary>
internal sealed class TestStore : IDisposable
{
    public TestStore()
    {
        Path = Directory.CreateTempSubdirectory("bundt-images-").FullName;
        Store = ImageStore.Open(Path, new RegistryOptions());
    }

    public string Path { get; }

    public ImageStore Store { get; private set; }

    public static void RequireRoot()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Ignore("needs root: chown, mknod and trusted.* attributes");
        }
    }

    /// <summary>Closes and opens the store, as a new daemon does.</summary>
    public void Reopen()
    {
        Store.Dispose();
        Store = ImageStore.Open(Path, new RegistryOptions());
    }

    public DirectoryFd OpenDirectory(string path)
    {
        using var root = DirectoryFd.OpenHost(Path);
        return root.OpenDirectory(path);
    }

    public void Dispose()
    {
        Store.Dispose();
        using var parent = DirectoryFd.OpenHost(System.IO.Path.GetTempPath());
        parent.RemoveTree(System.IO.Path.GetFileName(Path));
    }
}
