using System.Globalization;
using System.Text;
using Bundt.Linux;
using Bundt.Linux.Mounts;
using Bundt.Linux.Processes;
using Bundt.Oci.Runtime;
using Bundt.Runtime.Launch;

namespace Bundt.Runtime.Containers;

/// <summary>A container from a checkpoint: a directory and a cgroup as at a creation, and CRIU in place of the launcher.</summary>
internal static class ContainerRestore
{
    /// <summary>Restores it; nothing is left of one that fails.</summary>
    internal static OciContainer Run(string root, string id, CreateOptions options, CriuOptions criuOptions)
    {
        var (json, config) = BundleConfig.Load(options.ConfigPath);
        if (config.Process is { Terminal: true })
        {
            throw new BundtException(FailureKind.NotImplemented, Phase.Request, "a container with a terminal cannot be restored");
        }

        var criu = new Criu(criuOptions, config);
        var directory = ContainerDirectory.Make(root, id);
        try
        {
            var record = ContainerRecord.New(id, config, options);
            var place = record.Cgroup.Claim();
            directory.NoteCgroup(place);
            (var cgroup, place) = place.Create(config.Linux?.Resources, config.Annotations);
            using var open = cgroup;
            try
            {
                if (cgroup is not null)
                {
                    place.Limit(cgroup, config.Linux?.Resources);
                }

                var pid = 0;
                PrivateRoot.Run(record.Rootfs, () => pid = criu.Restore(record.Rootfs, options.Bundle, Path.Combine(directory.Path, "restored"), cgroup?.Descriptor.Handle));
                record = record with { Cgroup = place, Pid = pid, StartTime = PidFd.ReadStartTime(pid) ?? 0 };
                directory.Keep(json, directory.Filters.Compile(config.Linux?.Seccomp));
                directory.Write(record);
                if (options.PidFile is not null)
                {
                    ContainerDirectory.Replace(options.PidFile, Encoding.ASCII.GetBytes(pid.ToString(CultureInfo.InvariantCulture)));
                }

                return new OciContainer(directory, record);
            }
            catch
            {
                place.Delete();
                throw;
            }
        }
        catch
        {
            directory.Remove();
            throw;
        }
    }
}
