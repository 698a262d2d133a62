using Bundt.Engine.Containers;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Bundt.Engine.Launch;

/// <summary>
/// What a container needs and no setting of its own decides, made before anybody asks for the container: an id, the directory, the mounted
/// root, a network namespace. Its directory has no record yet: what a crash leaves of it is found and removed as half-made.
/// </summary>
internal sealed class PreparedContainer : IDisposable
{
    private const UnixFileMode MountPointMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The container's id.</summary>
    public required string Id { get; init; }

    /// <summary>The id of the image whose layers are below the root.</summary>
    public required string ImageId { get; init; }

    /// <summary>The root is mounted volatile: for a container with --rm.</summary>
    public required bool Volatile { get; init; }

    /// <summary>The layers; whoever starts the container takes the lease over.</summary>
    public required LayerLease Lease { get; init; }

    /// <summary>The overlay, attached nowhere.</summary>
    public required SafeFileHandle Root { get; init; }

    /// <summary>A network namespace with its loopback interface up.</summary>
    public required SafeFileHandle NetworkNamespace { get; init; }

    /// <summary>Makes one; null where the root cannot be mounted.</summary>
    /// <exception cref="BundtException">The disk is full, the image is gone …; nothing is left.</exception>
    public static async Task<PreparedContainer?> MakeAsync(EngineServices services, string imageId, bool isVolatile)
    {
        var id = ContainerNames.NewId();
        var directory = new ContainerDirectory(services.Paths.Container(id));
        var lease = await services.Images.LeaseLayersAsync(services.Images.Find(imageId), CancellationToken.None).ConfigureAwait(false);
        SafeFileHandle? root = null;
        try
        {
            directory.Make(null);
            root = services.Processes.MountOverlay(directory.Overlay(lease.Directories, services.Paths.RunContainers, isVolatile));
            if (root is not null)
            {
                MakeMountPoints(root);
                directory.MakeFiles();
                return new PreparedContainer
                {
                    Id = id,
                    ImageId = imageId,
                    Volatile = isVolatile,
                    Lease = lease,
                    Root = root,
                    NetworkNamespace = services.Processes.MakeNetworkNamespace(),
                };
            }
        }
        catch
        {
            root?.Dispose();
            lease.Dispose();
            services.Trash.Take(directory.Path);
            throw;
        }

        lease.Dispose();
        services.Trash.Take(directory.Path);
        return null;
    }

    /// <summary>Lets go of the mount, the namespace and the layers; the directory stays.</summary>
    public void Dispose()
    {
        ReleaseKernelObjects();
        Lease.Dispose();
    }

    /// <summary>Lets go of the mount and the namespace: the container has them by now.</summary>
    public void ReleaseKernelObjects()
    {
        Root.Dispose();
        NetworkNamespace.Dispose();
    }

    // Every container has these bound. What an image has there instead is the launcher's to deal with.
    private static void MakeMountPoints(SafeFileHandle root)
    {
        using var mounted = DirectoryFd.Adopt(root, "the container's root").Duplicate();
        if (mounted.TryOpen("etc", OpenFlags.PathOnly | OpenFlags.Directory, 0, out var handle) != Errno.None)
        {
            return;
        }

        using var etc = DirectoryFd.Adopt(handle!, "the container's /etc");
        foreach (var name in (string[])[NetworkFiles.Hosts, NetworkFiles.Hostname, NetworkFiles.ResolvConf])
        {
            if (etc.TryOpen(name, OpenFlags.Write | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.NoFollow, MountPointMode, out var file) == Errno.None)
            {
                file!.Dispose();
            }
        }
    }
}
