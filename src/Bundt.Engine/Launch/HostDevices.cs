using Bundt.Linux;
using Bundt.Linux.Files;
using Bundt.Oci.Runtime;

namespace Bundt.Engine.Launch;

/// <summary>Finds device nodes of the host.</summary>
internal static class HostDevices
{
    // Mounts of their own in a container, and what is made there by the runtime.
    private static readonly HashSet<string> s_passedOver =
        ["pts", "shm", "fd", "mqueue", "console", "ptmx", "stdin", "stdout", "stderr", "core", ".lxc", ".lxd-mounts", ".udev", "hugepages"];

    /// <summary>The devices that the user names: a node, or every node below a directory.</summary>
    /// <exception cref="BundtException">InvalidArgument: there is none.</exception>
    public static IReadOnlyList<(LinuxDevice Device, string Access)> Find(IReadOnlyList<DeviceSettings> wanted)
    {
        if (wanted.Count == 0)
        {
            return [];
        }

        var found = new List<(LinuxDevice, string)>();
        using var root = DirectoryFd.OpenHost("/");
        foreach (var device in wanted)
        {
            var inside = device.PathInContainer.Length > 0 ? device.PathInContainer : device.PathOnHost;
            var access = device.CgroupPermissions.Length > 0 ? device.CgroupPermissions : "rwm";
            if (access.Any(c => !"rwm".Contains(c, StringComparison.Ordinal)))
            {
                throw Invalid($"invalid device mode: {access}");
            }

            if (device.PathOnHost.Length == 0 || device.PathOnHost[0] != '/' || root.TryStat(device.PathOnHost, follow: true) is not { } status)
            {
                throw Invalid($"error gathering device information while adding custom device \"{device.PathOnHost}\": no such file or directory");
            }

            if (status.Type == FileType.Directory)
            {
                using var directory = root.OpenDirectory(device.PathOnHost);
                found.AddRange(Below(directory, inside).Select(d => (d, access)));
            }
            else
            {
                found.Add((ToDevice(inside, status) ?? throw Invalid(
                    $"error gathering device information while adding custom device \"{device.PathOnHost}\": not a device node"), access));
            }
        }

        return found;
    }

    /// <summary>All devices of the host, for privileged containers.</summary>
    public static IReadOnlyList<LinuxDevice> All()
    {
        using var directory = DirectoryFd.OpenHost("/dev");
        return [.. Below(directory, "/dev")];
    }

    private static IEnumerable<LinuxDevice> Below(DirectoryFd directory, string path)
    {
        foreach (var entry in directory.Entries())
        {
            if (s_passedOver.Contains(entry.Name) || directory.TryStat(entry.Name) is not { } status)
            {
                continue;
            }

            var inside = path + "/" + entry.Name;
            if (status.Type == FileType.Directory)
            {
                using var below = directory.OpenDirectory(entry.Name, OpenFlags.NoSymlinks);
                foreach (var device in Below(below, inside))
                {
                    yield return device;
                }
            }
            else if (ToDevice(inside, status) is { } device)
            {
                yield return device;
            }
        }
    }

    private static LinuxDevice? ToDevice(string path, FileStatus status) => status.Type is FileType.CharacterDevice or FileType.BlockDevice
        ? new LinuxDevice
        {
            Path = path,
            Type = status.Type == FileType.CharacterDevice ? 'c' : 'b',
            Major = status.NodeMajor,
            Minor = status.NodeMinor,
            FileMode = (uint)status.Mode,
            Uid = status.Uid,
            Gid = status.Gid,
        }
        : null;

    private static BundtException Invalid(string text) => new(FailureKind.InvalidArgument, Phase.Request, text);
}
