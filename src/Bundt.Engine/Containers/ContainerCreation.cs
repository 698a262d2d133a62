using Bundt.Engine.Launch;
using Bundt.Engine.Networks;
using Bundt.Engine.Settings;
using Bundt.Engine.Volumes;
using Bundt.Images;
using Bundt.Linux;
using Bundt.Oci.Image;

namespace Bundt.Engine.Containers;

/// <summary>Makes containers: checks, name, directory, volumes, and last of all the record, by which the container exists.</summary>
internal sealed class ContainerCreation(EngineServices services)
{
    /// <summary>Id ranges of containers that are being made: nobody finds those in the registry yet.</summary>
    private readonly Dictionary<string, IdRange> _ranges = [];

    public async Task<(Container Container, IReadOnlyList<string> Warnings)> CreateAsync(
        string? name, ContainerSettings settings, bool startFollows, CancellationToken cancellation)
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
        NetworkFiles.Check(settings);
        _ = HostDevices.Find(settings.Devices);
        CheckPorts(settings, effective.ExposedPorts, warnings);

        settings = settings with
        {
            NetworkMode = settings.NetworkMode is "" or "default" ? DefaultMode(settings) : ById(settings.NetworkMode),
            PidMode = ById(settings.PidMode),
            IpcMode = ById(settings.IpcMode),
            Links = [.. settings.Links.Select(LinkById)],
        };

        var networks = NetworkMembership.Resolve(services.Networks, settings);
        var id = ContainerNames.NewId();
        var range = UserNamespace(settings, id);
        var prepared = range is null ? services.Prepared.Take(image.Id, settings.AutoRemove) : null;
        id = prepared?.Id ?? id;
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
                Networks = networks,
                StartFollows = startFollows,
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
        finally
        {
            lock (_ranges)
            {
                _ranges.Remove(id);
            }
        }
    }

    /// <summary>"container:NAME" as "container:ID": the other may be renamed.</summary>
    private string ById(string mode)
    {
        const string Prefix = "container:";
        return mode.StartsWith(Prefix, StringComparison.Ordinal) ? Prefix + services.Containers.Find(mode[Prefix.Length..]).Id : mode;
    }

    private string DefaultMode(ContainerSettings settings) =>
        settings.Networks is [var first, ..] ? first.Network : services.Networks.Default is null ? "none" : NetworkStore.DefaultName;

    private static void CheckPorts(ContainerSettings settings, IReadOnlyList<string> exposed, List<string> warnings)
    {
        _ = PortRequest.Of(settings, exposed);
        var isPublishing = settings.PortBindings.Count > 0 || settings.PublishAllPorts;
        switch (NetworkChoice.Of(settings.NetworkMode))
        {
            case NetworkKind.Host when isPublishing:
                warnings.Add("Published ports are discarded when using host network mode");
                break;
            case NetworkKind.Container when isPublishing:
                throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "conflicting options: port publishing and the container type network mode");
            case NetworkKind.Container when settings.ExposedPorts.Count > 0:
                throw new BundtException(FailureKind.InvalidArgument, Phase.Request, "conflicting options: port exposing and the container type network mode");
        }
    }

    /// <summary>"name:alias" as "ID:alias"; without an alias the name is one.</summary>
    private string LinkById(string link)
    {
        var parts = link.Split(':');
        var name = parts[0].TrimStart('/');
        var alias = parts[^1].Split('/')[^1];
        if (parts.Length > 2 || name.Length == 0 || alias.Length == 0 || alias.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter) || letter == '#'))
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"bad format for links: {link}");
        }

        try
        {
            return $"{services.Containers.Find(name).Id}:{alias}";
        }
        catch (BundtException e) when (e.Kind == FailureKind.NotFound)
        {
            // Not NotFound: Docker's client takes that for a missing image.
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, $"could not get container for {name}: {e.Message}", null, e);
        }
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
        var toFill = new List<(Volume Volume, string Destination)>();
        foreach (var spec in specs)
        {
            if (spec.Mount.Type != "volume")
            {
                mounts.Add(spec.Mount);
                continue;
            }

            var (volume, _) = services.Volumes.Create(
                spec.Mount.Volume, spec.Labels, new Dictionary<string, string>(), spec.Mount.Anonymous, spec.Mount.Anonymous ? id : null);
            mounts.Add(spec.Mount with { Volume = volume.Name, Source = volume.MountPoint });
            if (!spec.NoCopy)
            {
                toFill.Add((volume, spec.Mount.Destination));
            }
        }

        if (toFill.Count > 0)
        {
            using var lease = await services.Images.LeaseLayersAsync(image, cancellation).ConfigureAwait(false);
            using var tree = MergedTree.Open(lease.Directories);
            foreach (var (volume, destination) in toFill)
            {
                services.Volumes.Fill(volume, data => VolumeFiller.Fill(tree, destination, data));
            }
        }

        return mounts;
    }

    private IdRange? UserNamespace(ContainerSettings settings, string id)
    {
        var wanted = UserNamespaces.Parse(settings.UsernsMode);
        if (wanted is not { First: 0 })
        {
            return wanted;
        }

        lock (_ranges)
        {
            return _ranges[id] = UserNamespaces.Free(services.Containers.All.Select(c => c.Record.UserNamespace).OfType<IdRange>().Concat(_ranges.Values));
        }
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

    /// <summary>An image of another platform than the one asked for is as good as none: clients pull the right one then.</summary>
    private static void CheckPlatform(ContainerSettings settings, StoredImage image, List<string> warnings)
    {
        var asked = Asked(settings.Platform);
        var has = image.Config.Platform;
        if (image.Config.Architecture.Length == 0 || (asked ?? Platform.Current).Distance(has) is not null)
        {
            return;
        }

        if (asked is not null)
        {
            throw new BundtException(
                FailureKind.NotFound,
                Phase.Resolve,
                $"image with reference {settings.Image} was found but its platform ({has}) does not match the specified platform ({asked})");
        }

        warnings.Add(
            $"The requested image's platform ({has}) does not match the detected host platform ({Platform.Current}) and no specific platform was requested");
    }

    private static Platform? Asked(string? platform)
    {
        try
        {
            return string.IsNullOrEmpty(platform) ? null : Platform.Parse(platform);
        }
        catch (FormatException e)
        {
            throw new BundtException(FailureKind.InvalidArgument, Phase.Request, e.Message, null, e);
        }
    }
}
