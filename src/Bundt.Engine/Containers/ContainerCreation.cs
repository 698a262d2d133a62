using System.Runtime.InteropServices;
using Bundt.Engine.Launch;
using Bundt.Engine.Settings;
using Bundt.Engine.Volumes;
using Bundt.Images;
using Bundt.Linux;

namespace Bundt.Engine.Containers;

/// <summary>Makes containers: checks, name, directory, volumes, and last of all the record, by which the container exists.</summary>
internal sealed class ContainerCreation(EngineServices services)
{
    public async Task<(Container Container, IReadOnlyList<string> Warnings)> CreateAsync(
        string? name, ContainerSettings settings, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var plain = string.IsNullOrEmpty(name) ? null : ContainerNames.Check(name);
        var image = services.Images.Find(settings.Image);
        var warnings = SettingsRules.Check(settings, ResourceRules.Machine.Own).ToList();
        CheckPlatform(settings, image, warnings);
        var effective = ImageMerge.Merge(settings, image.Config.Config);
        if (effective.StopSignal is { } signal)
        {
            _ = Signals.Parse(signal);
        }

        var specs = VolumeSpecParser.ParseAll(settings, effective.Volumes);
        CheckBindSources(specs);
        _ = NetworkFiles.ComposeHosts(settings.ExtraHosts, null);
        _ = HostDevices.Find(settings.Devices);

        settings = settings with
        {
            NetworkMode = ById(settings.NetworkMode),
            PidMode = ById(settings.PidMode),
            IpcMode = ById(settings.IpcMode),
        };

        var range = UserNamespace(settings);
        var prepared = range is null ? services.Prepared.Take(image.Id, settings.AutoRemove) : null;
        var id = prepared?.Id ?? ContainerNames.NewId();
        var directory = new ContainerDirectory(services.Paths.Container(id));
        try
        {
            plain = Reserve(plain, id);
            if (prepared is null)
            {
                directory.Make(range);
            }

            var mounts = await ResolveAsync(specs, id, image, cancellation).ConfigureAwait(false);
            var record = new ContainerRecord
            {
                Id = id,
                Name = plain,
                Created = DateTimeOffset.UtcNow,
                ImageId = image.Id,
                Settings = settings with { Hostname = Hostname(settings, id) },
                Effective = effective,
                Mounts = mounts,
                UserNamespace = range,
            };
            directory.Write(record);
            var container = new Container(services, record, new ContainerState { Status = ContainerStatus.Created }, fresh: true) { Prepared = prepared };
            services.Containers.Add(container);
            container.Publish("create");
            return (container, warnings);
        }
        catch
        {
            if (plain is not null)
            {
                services.Containers.Give(plain, id);
            }

            prepared?.Dispose();
            services.Volumes.RemoveMadeFor(id);
            services.Trash.Take(directory.Path);
            throw;
        }
    }

    /// <summary>"container:NAME" as "container:ID": the other may be renamed.</summary>
    private string ById(string mode)
    {
        const string Prefix = "container:";
        return mode.StartsWith(Prefix, StringComparison.Ordinal) ? Prefix + services.Containers.Find(mode[Prefix.Length..]).Id : mode;
    }

    private string Reserve(string? name, string id)
    {
        if (name is not null)
        {
            return services.Containers.Take(name, id) is { } holder ? throw ContainerNames.Taken(name, holder) : name;
        }

        for (var attempt = 0; ; attempt++)
        {
            var random = ContainerNames.Random(attempt);
            if (services.Containers.Take(random, id) is null)
            {
                return random;
            }
        }
    }

    private async Task<IReadOnlyList<MountRecord>> ResolveAsync(
        IReadOnlyList<VolumeSpec> specs, string id, StoredImage image, CancellationToken cancellation)
    {
        var mounts = new List<MountRecord>();
        var toFill = new List<MountRecord>();
        foreach (var spec in specs)
        {
            if (spec.Mount.Type != "volume")
            {
                mounts.Add(spec.Mount);
                continue;
            }

            var (volume, _) = services.Volumes.Create(
                spec.Mount.Volume, spec.Labels, new Dictionary<string, string>(), spec.Mount.Anonymous, spec.Mount.Anonymous ? id : null);
            var mount = spec.Mount with { Volume = volume.Name, Source = volume.MountPoint };
            mounts.Add(mount);
            if (!spec.NoCopy)
            {
                toFill.Add(mount);
            }
        }

        if (toFill.Count > 0)
        {
            using var lease = await services.Images.LeaseLayersAsync(image, cancellation).ConfigureAwait(false);
            using var tree = MergedTree.Open(lease.Directories);
            foreach (var mount in toFill)
            {
                VolumeFiller.Fill(tree, mount.Destination, mount.Source);
            }
        }

        return mounts;
    }

    private IdRange? UserNamespace(ContainerSettings settings)
    {
        var wanted = UserNamespaces.Parse(settings.UsernsMode);
        return wanted is { First: 0 }
            ? UserNamespaces.Free(services.Containers.All.Select(c => c.Record.UserNamespace).OfType<IdRange>())
            : wanted;
    }

    /// <summary>--mount wants its source to be there already.</summary>
    private static void CheckBindSources(IReadOnlyList<VolumeSpec> specs)
    {
        foreach (var spec in specs)
        {
            if (spec.Mount is { Type: "bind", CreateSource: false } && !Path.Exists(spec.Mount.Source))
            {
                throw new BundtException(
                    FailureKind.InvalidArgument, Phase.Request, $"invalid mount config for type \"bind\": bind source path does not exist: {spec.Mount.Source}");
            }
        }
    }

    private static string Hostname(ContainerSettings settings, string id) =>
        settings.Hostname.Length > 0 ? settings.Hostname
        : settings.NetworkMode == "host" || settings.UtsMode == "host" ? Environment.MachineName
        : id[..12];

    private static void CheckPlatform(ContainerSettings settings, StoredImage image, List<string> warnings)
    {
        var own = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "amd64",
            Architecture.Arm64 => "arm64",
            var other => other.ToString().ToLowerInvariant(),
        };
        if (image.Config.Architecture.Length > 0 && image.Config.Architecture != own && string.IsNullOrEmpty(settings.Platform))
        {
            warnings.Add(
                $"The requested image's platform ({image.Config.Os}/{image.Config.Architecture}) does not match the detected host platform (linux/{own}) and no specific platform was requested");
        }
    }
}
